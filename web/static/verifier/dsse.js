// DSSE envelopes, version 1.0.2 of the specification: read and verify with Ed25519.
"use strict";

const LARGEST_ENVELOPE = 8 * 1024 * 1024;
const MOST_ENVELOPE_SIGNATURES = 16;

/** The Pre-Authentication Encoding, the bytes that are really signed (protocol.md). */
function encodePae(payloadType, payload) {
  const kind = encodeText(payloadType);
  return joinBytes(
    encodeText(`DSSEv1 ${kind.length} `), kind, encodeText(` ${payload.length} `), payload,
  );
}

function readEnvelope(text) {
  if (encodeText(text).length > LARGEST_ENVELOPE) refuse("larger than a report may be");
  const value = readJson(text);
  if (!(value instanceof Map)) refuse("not a signed envelope");
  const signatures = value.get("signatures");
  if (!Array.isArray(signatures) || signatures.length < 1
      || signatures.length > MOST_ENVELOPE_SIGNATURES) {
    refuse("not signed");
  }
  const payloadType = getText(value, "payloadType");
  if (!payloadType.isWellFormed()) refuse("payloadType is not text");
  return {
    payloadType,
    payload: readEitherBase64(getText(value, "payload")),
    signatures: signatures.map(readEnvelopeSignature),
  };
}

/** The first of `agents` that signed the envelope, or null. One is enough. */
async function findSigner(envelope, agents) {
  const message = encodePae(envelope.payloadType, envelope.payload);
  for (const agent of agents) {
    for (const sig of envelope.signatures) {
      if (await isSigned(readBase64(agent.public), sig, message)) return agent;
    }
  }
  return null;
}

/** Standard or URL-safe alphabet (not both at once), padded as RFC 4648 §3.2 asks. */
function readEitherBase64(text) {
  if (/[+/]/.test(text) && /[-_]/.test(text)) refuse("not base64 in its one right form");
  return readBase64(text.replaceAll("-", "+").replaceAll("_", "/"));
}

function readEnvelopeSignature(value) {
  if (!(value instanceof Map)) refuse("not a signature");
  if (typeof (value.get("keyid") ?? "") !== "string" || value.get("keyid") === null) {
    refuse("keyid is not text");
  }
  return readEitherBase64(getText(value, "sig"));
}

function getText(value, name) {
  const text = value.get(name);
  return typeof text === "string" ? text : refuse(`${name} is missing`);
}
