// The file manifest: its lines, and the search for one of them.
"use strict";

/** The canonical line of one path. */
function lineOf([path, type, mode, uid, gid, size, content]) {
  const numbers = [mode, uid, gid, size].join(",");
  return `[${writeJsonText(path)},"${type}",${numbers},${writeJsonText(content)}]\n`;
}

/** The path that a manifest line is about. */
function pathOf(line) {
  const end = line.indexOf('",');
  if (!line.startsWith('["') || end < 0) refuse("not a manifest line");
  if (!line.slice(0, end).includes("\\")) return line.slice(2, end);
  const reader = new JsonReader(line, true);
  reader.at = 2;
  return reader.readString();
}

/** The lines of a text in ASCII, each with what ends it. */
function splitLines(text) {
  if (/[^\x00-\x7f]/.test(text)) throw new Refused("not ASCII", "UnicodeEncodeError");
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** A manifest's text, searched by halves. Trusts the order, so its hash must be known to be right. */
class SortedText {
  constructor(text) {
    this.text = text;
  }

  /** The line about `path`, or null. */
  findLine(path) {
    const [start, end] = this.spanOf(path);
    return this.text.slice(start, end) || null;
  }

  /** Where the line about `path` starts and ends; empty, where it would be, without one. */
  spanOf(path) {
    const start = this.findPlace(encodePath(path));
    const end = this.text.indexOf("\n", start) + 1;
    return end && pathOf(this.text.slice(start, end)) === path ? [start, end] : [start, start];
  }

  /** Where the lines about what is below the folder `path` start and end. */
  spanBelow(path) {
    const key = encodePath(path.endsWith("/") ? path.slice(0, -1) : path);
    return [this.findPlace(key + "/"), this.findPlace(key + "0")]; // "0" follows "/"
  }

  /** Offset of the first line whose path does not sort before `key`. */
  findPlace(key) {
    let low = 0, high = this.text.length;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const before = middle > low ? this.text.lastIndexOf("\n", middle - 1) : -1;
      const start = before >= low ? before + 1 : low;
      const end = this.text.indexOf("\n", start) + 1 || this.text.length;
      if (encodePath(pathOf(this.text.slice(start, end))) < key) low = end;
      else high = start;
    }
    return low;
  }
}
