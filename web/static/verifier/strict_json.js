// JSON from strangers: no duplicate keys, no fractions, no surprises; then typed values.
"use strict";

const DEEPEST = 900;
const LONGEST_NUMBER = 100; // characters
const LONGEST_LENIENT_NUMBER = 4300;
const ESCAPED = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

/** A number that is not whole, where those are read at all. */
class Fraction {
  constructor(text) {
    this.value = Number(text);
  }
}

/** The value of JSON text. Objects are Maps, whole numbers beyond 2⁵³ are BigInts. */
function readJson(text) {
  return new JsonReader(text, true).readAll();
}

/** The same for signed metadata: of a name that occurs twice the last one counts. */
function readLenientJson(text) {
  return new JsonReader(text, false).readAll();
}

class JsonReader {
  constructor(text, isStrict) {
    this.text = text;
    this.isStrict = isStrict;
    this.at = 0;
  }

  readAll() {
    const value = this.readValue(0);
    this.skipSpace();
    return this.at === this.text.length ? value : this.fail();
  }

  fail() {
    throw new Refused("it is not JSON");
  }

  match(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    this.at += found ? found[0].length : 0;
    return found;
  }

  skipSpace() {
    this.match(/[ \t\n\r]*/y);
  }

  take(character) {
    const isThere = this.text[this.at] === character;
    this.at += isThere ? 1 : 0;
    return isThere;
  }

  readValue(depth) {
    if (depth > DEEPEST) {
      refuse("it is nested too deeply");
    }
    this.skipSpace();
    if (this.take("{")) return this.readObject(depth);
    if (this.take("[")) return this.readArray(depth);
    if (this.take('"')) return this.readString();
    const word = this.match(/true|false|null|NaN|-?Infinity/y);
    return word ? this.readWord(word[0]) : this.readNumber();
  }

  readWord(word) {
    const known = { true: true, false: false, null: null };
    return word in known ? known[word] : this.readFraction(word);
  }

  readFraction(text) {
    return this.isStrict ? refuse("it has numbers that are not whole") : new Fraction(text);
  }

  readNumber() {
    const found = this.match(/-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/y) ?? this.fail();
    const [text, decimals, exponent] = found;
    if (decimals || exponent) {
      return this.readFraction(text);
    }
    if (text.length > (this.isStrict ? LONGEST_NUMBER : LONGEST_LENIENT_NUMBER)) {
      refuse("it has numbers that are too long");
    }
    const whole = Number(text);
    return Number.isSafeInteger(whole) ? whole + 0 : BigInt(text);
  }

  readArray(depth) {
    const found = [];
    this.skipSpace();
    if (this.take("]")) return found;
    for (;;) {
      found.push(this.readValue(depth + 1));
      this.skipSpace();
      if (this.take("]")) return found;
      if (!this.take(",")) this.fail();
    }
  }

  readObject(depth) {
    const found = new Map();
    let count = 0;
    this.skipSpace();
    if (this.take("}")) return found;
    for (;;) {
      this.skipSpace();
      if (!this.take('"')) this.fail();
      const name = this.readString();
      this.skipSpace();
      if (!this.take(":")) this.fail();
      found.set(name, this.readValue(depth + 1));
      count += 1;
      this.skipSpace();
      if (this.take("}")) break;
      if (!this.take(",")) this.fail();
    }
    if (this.isStrict && count !== found.size) {
      refuse("a name occurs twice in it");
    }
    return found;
  }

  readString() {
    const parts = [];
    for (;;) {
      parts.push(this.match(/[^"\\\x00-\x1f]*/y)[0]);
      if (this.take('"')) return parts.join("");
      if (!this.take("\\")) this.fail();
      parts.push(this.readEscape());
    }
  }

  readEscape() {
    const [sign] = this.match(/["\\/bfnrt]/y) ?? [""];
    if (sign) return ESCAPED[sign];
    const found = this.match(/u([0-9a-fA-F]{4})/y) ?? this.fail();
    return String.fromCharCode(parseInt(found[1], 16));
  }
}

/** Text as JSON writes it in ASCII. */
function writeJsonText(text) {
  const short = { '"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t" };
  const written = text.replace(/["\\]|[^ -~]/g, (each) =>
    short[each] ?? "\\u" + each.charCodeAt(0).toString(16).padStart(4, "0"));
  return `"${written}"`;
}

// -- typed values: each kind is a function that gives the value or refuses it -------------------

function asText(value) {
  return typeof value === "string" ? value : refuse("expected str");
}

function isWhole(value) {
  return typeof value === "number" || typeof value === "bigint";
}

function asWhole(value) {
  return isWhole(value) ? value : refuse("expected int");
}

function asFlag(value) {
  return typeof value === "boolean" ? value : refuse("expected bool");
}

function listOf(kind) {
  return (value) => (Array.isArray(value) ? value.map((each) => kind(each)) : refuse("expected tuple"));
}

function tableOf(kind) {
  return (value) => {
    if (!(value instanceof Map)) refuse("expected dict");
    return new Map(Array.from(value, ([name, each]) => [name, kind(each)]));
  };
}

/** An object with `fields`: [name, kind] or [name, kind, maker of the default]. */
function recordOf(title, fields) {
  return (value) => {
    if (!(value instanceof Map)) refuse(`expected ${title}`);
    const found = {};
    for (const [name, kind, makeDefault] of fields) {
      if (value.has(name)) found[name] = kind(value.get(name));
      else if (makeDefault) found[name] = makeDefault();
      else refuse(`${name} is missing`);
    }
    return found;
  };
}

const noText = () => "";
const noList = () => [];
const noTable = () => new Map();
