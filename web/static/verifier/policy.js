// Who has to have seen the log: the policy (C2SP tlog-policy) that the publisher's root carries.
"use strict";

const POLICY_FIELD = "x-taarafo-log-policy";
const LONGEST_POLICY = 256 * 1024;

/** The policy among a root's further fields. */
async function findPolicy(fields) {
  const text = fields.get(POLICY_FIELD);
  const policy = await readPolicy(typeof text === "string" ? text : refuse("the root names no log"));
  return policy.logs.length === 1 ? policy : refuse("the root does not name exactly one log");
}

async function readPolicy(text) {
  const policy = { logs: [], witnesses: [], groups: [], quorum: null };
  const names = new Set(["none"]), members = new Set();
  for (const [kind, ...words] of listPolicyLines(text)) {
    if (kind === "log" && [1, 2].includes(words.length)) {
      policy.logs.push({ key: await readVkey(words[0]) });
    } else if (kind === "witness" && [2, 3].includes(words.length)) {
      policy.witnesses.push({ name: addName(names, words[0]), key: await readVkey(words[1]) });
    } else if (kind === "group" && words.length >= 2) {
      policy.groups.push(readGroup(words, names, members));
    } else if (kind === "quorum" && words.length === 1 && policy.quorum === null) {
      policy.quorum = names.has(words[0]) ? words[0] : refuse("a quorum that is not defined");
    } else {
      refuse("not a line of a policy");
    }
  }
  if (policy.quorum === null) refuse("the policy has no quorum");
  checkPolicyKeys(policy);
  return policy;
}

/** Whether these witnesses, by the policy's names, are a quorum. Other names count nothing. */
function isSatisfied(policy, witnesses) {
  const known = policy.witnesses.map((each) => each.name);
  const reached = new Set(known.filter((name) => witnesses.has(name)));
  for (const group of policy.groups) {
    if (group.members.filter((name) => reached.has(name)).length >= group.threshold) {
      reached.add(group.name);
    }
  }
  return policy.quorum === "none" || reached.has(policy.quorum);
}

/** name → when each of the policy's witnesses cosigned (POSIX seconds, BigInt). */
async function countWitnesses(note, policy) {
  const times = new Map();
  for (const { name, key } of policy.witnesses) {
    const time = await readCosignature(note, key);
    if (time !== null) times.set(name, time);
  }
  return times;
}

function listPolicyLines(text) {
  if (Array.from(text).length > LONGEST_POLICY) refuse("the policy is too long");
  checkText(text.replaceAll("\t", " "));
  if (text.includes("\x7f")) refuse("it has control characters");
  const lines = text.slice(0, -1).split("\n").map((line) => line.replace(/^[ \t]+|[ \t]+$/g, ""));
  return lines.filter((line) => line && !line.startsWith("#")).map((line) => line.split(/[ \t]+/));
}

function readGroup([name, threshold, ...members], names, taken) {
  for (const member of members) {
    if (member === "none" || !names.has(member)) refuse("a member that is not defined before its group");
    addName(taken, member);
  }
  const number = { all: members.length, any: 1 }[threshold] ?? Number(readDecimal(threshold));
  if (number < 1 || number > members.length) refuse("a threshold that cannot be");
  return { name: addName(names, name), threshold: number, members };
}

function addName(names, name) {
  if (names.has(name)) refuse("one name twice");
  names.add(name);
  return name;
}

/** A log that is its own witness would count twice, so no two names have one key value. */
function checkPolicyKeys({ logs, witnesses }) {
  if (logs.some(({ key }) => key.algorithm !== NOTE_ED25519)) refuse("not a key of a log");
  if (witnesses.some(({ key }) => key.algorithm !== NOTE_COSIGNATURE)) refuse("not a key of a witness");
  const values = [...logs, ...witnesses].map(({ key }) => toHex(key.public));
  if (new Set(values).size !== values.length) refuse("one key twice");
}
