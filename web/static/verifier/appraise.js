// Judges a case step by step, in the order of provisioner/core/appraisal/appraise.py.
"use strict";

const STEPS = [
  { number: 1, name: "signature", run: checkSignature, isGate: true },
  { number: 2, name: "statement", run: checkStatement, isGate: true },
  { number: 3, name: "community", run: checkCommunity, isGate: true },
  { number: 4, name: "time", run: checkTime, isGate: false },
  { number: 5, name: "release", run: checkRelease, isGate: true },
  { number: 6, name: "log", run: checkLog, isGate: false },
  { number: 7, name: "version", run: checkVersion, isGate: false, isOfAll: true },
  { number: 8, name: "hosts", run: checkHosts, isGate: false, isOfAll: true },
  { number: 9, name: "service", run: checkService, isGate: false },
  { number: 10, name: "files", run: checkFiles, isGate: false, isOfEach: true },
  { number: 11, name: "mounts", run: checkMounts, isGate: false, isOfEach: true },
  { number: 12, name: "settings", run: checkSettings, isGate: false, isOfEach: true },
  { number: 13, name: "processes", run: checkProcesses, isGate: false, isOfEach: true },
  { number: 14, name: "confinement", run: checkConfinement, isGate: false, isOfEach: true },
  { number: 15, name: "environment", run: checkEnvironment, isGate: false, isOfEach: true },
  { number: 16, name: "witnesses", run: checkWitnesses, isGate: false, isOfAll: true },
];

/** The verdict on a case at the moment `now` (milliseconds): the worst of all hosts. */
async function appraise(asked, now) {
  const it = beginExamination(asked, now, true);
  const findings = await judgeReport(it, STEPS), lookedAt = [it];
  const ofOne = STEPS.filter((step) => !step.isOfAll);
  for (const { host, envelope, nonce } of asked.others) {
    const other = beginExamination({ ...asked, envelope, nonce, others: [] }, now, false);
    for (const each of await judgeReport(other, ofOne)) findings.push(sayOfHost(host, each));
    lookedAt.push(other);
  }
  return conclude(lookedAt, findings);
}

/** One that is not whole looks at one more host of a community that runs on several. */
function beginExamination(asked, now, isWhole) {
  return { case: asked, now, payload: null, signer: null, evidence: null, subjects: [], isWhole };
}

/** What the steps find in one host's report. */
async function judgeReport(it, steps) {
  const findings = [];
  try {
    for (const step of steps) {
      const found = await runStep(step, it);
      if (found.length === 0) {
        found.push(asFinding(step.name, "UNKNOWN", "There was nothing to look at."));
      }
      findings.push(...found.map((each) => tell(it, step, each)));
      if (step.isGate && outcomeOf(found) !== "GENUINE") break;
    }
  } catch (error) {
    // The top of an appraisal: whatever happened, it is not a pass.
    const detail = `The check met something unexpected (${error.name}).`;
    findings.push(asFinding("appraisal", "UNKNOWN", detail));
  }
  return findings;
}

/** The host that served is named where there are others. */
function tell(it, step, finding) {
  if (it.signer === null || step.isOfAll || it.case.others.length === 0) return finding;
  return sayOfHost(it.signer.host_id, finding);
}

/** What a step finds; one that looks at each service by itself is run once for each of them. */
async function runStep(step, it) {
  if (!step.isOfEach) return step.run(it);
  const found = [];
  for (const subject of it.subjects) {
    for (const finding of await step.run({ ...it, subjects: [subject] })) {
      found.push({ ...finding, detail: sayOf(subject, finding.detail) });
    }
  }
  return found;
}

/** The first outcome of the order of precedence that occurs; UNKNOWN for none. */
function outcomeOf(findings) {
  const met = new Set(findings.map((each) => each.outcome));
  return GIVEN.precedence.find((outcome) => met.has(outcome)) ?? "UNKNOWN";
}

/** It was measured when the host that was measured first was. */
function conclude(lookedAt, findings) {
  const it = lookedAt[0];
  const outcome = outcomeOf(findings), release = it.case.reference?.release;
  const moments = lookedAt.map((each) => (each.evidence ? findMoment(each.evidence.issued) : null));
  const known = moments.filter((each) => each !== null);
  const measured = known.length ? Math.min(...known) : null;
  const named = release ? `release ${release.version} of ${release.title}` : "";
  return {
    outcome,
    findings: findings.map(showFinding),
    release: release ? release.target : "",
    measured_at: measured === null ? "" : showMoment(measured),
    address: it.case.address,
    summary: summarize(outcome, named, measured, it.now),
  };
}

/** Names in a report are a stranger's: none may reach a page as it is. */
function showFinding({ check, outcome, detail, paths }) {
  return { check, outcome, detail: showPath(detail), paths: paths.map(showPath) };
}
