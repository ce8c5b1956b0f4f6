// Steps 1 to 5 and 7: whose report it is, of whom, from when, and which release it names.
"use strict";

const CLOCK_SKEW = 5 * 60 * 1000; // milliseconds
const LATEST_MOMENT = Date.parse("9999-12-31T23:59:59Z");

/** 1. The report is there and an enrolled agent signed it. */
async function checkSignature(it) {
  const { envelope, listed, reference, problems } = it.case;
  if (envelope === null || listed.agents.length === 0) {
    const missing = envelope === null
      ? "This address serves no report of what it runs."
      : "No agent is enrolled, so no report counts.";
    return problems.length ? problems : [asFinding("signature", "UNVERIFIABLE", missing)];
  }
  const counting = await chooseCounting(listed, reference);
  try {
    [it.signer, it.payload] = await openEnvelope(envelope, counting);
  } catch (error) {
    const finding = rejectAs("signature", "The report is not acceptable", error);
    const host = await findSigningHost(envelope, await listReplaced(listed, counting));
    if (!host) return [finding];
    const detail = `The agent of host ${host} has another key than this report was signed with.`
      + " It takes a moment until a new key is used everywhere: ask again.";
    return [{ ...finding, detail }];
  }
  return [asFinding("signature", "GENUINE", `The agent of host ${it.signer.host_id} signed this report.`)];
}

/** 2. The signed bytes are a statement about what runs, in its one right form. */
function checkStatement(it) {
  try {
    it.evidence = readStatement(it.payload);
  } catch (error) {
    return [rejectAs("statement", "The report cannot be read", error)];
  }
  return [asFinding("statement", "GENUINE", "The report can be read.")];
}

/** 3. It is about the address that was asked. */
function checkCommunity(it) {
  if (it.evidence.origin !== it.case.address) {
    return [asFinding("community", "RELAY", "This is the report of another community.")];
  }
  return [asFinding("community", "GENUINE", `The report is about ${it.case.address}.`)];
}

/** 4. It answers our own question now: not an old answer, not expired, not from the future. */
function checkTime(it) {
  const { nonce } = it.case;
  if (nonce && it.evidence.nonce !== nonce) {
    const detail = "The report answers another question than the one that was saved with it.";
    return [asFinding("time", "REPLAY", detail)];
  }
  const issued = findMoment(it.evidence.issued), expires = findMoment(it.evidence.expires);
  if (issued === null || expires === null) {
    return [asFinding("time", "REJECTED", "The report does not say when it was made.")];
  }
  const lasts = expires - issued, age = sayAge(issued, it.now);
  if (lasts <= 0 || lasts > LIFETIME_SECONDS * 1000) {
    return [asFinding("time", "REJECTED", "The report claims to last longer than a report may.")];
  }
  if (isFuture(issued, it.now) || (nonce && expires <= it.now)) {
    const apart = sayDuration(Math.abs(it.now - issued));
    const detail = `The clock of the server and the one of this check are ${apart} apart.`;
    return [asFinding("time", "CLOCK-SKEW", detail)];
  }
  if (expires <= it.now) {
    return [asFinding("time", "STALE", `The report was made ${age} and has run out.`)];
  }
  return [asFinding("time", "GENUINE", `The report was made ${age}. ${sayQuestion(nonce)}`)];
}

/** Whose question it answers. Only who asked can know that nobody else had the answer before. */
function sayQuestion(nonce) {
  return nonce
    ? "It answers the question that was saved with it, which shows its age to who asked."
    : "No question was saved with it, so it does not show that it was made for this file.";
}

/** 5. The release that it names is published and signed. */
function checkRelease(it) {
  const { reference, problems } = it.case;
  if (reference === null) {
    const detail = "The release that this server reports could not be looked up.";
    return problems.length ? problems : [asFinding("release", "UNVERIFIABLE", detail)];
  }
  const { release, isSelfBuilt } = reference;
  if (release.target !== it.evidence.release) {
    const detail = "The report names another release than the one it was compared with.";
    return [asFinding("release", "UNVERIFIABLE", detail)];
  }
  const signed = isSelfBuilt
    ? "self-built: one key of this server's own operator signed it"
    : "signed by its publisher";
  return [asFinding("release", "GENUINE", `Release ${release.version} of ${release.title} is ${signed}.`)];
}

/** 7. It is the newest one, and not known to be weak. */
function checkVersion(it) {
  const { release: { version }, newest, floor } = it.case.reference;
  if (compareVersions(version, floor) < 0) {
    const detail = `Release ${version} has a known weakness. ${floor} and later are repaired.`;
    return [asFinding("version", "OUTDATED", detail)];
  }
  if (compareVersions(version, newest) < 0) {
    return [asFinding("version", "OUTDATED", `Release ${version} runs, ${newest} is the newest.`)];
  }
  return [asFinding("version", "GENUINE", `Release ${version} is the newest.`)];
}

/** A wrong form is a finding; anything else is not for a step to judge. */
function rejectAs(check, what, error) {
  if (!(error instanceof Refused)) throw error;
  return asFinding(check, "REJECTED", `${what}: ${error.message}.`);
}

/** Whether a moment is later than two clocks that nearly agree allow. */
function isFuture(moment, now) {
  if (now + CLOCK_SKEW > LATEST_MOMENT) throw new Refused("no such date", "OverflowError");
  return moment > now + CLOCK_SKEW;
}

function findMoment(text) {
  try {
    return parseMoment(text);
  } catch {
    return null;
  }
}
