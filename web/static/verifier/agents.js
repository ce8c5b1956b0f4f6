// Enrolled agents: whose signatures count as evidence.
"use strict";

const MOST_ROTATIONS = 1000;
const AGENT_KEYS = listOf(
  recordOf("AgentKey", [["host_id", asText], ["keyid", asText], ["public", asText]]),
);
const AGENT_LIST = recordOf("AgentList", [
  ["agents", AGENT_KEYS],
  ["enrolled", AGENT_KEYS, noList],
  ["rotations", listOf(asText), noList],
]);
const nobodyListed = () => ({ agents: [], enrolled: [], rotations: [] });

/** The agents that count, the first keys of hosts, and what leads from those to these. */
async function readAgentList(text) {
  const listed = AGENT_LIST(readJson(text));
  if (listed.rotations.length > MOST_ROTATIONS) refuse("it has more rotations than there may be");
  await checkDistinct(listed.agents);
  await checkDistinct(listed.enrolled);
  return listed;
}

/** Refuses a key that is not what its id says, and one key under two names. */
async function checkDistinct(agents) {
  const seen = new Set();
  for (const agent of agents) {
    const raw = readBase64(agent.public);
    if (raw.length !== 32 || agent.keyid !== (await hashHex(raw))) {
      refuse("an agent's key does not match its id");
    }
    if (seen.has(agent.keyid)) refuse("one key is listed twice");
    seen.add(agent.keyid);
  }
}

/** What the public log says of an agent. */
function hashRow(agent) {
  return hashHex(encodeText(rowOf(agent)));
}

/** The text whose hash the public log holds: one agent in its one right form. */
function rowOf(agent) {
  const row = [["host_id", agent.host_id], ["keyid", agent.keyid], ["public", agent.public]];
  return `{${row.map(([name, text]) => `"${name}":${writeJsonText(text)}`).join(",")}}`;
}
