// One release out of a saved check, verified from a root of trust, for the moment it was saved.
"use strict";

const UNLIKE_SIGNED = "a part of the saved file is not as it was signed";

/** Everything that one check asks of what was published. All of it is verified first. */
async function openReleases(copy, rootBytes, now) {
  try {
    return await verifyCopy(copy, rootBytes, now);
  } catch (error) {
    return error instanceof Refused ? rejectRelease(UNLIKE_SIGNED) : Promise.reject(error);
  }
}

async function verifyCopy(copy, rootBytes, now) {
  const root = await followRoots(copy, rootBytes, now);
  const view = await lookAtLog(copy, await findPolicy(root.fields), now);
  const newest = copy.roots.length ? encodeText(copy.roots.at(-1)) : rootBytes;
  requireEntry(view, await entryOfMetadata("root", root.version, newest));
  refuseOlder(view, "root", root.version);
  for (const [role, text] of [["targets", copy.targets], [copy.role, copy.role_metadata]]) {
    const { version } = readMetadata(text);
    requireEntry(view, await entryOfMetadata(role, version, encodeText(text)));
    refuseOlder(view, role, version);
  }
  const targets = await verifyTargets(copy, root, now);
  const role = await verifyRole(copy, targets, now);
  return { copy, log: view.seen, role, threshold: getDelegatedRole(targets, copy.role).threshold };
}

/** Each root is signed by the one before and by itself (TUF specification §5.3). */
async function followRoots(copy, rootBytes, now) {
  let trusted = readMetadataOf("root", decodeText(rootBytes));
  for (const text of copy.roots) {
    const following = readMetadataOf("root", text);
    const versions = [trusted.version, following.version];
    if (!versions.every(isWhole) || BigInt(versions[1]) !== BigInt(versions[0]) + 1n) {
      refuse("a root is missing");
    }
    for (const signer of [trusted, following]) await verifyDelegate(signer, "root", following);
    trusted = following;
  }
  refuseExpired(trusted, now);
  refuseTwins(trusted.keys);
  return trusted;
}

async function verifyTargets(copy, root, now) {
  const targets = readMetadataOf("targets", copy.targets);
  await verifyDelegate(root, "targets", targets);
  refuseExpired(targets, now);
  refuseTwins(targets.keys);
  return targets;
}

async function verifyRole(copy, targets, now) {
  const role = readMetadataOf("targets", copy.role_metadata);
  await verifyDelegate(targets, copy.role, role);
  if (!(await listRolesFor(targets, copy.target)).includes(copy.role)) {
    refuse("its role may not sign for it");
  }
  refuseExpired(role, now);
  return role;
}

/** What a verdict compares with. */
async function readReference(target, published) {
  const release = await getRelease(target, published);
  const newest = listVersions(release, published).at(-1);
  const manifests = new Map();
  for (const [name, image] of release.images) {
    manifests.set(name, new SortedText(await getManifest(image, published)));
  }
  const { floor } = describeEntry(`${release.folder}${newest}/release.json`, published);
  const { isSelfBuilt } = describeEntry(target, published);
  return { release, newest, floor, manifests, isSelfBuilt, log: published.log };
}

async function getRelease(target, { copy, role }) {
  if (target !== copy.target || !role.targets.has(target)) throw new Trouble("release-unknown");
  if ((await hashHex(encodeText(copy.release))) !== role.targets.get(target).hashes.get("sha256")) {
    rejectRelease(`${target} is not the one that was signed`);
  }
  const release = sayOfRelease(target, () => readRelease(copy.release));
  if (release.target !== target) {
    rejectRelease(`${target} describes another release, ${release.target}`);
  }
  return release;
}

/** Versions that its role had signed when this was saved, oldest first. */
function listVersions({ folder, target }, { role }) {
  const paths = Array.from(role.targets.keys()).filter((path) => path.startsWith(folder));
  const versions = paths.filter((path) => path.endsWith("/release.json")).map((path) => path.split("/")[3]);
  return sayOfRelease(target, () => versions.sort(compareVersions));
}

async function getManifest(image, { copy }) {
  for (const text of copy.manifests.values()) {
    if ((await rootOfText(text)) === image.files_root) return text;
  }
  return rejectRelease("a file list is not the one that its release names");
}

function describeEntry(target, { role, threshold }) {
  if (!role.targets.has(target)) throw new Trouble("release-unknown");
  const { custom } = role.targets.get(target);
  try {
    matching(VERSION)(target.split("/")[3]);
    matching(NAME)(getPart(custom, "channel"));
    return { floor: matching(VERSION)(getPart(custom, "security_floor")), isSelfBuilt: threshold < 2 };
  } catch {
    return rejectRelease(`${target} is not described`);
  }
}

function sayOfRelease(target, read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof Refused) rejectRelease(`${target} cannot be read`);
    throw error;
  }
}
