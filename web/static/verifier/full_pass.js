// How long ago an agent last read every byte of a container's files.
"use strict";

const LONGEST_FULL_PASS = 26 * 3600 * 1000; // milliseconds: the agent reads every byte once a day

/** [a sentence to add where the files match, what is wrong with when every byte was read]. */
function judgeFullPass(told, now) {
  if (!told) return ["", null];
  const read = findMoment(told);
  if (read === null) {
    const detail = "The report does not say when every byte was read.";
    return ["", asFinding("files", "REJECTED", detail)];
  }
  if (isFuture(read, now)) {
    const detail = "The report has every byte read in the future: one of the two clocks is wrong.";
    return ["", asFinding("files", "STALE", detail)];
  }
  const age = sayAge(read, now);
  if (now - read > LONGEST_FULL_PASS) {
    const detail = `Every byte was last read ${age}, which is too long ago.`;
    return ["", asFinding("files", "STALE", detail)];
  }
  return [` Every byte was read ${age}.`, null];
}
