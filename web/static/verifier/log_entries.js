// The lines of the public log, and what they say of a thing's history.
"use strict";

const LONGEST_ENTRY_NAME = 200; // characters

/** `taarafo/log/v1 <kind> <name> sha256:<hex>`, one line. */
function readEntry(line) {
  const found = /^taarafo\/log\/v1 ([a-z]+) ([^ ]+) sha256:([0-9a-f]{64})\n$/.exec(line);
  const [, kind, name, hash] = found ?? refuse("not a line of the log");
  if (!["metadata", "agent", "rotation"].includes(kind)) refuse("an unknown kind of entry");
  if (Array.from(name).length > LONGEST_ENTRY_NAME
      || /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Zs}]/u.test(name)) {
    refuse("not a name of an entry");
  }
  return { kind, name, hash };
}

/** The entry of one signed metadata file, `3.root.json`. */
async function entryOfMetadata(role, version, bytes) {
  return { kind: "metadata", name: `${sayVersion(version)}.${role}.json`, hash: await hashHex(bytes) };
}

/** The highest version of a role's metadata that was ever logged; 0 when none was. */
function findNewestVersion(entries, role) {
  return Math.max(0, ...entries.map((entry) => findVersion(entry, role)));
}

/** The first metadata file that was logged with two different contents, or undefined. */
function findRival(entries) {
  const seen = new Map();
  return entries.find(({ kind, name, hash }) => {
    if (kind !== "metadata") return false;
    if (!seen.has(name)) seen.set(name, hash);
    return seen.get(name) !== hash;
  });
}

function findVersion({ kind, name }, role) {
  const found = kind === "metadata" ? /^([1-9][0-9]{0,9})\.(.+)\.json$/.exec(name) : null;
  return found && found[2] === role ? Number(found[1]) : 0;
}

/** Only whole numbers are ever logged; others are said as Python does. */
function sayVersion(version) {
  if (version instanceof Fraction) return String(version.value);
  return version === true ? "True" : String(version);
}
