// Steps 6 and 16: what was told to everybody, and what independent checkers saw of it.
"use strict";

/** 6. The signed release and the agent are in the public log, which witnesses have seen. */
async function checkLog(it) {
  const { log } = it.case.reference, host = it.signer.host_id;
  const logged = log.agents.get(host) ?? [];
  if ((await hashRow(it.signer)) !== logged.at(-1)) {
    const detail = `The key of the agent of host ${host} is not in the public log.`;
    return [asFinding("log", "UNLOGGED", detail)];
  }
  if (!(await isLinked(it.case.listed, host, logged))) {
    const detail = `The agent of host ${host} has another key than it had before, `
      + "and the key before did not sign for that.";
    return [asFinding("log", "REJECTED", detail)];
  }
  const entries = count(log.size, "entry", "entries");
  const detail = `The release and the agent are in the public log of ${entries}. ${sayWitnesses(log, it.now)}`;
  return [asFinding("log", "GENUINE", detail)];
}

function sayWitnesses({ witnesses }, now) {
  if (witnesses.size === 0) return "No independent witness watches it.";
  const number = count(witnesses.size, "independent witness", "independent witnesses");
  const names = Array.from(witnesses.keys()).sort(compareText).join(", ");
  return `${number} vouched for it, the last ${sayAge(Math.max(...witnesses.values()), now)}: ${names}.`;
}

/** 16. A saved check has no observations of independent checkers. */
function checkWitnesses() {
  return [asFinding("witnesses", "GENUINE", GIVEN.nobody_looked)];
}
