// The file tree, told as differences from the release's manifest, and put together again.
"use strict";

/** The root that follows from the reference and the reported differences. */
function putTogether(reference, tree) {
  const edits = planEdits(reference, tree).sort(compareEdits), parts = [];
  let position = 0;
  for (const [start, , end, line] of edits) {
    parts.push(reference.text.slice(position, Math.max(start, position)), line);
    position = Math.max(position, end);
  }
  parts.push(reference.text.slice(position));
  return rootOfText(parts.join(""));
}

/** [start, sort key, end, line]: what to cut out of the text, and what to put in its place. */
function planEdits(reference, tree) {
  const cuts = [];
  for (const { path } of tree.left_out) {
    if (!path.endsWith("/")) cuts.push(reference.spanOf(path));
    cuts.push(reference.spanBelow(path));
  }
  for (const path of tree.missing) cuts.push(reference.spanOf(path));
  const edits = cuts.map(([start, end]) => [start, "", end, ""]);
  for (const [path, line] of changedLines(tree)) {
    const [start, end] = reference.spanOf(path);
    edits.push([start, encodePath(path), end, line]);
  }
  return edits;
}

function compareEdits(one, other) {
  for (const at of [0, 1, 2, 3]) {
    if (one[at] < other[at]) return -1;
    if (one[at] > other[at]) return 1;
  }
  return 0;
}

/** The reported manifest lines by path. */
function changedLines(tree) {
  const found = new Map();
  for (const text of tree.changed) {
    const lines = splitLines(text).map((line) => [pathOf(line), line]);
    if (lines.length !== 1) refuse("not exactly one line");
    found.set(...lines[0]);
  }
  return found;
}
