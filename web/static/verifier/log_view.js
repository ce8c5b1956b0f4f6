// One look at the public log: all of it is taken, and its root is computed from it.
"use strict";

const BUNDLE = 256, LONGEST_ENTRY = 0xffff;
const MOST_ENTRIES = 1000000n;
const AHEAD = 5 * 60 * 1000; // milliseconds that a witness may be ahead of this reader
const FRESH_FOR = 24 * 3600 * 1000; // milliseconds: an older cosignature says nothing of today

/** The verified entries, and what a verdict says of them. */
async function lookAtLog(copy, policy, now) {
  const [checkpoint, note] = await sayOfLog(() => openCheckpoint(copy.checkpoint, policy.logs[0].key));
  const lines = await gatherLines(copy.entries, checkpoint);
  const entries = await sayOfLog(() => lines.map(readEntry));
  const rival = findRival(entries);
  if (rival) {
    throw new Trouble("log-divided", { reason: `${rival.name} is in it twice, differently` });
  }
  const witnesses = await requireWitnesses(note, policy, now);
  return { entries, seen: describeLog(checkpoint, witnesses, entries) };
}

function requireEntry({ entries }, { kind, name, hash }) {
  if (!entries.some((each) => each.kind === kind && each.name === name && each.hash === hash)) {
    throw new Trouble("release-unlogged", { reason: `${name} is not in it` });
  }
}

function refuseOlder({ entries }, role, version) {
  const newest = findNewestVersion(entries, role);
  if (newest > version) {
    rejectRelease(`version ${version} of ${role} was offered, and the log has seen ${newest}`);
  }
}

function rejectRelease(reason) {
  throw new Trouble("release-rejected", { reason });
}

/** What is wrong with the form of the log is said as such. */
async function sayOfLog(look) {
  try {
    return await look();
  } catch (error) {
    return error instanceof Refused ? rejectRelease(`the public log: ${error.message}`) : Promise.reject(error);
  }
}

async function gatherLines(entries, checkpoint) {
  if (checkpoint.size > MOST_ENTRIES) rejectRelease("the public log is longer than it may be");
  const size = Number(checkpoint.size);
  const raw = entries.slice(0, Math.ceil(size / BUNDLE) * BUNDLE).map(encodeText);
  for (let start = 0; start < size; start += BUNDLE) {
    checkBundle(raw.slice(start, start + BUNDLE), Math.min(BUNDLE, size - start));
  }
  const hashes = await Promise.all(raw.slice(0, size).map(hashLeaf));
  if (!isSame(await merkleRootOf(hashes), checkpoint.root)) {
    rejectRelease("the public log is not the one that was signed");
  }
  return entries.slice(0, size);
}

function checkBundle(entries, width) {
  if (entries.length === 0) refuse("not the number of entries of a bundle");
  if (entries.some((each) => each.length > LONGEST_ENTRY)) refuse("an entry is too long");
  if (entries.length < width) rejectRelease("a part of the public log is missing");
}

/** name → moment of those that cosigned lately; fewer than the quorum are too few. */
async function requireWitnesses(note, policy, now) {
  const times = await sayOfLog(async () => {
    const counted = await countWitnesses(note, policy);
    return Array.from(counted, ([name, seconds]) => [name, readPosixMoment(seconds)]);
  });
  const fresh = new Map(times.filter(([, moment]) => -AHEAD <= now - moment && now - moment <= FRESH_FOR));
  if (!isSatisfied(policy, fresh)) {
    const names = Array.from(fresh.keys()).sort(compareText).join(", ") || "nobody";
    throw new Trouble("witnesses-missing", { found: fresh.size, names });
  }
  return fresh;
}

function readPosixMoment(seconds) {
  return seconds < 253402300800n ? Number(seconds) * 1000 : refuse("not a timestamp");
}

function describeLog(checkpoint, witnesses, entries) {
  const agents = new Map();
  for (const { kind, name, hash } of entries) {
    if (kind === "agent") agents.set(name, [...(agents.get(name) ?? []), hash]); // the oldest first
  }
  return { size: checkpoint.size, witnesses, agents };
}
