// Enrolled agents: whose signatures count as evidence.
"use strict";

const AGENTS = recordOf("_Agents", [
  ["agents", listOf(recordOf("AgentKey", [["host_id", asText], ["keyid", asText], ["public", asText]]))],
]);

/** Refuses a key that is not what its id says, and one key under two names. */
async function readAgents(text) {
  const { agents } = AGENTS(readJson(text));
  const seen = new Set();
  for (const agent of agents) {
    const raw = readBase64(agent.public);
    if (raw.length !== 32 || agent.keyid !== (await hashHex(raw))) {
      refuse("an agent's key does not match its id");
    }
    if (seen.has(agent.keyid)) refuse("one key is listed twice");
    seen.add(agent.keyid);
  }
  return agents;
}

/** The text whose hash the public log holds: one agent in its one right form. */
function rowOf(agent) {
  const row = [["host_id", agent.host_id], ["keyid", agent.keyid], ["public", agent.public]];
  return `{${row.map(([name, text]) => `"${name}":${writeJsonText(text)}`).join(",")}}`;
}
