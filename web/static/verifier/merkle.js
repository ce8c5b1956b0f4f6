// The root of a log's Merkle tree (RFC 6962 §2.1), from all of its entries.
"use strict";

const EMPTY_ROOT = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

function hashLeaf(entry) {
  return sha256(joinBytes(Uint8Array.of(0), entry));
}

function hashChildren(left, right) {
  return sha256(joinBytes(Uint8Array.of(1), left, right));
}

/** MTH of the leaves with these hashes; of none it is SHA-256 of nothing. */
async function merkleRootOf(leafHashes) {
  const peaks = [];
  for (const [index, leafHash] of leafHashes.entries()) {
    peaks.push(leafHash);
    for (let count = index; count % 2 === 1; count = Math.floor(count / 2)) {
      const right = peaks.pop();
      peaks.push(await hashChildren(peaks.pop(), right));
    }
  }
  if (peaks.length === 0) return sha256(new Uint8Array());
  let root = peaks.pop();
  while (peaks.length > 0) root = await hashChildren(peaks.pop(), root);
  return root;
}
