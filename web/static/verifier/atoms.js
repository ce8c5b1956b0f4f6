// What every part is made of: text as bytes, hashes, signatures, and the order of text.
"use strict";

/** What Python raises as ValueError: something has a wrong form. `name` is the kind of error. */
class Refused extends Error {
  constructor(reason, name = "ValueError") {
    super(reason);
    this.name = name;
  }
}

/** One of the errors about releases and the log that have a sentence of their own. */
class Trouble extends Error {
  constructor(code, facts = {}) {
    super(code);
    this.code = code;
    this.facts = facts;
  }
}

function refuse(reason) {
  throw new Refused(reason);
}

function encodeText(text) {
  if (!text.isWellFormed()) {
    throw new Refused("it is not UTF-8 text", "UnicodeEncodeError");
  }
  return new TextEncoder().encode(text);
}

function decodeText(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Refused("it is not UTF-8 text", "UnicodeDecodeError");
  }
}

/** A path's bytes, one character each; U+DC80 to U+DCFF stand for bytes that are no UTF-8. */
function encodePath(path) {
  if (/^[\x00-\x7f]*$/.test(path)) return path;
  let found = "";
  for (const character of path) {
    const point = character.codePointAt(0);
    found += point >= 0xdc80 && point <= 0xdcff
      ? String.fromCharCode(point - 0xdc00)
      : String.fromCharCode(...encodeText(character));
  }
  return found;
}

/** Whether bytes can be written so: no file is named by half a letter. */
function canBePath(text) {
  const points = Array.from(text, (each) => each.codePointAt(0));
  return points.every((point) => point < 0xd800 || point > 0xdfff || (point >= 0xdc80 && point <= 0xdcff));
}

function toHex(bytes) {
  return Array.from(bytes, (each) => each.toString(16).padStart(2, "0")).join("");
}

/** Pairs of hexadecimal digits, with spaces between them where somebody likes that. */
function fromHex(text) {
  if (!/^(?:[0-9a-fA-F]{2}|[ \t-\r])*$/.test(text)) {
    refuse("not hexadecimal");
  }
  return Uint8Array.from(text.match(/[0-9a-fA-F]{2}/g) ?? [], (pair) => parseInt(pair, 16));
}

function joinBytes(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function isSame(one, other) {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

function encodeBase64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 4096) {
    text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  }
  return btoa(text);
}

/** Standard base64, padded and in its one right form (RFC 4648 §4). */
function readBase64(text) {
  const isOfItsForm = text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
  const found = Uint8Array.from(isOfItsForm ? atob(text) : "", (each) => each.charCodeAt(0));
  return encodeBase64(found) === text ? found : refuse("not base64 in its one right form");
}

async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

async function hashHex(bytes) {
  return toHex(await sha256(bytes));
}

/** `sha256:…` of a text. */
async function rootOfText(text) {
  return "sha256:" + (await hashHex(encodeText(text)));
}

/** Whether the Ed25519 key (32 bytes) signed the message (RFC 8032). */
async function isSigned(publicKey, signature, message) {
  const key = await crypto.subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
  return crypto.subtle.verify("Ed25519", key, signature, message);
}

/** Text is ordered by code points, not by the halves that JavaScript keeps it in. */
function compareText(one, other) {
  const left = Array.from(one), right = Array.from(other);
  const shared = Math.min(left.length, right.length);
  for (let at = 0; at < shared; at += 1) {
    if (left[at] !== right[at]) {
      return left[at].codePointAt(0) - right[at].codePointAt(0);
    }
  }
  return left.length - right.length;
}

/** Before and after the first place where `mark` stands, as Python's str.partition. */
function partition(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text, "", ""] : [text.slice(0, at), mark, text.slice(at + mark.length)];
}

function withoutPrefix(text, prefix) {
  return text.startsWith(prefix) ? text.slice(prefix.length) : text;
}

/** `2026-11-23T23:52:16Z` in milliseconds since 1970. */
function parseMoment(text) {
  const found = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$/.test(text);
  const moment = found ? Date.parse(text) : NaN;
  if (Number.isNaN(moment) || showMoment(moment) !== text || text < "1000") {
    refuse("not a moment");
  }
  return moment;
}

function showMoment(moment) {
  return new Date(moment).toISOString().replace(/\.[0-9]{3}Z$/, "Z");
}
