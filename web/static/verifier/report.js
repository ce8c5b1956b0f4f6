// Opens a served report: from signed bytes to evidence, or to the reason why not.
"use strict";

/** Who signed it, and the signed bytes. */
async function openEnvelope(text, agents) {
  const envelope = readEnvelope(text);
  const signer = (await findSigner(envelope, agents)) ?? refuse("no enrolled agent signed it");
  if (envelope.payloadType !== PAYLOAD_TYPE) refuse("it is signed as something else than a report");
  return [signer, envelope.payload];
}

/** The evidence in an in-toto Statement v1. */
function readStatement(payload) {
  const statement = readJson(decodeText(payload));
  if (!(statement instanceof Map) || statement.get("_type") !== STATEMENT) {
    refuse("it is not an in-toto statement");
  }
  if (statement.get("predicateType") !== PREDICATE) refuse("it states something else than what runs");
  const evidence = EVIDENCE(statement.get("predicate"));
  const roots = evidence.containers.map((each) => each.tree.root);
  const subject = listSubjectRoots(statement.get("subject"));
  if (subject.length !== roots.length || subject.some((root, at) => root !== roots[at])) {
    refuse("its subject is not what it describes");
  }
  return evidence;
}

/** The release target an enrolled agent reports; empty when there is no acceptable report. */
async function findClaimedRelease(text, agents) {
  try {
    const [, payload] = await openEnvelope(text ?? "", agents);
    return readStatement(payload).release;
  } catch (error) {
    if (error instanceof Refused) return "";
    throw error;
  }
}

/** The host whose key among these signed the report; empty when none did. */
async function findSigningHost(text, agents) {
  try {
    const [signer] = await openEnvelope(text, agents);
    return signer.host_id;
  } catch (error) {
    if (error instanceof Refused) return "";
    throw error;
  }
}

function listSubjectRoots(subject) {
  if (!Array.isArray(subject)) refuse("it has no subject");
  return subject.map((each) => {
    if (!(each instanceof Map)) refuse("its subject is not a list of objects");
    return "sha256:" + (tableOf(asText)(each.get("digest")).get("sha256") ?? "");
  });
}
