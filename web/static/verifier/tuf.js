// Signed metadata of The Update Framework: its form, its signatures, and who may sign for what.
"use strict";

const TOP_LEVEL = ["root", "snapshot", "targets", "timestamp"];

/** One signed file, as far as it is needed. Everything has its form; nothing is verified yet. */
function readMetadata(text) {
  const whole = readLenientJson(text);
  const signed = getTable(whole, "signed"), type = signed.get("_type");
  if (!TOP_LEVEL.includes(type)) refuse("an unknown kind of metadata");
  const signatures = readTufSignatures(whole.get("signatures"));
  const found = { type, signatures, ...readCommon(signed), fields: signed };
  if (type === "root") Object.assign(found, readRootFields(signed));
  if (type === "targets") Object.assign(found, readTargetsFields(signed));
  const normal = new Map([...signed, ["expires", found.expiresText], ["version", found.version]]);
  if (normal.get("consistent_snapshot") === null) normal.delete("consistent_snapshot");
  found.signed = normal;
  return found;
}

function readMetadataOf(type, text) {
  const found = readMetadata(text);
  return found.type === type ? found : refuse(`it is not ${type} metadata`);
}

/** OLPC canonical JSON: sorted names, no spaces, only quotes and backslashes escaped. */
function writeCanonical(value) {
  if (typeof value === "string") return writeCanonicalText(value);
  if (Array.isArray(value)) return `[${value.map(writeCanonical).join(",")}]`;
  if (value instanceof Map) {
    const names = Array.from(value.keys()).sort(compareText);
    const pairs = names.map((name) => `${writeCanonicalText(name)}:${writeCanonical(value.get(name))}`);
    return `{${pairs.join(",")}}`;
  }
  return value instanceof Fraction ? refuse("a number that is not whole") : String(value);
}

/** Refuses metadata that fewer keys signed than the delegator asks for. */
async function verifyDelegate(delegator, name, metadata) {
  const { keyids, threshold } = getDelegatedRole(delegator, name);
  const message = encodeText(writeCanonical(metadata.signed));
  let signed = 0;
  for (const keyid of keyids) {
    const key = delegator.keys.get(keyid), signature = metadata.signatures.get(keyid);
    if (key && signature !== undefined && (await isSignedByKey(key, signature, message))) signed += 1;
  }
  if (signed < threshold) refuse(`${name} was signed by too few keys`);
}

function getDelegatedRole(delegator, name) {
  return delegator.roles?.get(name) ?? refuse("nobody delegates to it");
}

/** Names of the roles that may sign for a target. */
async function listRolesFor(targets, path) {
  const found = [];
  for (const [name, role] of targets.roles ?? []) {
    if (await isDelegatedPath(role, path)) found.push(name);
  }
  return found;
}

/** Refuses one key value under two ids: it would count twice, also when one is spelt otherwise. */
function refuseTwins(keys) {
  if (!Array.from(keys.values()).every((key) => /^[0-9a-f]{64}$/.test(key.public))) {
    throw new Trouble("release-rejected", { reason: "a key is not written in its one right form" });
  }
  if (new Set(Array.from(keys.values(), (key) => key.public)).size < keys.size) {
    throw new Trouble("release-rejected", { reason: "one key is listed twice under two names" });
  }
}

function refuseExpired(metadata, now) {
  if (now >= metadata.expires) {
    const until = metadata.expiresText.replace("T", " ").replace("Z", "+00:00");
    throw new Trouble("release-expired", { reason: `${metadata.type} was signed until ${until}` });
  }
}

async function isSignedByKey(key, signature, message) {
  try {
    return await isSigned(fromHex(key.public), fromHex(asText(signature)), message);
  } catch {
    return false; // a key or signature of another form counts as none
  }
}

async function isDelegatedPath(role, path) {
  if (role.prefixes) {
    const hash = await hashHex(encodeText(path));
    return role.prefixes.some((prefix) => hash.startsWith(prefix));
  }
  return role.paths.some((pattern) => matchesPattern(path, pattern));
}

/** Shell-style, one folder at a time. */
function matchesPattern(path, pattern) {
  const parts = path.split("/"), patterns = pattern.split("/");
  return parts.length === patterns.length
    && parts.every((part, at) => translatePattern(patterns[at]).test(part));
}

