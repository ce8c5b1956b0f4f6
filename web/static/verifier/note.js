// Signed notes, checkpoints and cosignatures (C2SP signed-note, tlog-checkpoint, tlog-cosignature).
"use strict";

const NOTE_ED25519 = 0x01, NOTE_COSIGNATURE = 0x04;
const LARGEST_NOTE = 1000000, MOST_NOTE_SIGNATURES = 100;
const LARGEST_NUMBER = 2n ** 63n - 1n;

/** The text is split off at the last empty line (signed-note, “Format”). */
function readNote(content) {
  if (encodeText(content).length > LARGEST_NOTE) refuse("the note is too long");
  checkText(content);
  const at = content.lastIndexOf("\n\n");
  if (at < 0) refuse("the note has no signatures");
  return { text: content.slice(0, at + 1), signatures: readNoteSignatures(content.slice(at + 2)) };
}

function readNoteSignatures(lines) {
  checkText(lines);
  const found = lines.slice(0, -1).split("\n");
  if (found.length > MOST_NOTE_SIGNATURES) refuse("the note has too many signatures");
  return found.map(readNoteSignature);
}

function readNoteSignature(line) {
  const [dash, , rest] = partition(line, " ");
  const [name, space, encoded] = partition(rest, " ");
  if (dash !== "—" || !space) refuse("not a line of a signature");
  checkName(name);
  const content = readBase64(encoded);
  if (content.length < 5) refuse("a signature is too short");
  return { name, keyId: toHex(content.subarray(0, 4)), signature: content.subarray(4) };
}

/** `<name>+<hex id>+<base64 of type and key>` (signed-note, “Verifier keys”). */
async function readVkey(text) {
  const [name, , rest] = partition(text, "+");
  const [keyId, plus, encoded] = partition(rest, "+");
  if (!plus || !/^[0-9a-f]{8}$/.test(keyId)) refuse("not a verifier key");
  const material = readBase64(encoded);
  checkName(name);
  const algorithm = material[0];
  if (![NOTE_ED25519, NOTE_COSIGNATURE].includes(algorithm)) refuse("a key of an unknown type");
  if (material.length !== 33) refuse("not the length of a key");
  const hash = await hashHex(joinBytes(encodeText(`${name}\n`), material));
  if (hash.slice(0, 8) !== keyId) refuse("the key does not match its id");
  return { name, algorithm, keyId, public: material.subarray(1) };
}

/** Whether this key signed the note. A false signature in its name refuses the note whole. */
async function checkNoteSignature(note, key) {
  const found = findNoteSignatures(note, key);
  for (const signature of found) {
    await checkEd25519(key, encodeText(note.text), signature);
  }
  return found.length > 0;
}

/** When this witness signed last, as a BigInt of POSIX seconds; null if it did not. */
async function readCosignature(note, key) {
  readCheckpoint(note.text);
  let newest = null;
  for (const content of findNoteSignatures(note, key)) {
    const time = content.subarray(0, 8).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
    if (time > LARGEST_NUMBER) refuse("not a timestamp");
    const message = encodeText(`cosignature/v1\ntime ${time}\n${note.text}`);
    await checkEd25519(key, message, content.subarray(8));
    if (newest === null || time > newest) newest = time;
  }
  return newest;
}

/** The text of a note as a checkpoint (tlog-checkpoint, “Note text”). */
function readCheckpoint(text) {
  checkText(text);
  const lines = text.slice(0, -1).split("\n");
  if (lines.length < 3 || !lines.every((line) => line)) refuse("not the lines of a checkpoint");
  const [origin, number, encoded] = lines;
  const size = readDecimal(number), root = readBase64(encoded);
  if (root.length !== 32) refuse("not the length of a hash");
  if (size === 0n && toHex(root) !== EMPTY_ROOT) refuse("not the root of an empty tree");
  return { origin, size, root };
}

/** A checkpoint that this log signed and that bears its name. */
async function openCheckpoint(content, key) {
  const note = readNote(content);
  if (!(await checkNoteSignature(note, key))) refuse("the log did not sign it");
  const checkpoint = readCheckpoint(note.text);
  if (checkpoint.origin !== key.name) refuse("a checkpoint of another log");
  return [checkpoint, note];
}

function findNoteSignatures(note, key) {
  const found = note.signatures.filter((each) => each.name === key.name && each.keyId === key.keyId);
  return found.map((each) => each.signature);
}

async function checkEd25519(key, message, signature) {
  if (!(await isSigned(key.public, signature, message))) {
    refuse("a signature of a known key is not valid");
  }
}

/** An ASCII decimal number from 0 to 2⁶³-1 without leading zeroes, as a BigInt. */
function readDecimal(text) {
  const found = /^(?:0|[1-9][0-9]{0,18})$/.test(text) ? BigInt(text) : -1n;
  return found >= 0n && found <= LARGEST_NUMBER ? found : refuse("not a decimal number");
}

function checkText(text) {
  if (!text.endsWith("\n")) refuse("the last line does not end");
  if (/[\x00-\x09\x0b-\x1f]/.test(text)) refuse("it has control characters");
  if (!text.isWellFormed()) refuse("it is not UTF-8 text");
}

function checkName(name) {
  if (!name || name.includes("+") || new RegExp(`[${SPACES}]`).test(name)) {
    refuse("not a name of a key");
  }
  checkText(`${name}\n`);
}
