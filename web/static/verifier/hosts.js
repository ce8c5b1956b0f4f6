// Judges the statements of all hosts of one community together: is any of them left out?
"use strict";

/** 8. Every host that the community runs on has reported. */
async function checkHosts(it) {
  const reports = [{ signer: it.signer, evidence: it.evidence }, ...await getOthers(it)];
  for (const { signer, evidence } of reports) {
    if (evidence.host !== signer.host_id) {
      const detail = `The agent of host ${signer.host_id} signed a report of host ${evidence.host}.`;
      return [asFinding("hosts", "REJECTED", detail)];
    }
  }
  return [judgeHosts(reports.map((each) => each.evidence))];
}

function judgeHosts(statements) {
  const all = statements.map((each) => each.host);
  const twice = sortNames(all.filter((host, at) => all.indexOf(host) !== at));
  const differs = (name) => statements.some((each) => each[name] !== statements[0][name]);
  if (twice.length) {
    return asFinding("hosts", "REJECTED", `There are two reports of one host: ${twice.join(", ")}.`);
  }
  if (differs("community") || differs("origin")) {
    return asFinding("hosts", "RELAY", "The reports are of different communities.");
  }
  if (differs("release")) {
    return asFinding("hosts", "UNVERIFIABLE", "The hosts report different releases.");
  }
  return judgePresence(all, statements.flatMap((each) => each.hosts));
}

function judgePresence(reporting, named) {
  const missing = sortNames(named.filter((host) => !reporting.includes(host)));
  const strange = sortNames(reporting.filter((host) => !named.includes(host)));
  if (missing.length) {
    const detail = `There is no report of ${missing.join(", ")}, where this community runs too.`;
    return asFinding("hosts", "UNVERIFIABLE", detail);
  }
  if (named.length && strange.length) {
    const detail = `It runs on ${strange.join(", ")} too, where it is not said to run.`;
    return asFinding("hosts", "UNVERIFIABLE", detail);
  }
  const told = count(reporting.length, "host");
  if (reporting.length > 1 && named.length === 0) {
    return asFinding("hosts", "UNVERIFIABLE", `${told} report, and nobody says which there are.`);
  }
  return asFinding("hosts", "GENUINE", `${told} of this community reported, and none is missing.`);
}

/** What the community's other hosts report, as far as it can be read; read once. */
async function getOthers(it) {
  it.others ??= await readOthers(it.case);
  return it.others;
}

function sortNames(names) {
  return Array.from(new Set(names)).sort(compareText);
}