function translatePattern(pattern) {
  const source = pattern.replace(/\*|\?|\[(!?)(\]?[^\]]*)\]|[\\^$.+(){}|[\]/-]/g, (sign, not, set) => {
    if (sign === "*") return ".*";
    if (sign === "?") return ".";
    if (set === undefined) return `\\${sign}`;
    return `[${not ? "^" : ""}${set.replace(/[\\^[\]&~|]/g, "\\$&")}]`;
  });
  return new RegExp(`^${source}$`, "su");
}

// -- the form -----------------------------------------------------------------------------------

function getTable(value, name) {
  const found = value instanceof Map ? value.get(name) : undefined;
  return found instanceof Map ? found : refuse(`${name} is missing`);
}

function getPart(value, name) {
  return value instanceof Map && value.has(name) ? value.get(name) : refuse(`${name} is missing`);
}

function readTufSignatures(listed) {
  const found = new Map();
  for (const each of Array.isArray(listed) ? listed : refuse("signatures are missing")) {
    const keyid = getPart(each, "keyid");
    if (found.has(keyid)) refuse("two signatures of one key");
    found.set(keyid, getPart(each, "sig"));
  }
  return found;
}

function readCommon(signed) {
  const version = readTufVersion(getPart(signed, "version"));
  const numbers = asText(getPart(signed, "spec_version")).split(".");
  if (![2, 3].includes(numbers.length) || !numbers.every((each) => /^[0-9]+$/.test(each))
      || numbers[0] !== "1") {
    refuse("another version of the specification");
  }
  const expires = readTufMoment(asText(getPart(signed, "expires")));
  return { version, expires, expiresText: showMoment(expires) };
}

function readTufVersion(version) {
  if (version === null) return 1;
  const number = version instanceof Fraction ? version.value : version;
  const isNumber = isWhole(number) || typeof number === "boolean";
  return isNumber && number > 0 ? version : refuse("not a version");
}

function readTufMoment(text) {
  const found = /^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})T([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})Z$/i.exec(text);
  const [year, ...rest] = found ? found.slice(1) : refuse("not a moment");
  const [month, day, hour, minute, second] = rest.map((each) => each.padStart(2, "0"));
  return parseMoment(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

function readKeys(value) {
  return new Map(Array.from(value, ([keyid, key]) => {
    if (getPart(key, "keytype") !== "ed25519" || getPart(key, "scheme") !== "ed25519") {
      refuse("a kind of key that is not read here");
    }
    return [keyid, { public: asText(getPart(getPart(key, "keyval"), "public")) }];
  }));
}

function readRole(value) {
  const keyids = TEXTS(getPart(value, "keyids")), threshold = getPart(value, "threshold");
  if (new Set(keyids).size !== keyids.length) refuse("one key is named twice");
  if (!isWhole(threshold) || threshold < 1) refuse("a threshold below one");
  return { keyids, threshold };
}

function readRootFields(signed) {
  const roles = getTable(signed, "roles");
  if (Array.from(roles.keys()).sort().join() !== TOP_LEVEL.join()) refuse("not the roles of a root");
  return { keys: readKeys(getTable(signed, "keys")), roles: tableOf(readRole)(roles) };
}

function readTargetsFields(signed) {
  const targets = tableOf(readTargetFile)(getTable(signed, "targets"));
  if (!signed.has("delegations")) return { targets, keys: new Map(), roles: null };
  const delegations = signed.get("delegations"), roles = new Map();
  const keys = readKeys(getTable(delegations, "keys"));
  const listed = getPart(delegations, "roles");
  for (const each of Array.isArray(listed) ? listed : refuse("roles are missing")) {
    const role = readDelegatedRole(each);
    if (roles.has(role.name)) refuse("one role twice");
    if (!role.name || TOP_LEVEL.includes(role.name)) refuse("not a name of a delegated role");
    roles.set(role.name, role);
  }
  return { targets, keys, roles };
}

function readDelegatedRole(value) {
  const role = { name: asText(getPart(value, "name")), ...readRole(value) };
  getPart(value, "terminating");
  const paths = value.get("paths") ?? null, prefixes = value.get("path_hash_prefixes") ?? null;
  if ((paths === null) === (prefixes === null)) refuse("not one kind of path");
  return { ...role, paths: paths && TEXTS(paths), prefixes: prefixes && TEXTS(prefixes) };
}

function readTargetFile(value) {
  const length = getPart(value, "length"), hashes = tableOf(asText)(getPart(value, "hashes"));
  if (!isWhole(length) || length < 0 || hashes.size === 0) refuse("not an entry of a target");
  return { hashes, custom: value.get("custom") };
}

function writeCanonicalText(text) {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
