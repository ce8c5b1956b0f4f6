// Judges one saved check: reads the file, looks its release up in it, appraises.
"use strict";

const SAVED_KIND = "https://taarafo.example/saved-check/v1";
const SAVED = recordOf("SavedCheck", [
  ["address", asText],
  ["saved_at", asText],
  ["nonce", asText],
  ["envelope", asText],
  ["agents", asText],
  ["published", recordOf("ReleaseCopy", [
    ["roots", listOf(asText)],
    ["targets", asText],
    ["role", asText],
    ["role_metadata", asText],
    ["target", asText],
    ["release", asText],
    ["manifests", tableOf(asText)],
    ["checkpoint", asText],
    ["entries", listOf(asText)],
  ])],
  ["others", listOf(recordOf("SavedReport", [
    ["host", asText], ["envelope", asText], ["nonce", asText, noText],
  ])), noList],
]);

/** Everything has its form; nothing is verified yet. */
function readSaved(bytes) {
  const value = readJson(decodeText(bytes));
  if (!(value instanceof Map) || value.get("type") !== SAVED_KIND) refuse("it is not a saved check");
  const saved = SAVED(value);
  if (!listTexts(saved).every((text) => text.isWellFormed())) refuse("it is not UTF-8 text");
  return saved;
}

/** The verdict for the moment at which the file says it was saved. Refused for no such file. */
async function judgeSaved(bytes, rootBytes) {
  const saved = readSaved(bytes), now = parseMoment(saved.saved_at);
  const found = await gatherCase(saved);
  const everyone = [...found.listed.agents, ...(await listReplaced(found.listed, found.listed.agents))];
  found.others = await pickOthers(found.envelope, everyone, saved.others);
  const target = await findClaimedRelease(found.envelope, everyone);
  if (target) Object.assign(found, await lookUp(target, saved.published, rootBytes, now));
  return appraise(found, now);
}

async function gatherCase(saved) {
  const { address, nonce } = saved;
  const found = {
    address, nonce, envelope: null, listed: nobodyListed(), reference: null, problems: [], others: [],
  };
  try {
    found.address = readAddress(saved.address);
  } catch {
    return { ...found, problems: [asFinding("address", "UNVERIFIABLE", "This is no address.")] };
  }
  try {
    return { ...found, envelope: saved.envelope, listed: await readAgentList(saved.agents) };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const problem = asFinding("signature", "UNVERIFIABLE", "The list of agents cannot be read.");
    return { ...found, envelope: saved.envelope, problems: [problem] };
  }
}

/** The saved reports of the hosts that a check would ask, each once. */
async function pickOthers(envelope, agents, saved) {
  const reports = new Map(saved.map((each) => [each.host, each]));
  const hosts = await listOthers(envelope, agents);
  return hosts.filter((host) => reports.has(host)).map((host) => reports.get(host));
}

/** The reference, or the finding that says why there is none. */
async function lookUp(target, copy, rootBytes, now) {
  try {
    const published = await openReleases(copy, rootBytes, now);
    return { reference: await readReference(target, published) };
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    return { problems: [explainTrouble(error)] };
  }
}

function explainTrouble({ code, facts }) {
  if (code === "release-unknown") {
    const detail = "The server reports a release that its publisher does not list.";
    return asFinding("release", "UNVERIFIABLE", detail);
  }
  const [check, outcome] = {
    "release-expired": ["release", "STALE"],
    "witnesses-missing": ["log", "STALE"],
    "release-unlogged": ["log", "UNLOGGED"],
    "log-divided": ["log", "EQUIVOCATION"],
    "release-rejected": ["release", "REJECTED"],
  }[code];
  return asFinding(check, outcome, fillIn(GIVEN.sentences[code], facts));
}

function asFinding(check, outcome, detail, paths = []) {
  return { check, outcome, detail, paths };
}

/** Every text in a saved check, however deep. */
function listTexts(value) {
  if (typeof value === "string") return [value];
  if (value instanceof Map) return [...value.keys(), ...value.values()].flatMap(listTexts);
  return typeof value === "object" ? Object.values(value).flatMap(listTexts) : [];
}
