// Sentences of a verdict. The fixed ones are Python's own: they are given inside of the page.
"use strict";

const GIVEN = JSON.parse(document.getElementById("given").textContent);

/** Puts facts into a sentence: `{name}`; a fact that is missing is `…`. */
function fillIn(sentence, facts) {
  return sentence.replace(/\{([a-z]+)\}/g, (_, name) => facts[name] ?? "…");
}

/** One or two sentences for a person, always with the limit of what they mean. */
function summarize(outcome, release, measured, now) {
  const age = measured === null ? "" : `It was measured ${sayAge(measured, now)}.`;
  const text = fillIn(GIVEN.summaries[outcome], { release: release || "no release", age }).trim();
  return `${text} ${GIVEN.limit}`;
}

/** `just now`, `4 minutes ago`, `2 days ago`. */
function sayAge(then, now) {
  return now - then < 60 * 1000 ? "just now" : `${sayDuration(now - then)} ago`;
}

/** Milliseconds as `40 seconds`, `4 minutes`, `2 days`: whole units, the largest that fits. */
function sayDuration(length) {
  const seconds = Math.trunc(length / 1000);
  for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (seconds >= size) return count(Math.floor(seconds / size), unit);
  }
  return count(seconds, "second");
}

/** A file name as safe text: control characters and stray bytes are written out. */
function showPath(path) {
  return Array.from(path, showCharacter).join("");
}

function showCharacter(character) {
  const point = character.codePointAt(0);
  const hex = (digits) => point.toString(16).padStart(digits, "0");
  if (point >= 0xdc80 && point <= 0xdcff) return `\\x${(point - 0xdc00).toString(16)}`;
  if (character === " " || (!/[\p{C}\p{Z}]/u.test(character) && character !== "\\")) return character;
  const short = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };
  if (short[character]) return short[character];
  if (point > 0xffff) return `\\U${hex(8)}`;
  return point > 0xff ? `\\u${hex(4)}` : `\\x${hex(2)}`;
}

/** `1 file`, `2 files`. */
function count(number, one, many = "") {
  return `${number} ${String(number) === "1" ? one : many || one + "s"}`;
}
