// A community on several hosts: whose reports belong beside the first, and how they are told apart.
"use strict";

const MOST = 64; // hosts that one check asks besides the one that served

/** Ids of the hosts whose reports belong beside this one, sorted; none beside one that is none. */
async function listOthers(envelope, agents) {
  let first;
  try {
    first = await readSigned(envelope ?? "", agents);
  } catch (error) {
    if (error instanceof Refused) return [];
    throw error;
  }
  const named = new Set(first.evidence.hosts);
  const others = new Set([...named, ...agents.map((each) => each.host_id)]);
  others.delete(first.signer.host_id);
  const fit = Array.from(others).filter((each) => /^[A-Za-z0-9_-]{1,64}$/.test(each)).sort(compareText);
  fit.sort((one, other) => Number(named.has(other)) - Number(named.has(one)));
  return fit.slice(0, MOST).sort(compareText);
}

async function readSigned(envelope, agents) {
  const [signer, payload] = await openEnvelope(envelope, agents);
  return { signer, evidence: readStatement(payload) };
}

/** The other hosts' statements; one that cannot be read is judged where it is looked at. */
async function readOthers({ others, listed, reference }) {
  const found = [], agents = await chooseCounting(listed, reference);
  for (const { envelope } of others) {
    try {
      found.push(await readSigned(envelope, agents));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  }
  return found;
}

/** The finding with the name of the host that it is about. */
function sayOfHost(host, finding) {
  return { ...finding, detail: `Host ${host}: ${finding.detail}` };
}
