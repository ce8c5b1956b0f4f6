// An agent takes a new key: the statements about it, each signed by the key before.
"use strict";

const ROTATION_TYPE = "application/vnd.taarafo.agent-rotation+json";
const ROTATION = recordOf("Rotation", [
  ["host_id", asText],
  ["old_keyid", asText],
  ["new_keyid", asText],
  ["new_public", asText],
  ["made_at", asText],
]);

/** Every key of a host, the one it was enrolled with first; ends where a rotation does not follow. */
async function traceKeys({ enrolled, rotations }, host) {
  const keys = enrolled.filter((agent) => agent.host_id === host);
  const used = new Set(enrolled.map((agent) => agent.keyid));
  let current = enrolled;
  try {
    for (const text of rotations) {
      const [old, following] = await openRotation(text, current);
      if (used.has(following.keyid)) refuse("it brings back a key that was used before");
      used.add(following.keyid);
      current = current.map((agent) => (agent === old ? following : agent));
      if (following.host_id === host) keys.push(following);
    }
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
  return keys;
}

/** Whether each logged key of a host, but the first, was signed for by the one before. */
async function isLinked(listed, host, logged) {
  if (logged.length < 2) return true;
  const traced = await Promise.all((await traceKeys(listed, host)).map(hashRow));
  return logged.every((hash, at) => hash === traced[at]);
}

/** The keys whose signatures count: those listed, or what has replaced them in the log. */
async function chooseCounting(listed, reference) {
  return reference ? chooseAgents(listed, reference.log.agents) : listed.agents;
}

/** The listed keys, and instead of one that was replaced in the log the one that replaced it. */
async function chooseAgents(listed, logged) {
  const chosen = [];
  for (const agent of listed.agents) {
    chosen.push(await chooseAgent(listed, agent, logged.get(agent.host_id) ?? []));
  }
  return chosen;
}

async function chooseAgent(listed, agent, logged) {
  const newest = logged.at(-1);
  if (newest === undefined || (await hashRow(agent)) === newest) return agent;
  for (const key of await traceKeys(listed, agent.host_id)) {
    if ((await hashRow(key)) === newest) return key;
  }
  return agent;
}

/** The keys of the listed hosts that are not, or not yet, among those that count. */
async function listReplaced(listed, counting) {
  const known = new Set(counting.map(rowOf)), replaced = [];
  for (const host of new Set(listed.agents.map((agent) => agent.host_id))) {
    replaced.push(...(await traceKeys(listed, host)).filter((key) => !known.has(rowOf(key))));
  }
  return replaced;
}

/** [who signed, its new key]. */
async function openRotation(text, agents) {
  if (!text.isWellFormed()) refuse("it is not UTF-8 text");
  const envelope = readEnvelope(text);
  const signer = (await findSigner(envelope, agents)) ?? refuse("no enrolled agent signed it");
  if (envelope.payloadType !== ROTATION_TYPE) refuse("it is signed as something else than a rotation");
  const stated = ROTATION(readJson(decodeText(envelope.payload)));
  if (stated.host_id !== signer.host_id || stated.old_keyid !== signer.keyid) {
    refuse("it is about another key than the one that signed it");
  }
  parseMoment(stated.made_at);
  const raw = readBase64(stated.new_public);
  if (raw.length !== 32 || stated.new_keyid !== (await hashHex(raw))) {
    refuse("its new key does not match its id");
  }
  return [signer, { host_id: stated.host_id, keyid: stated.new_keyid, public: stated.new_public }];
}
