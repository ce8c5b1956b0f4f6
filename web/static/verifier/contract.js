// What one service of a release may have and be, and what the engine adds to every container.
"use strict";

const EDGE_GROUP = 10002; // may use an app's socket

const PSEUDO = new Set([
  "proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "devtmpfs", "debugfs", "tracefs",
  "securityfs", "pstore", "bpf", "configfs", "fusectl", "hugetlbfs", "binfmt_misc", "nsfs",
  "rpc_pipefs", "autofs", "efivarfs",
]);
const ENGINE_KINDS = new Map([
  ["/proc", "proc"],
  ["/dev", "tmpfs"],
  ["/dev/pts", "devpts"],
  ["/dev/mqueue", "mqueue"],
  ["/dev/shm", "tmpfs"],
  ["/dev/console", "devpts"],
  ["/sys", "sysfs"],
]);
const MADE_UP = new Set([...PSEUDO, "tmpfs"]);
const APP_MOUNTS = new Map([["/data", "what members wrote"], ["/run/edge", "the door to the edge"]]);
const ENGINE_FILES = ["hosts", "hostname", "resolv.conf"];
const ENGINE_MADE = [
  ["/.dockerenv", "f", 0o755, 0, 0, 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
  ["/etc/mtab", "l", 0o777, 0, 0, 0, "/proc/mounts"],
];

/** What a release says of one service. No mounts at all stand for those of the app contract. */
/** Whether a process may be in it: an app in the edge's alone, any other not in root's. */
function permitsGroup({ mounts, user }, group) {
  return mounts === null ? group === EDGE_GROUP : group !== 0 || user === 0;
}

function readContract(service) {
  const { mounts } = service;
  return {
    command: service.command,
    becomes: service.becomes ?? [],
    tmpfs: service.tmpfs,
    settings: Array.from(service.configs.values()),
    mounts: mounts ? new Map(mounts.map((each) => [each.path, each.read_only])) : null,
    secrets: service.secrets,
    user: service.uid,
    capabilities: service.capabilities ?? [],
    environment: service.environment,
    choices: service.choices ?? new Map(),
  };
}

/** Why this mount may be there, in a few words; empty when it may not. */
function explainMount(mount, contract, container) {
  if (contract.tmpfs.includes(mount.path) && mount.kind === "tmpfs") return "temporary memory";
  if (contract.settings.includes(mount.path) && mount.read_only) return "a setting, hashed on its own";
  const why = explainHost(mount, contract);
  if (why) return why;
  if (isSecret(mount, contract)) return "a secret";
  return isEngines(mount, container) ? "made by the engine" : "";
}

/** Whether it holds no file of a disk, and came along in a folder that may only be read. */
function isInside(mount, { mounts }) {
  const isBelow = ([path, onlyRead]) => onlyRead && mount.path.startsWith(`${path}/`);
  return MADE_UP.has(mount.kind) && Array.from(mounts ?? []).some(isBelow);
}

function explainHost(mount, contract) {
  if (contract.mounts === null) return APP_MOUNTS.get(mount.path) ?? "";
  if (isInside(mount, contract)) return "a part of what it may look at";
  const onlyRead = contract.mounts.get(mount.path);
  if (onlyRead === undefined || (onlyRead && !mount.read_only)) return "";
  return onlyRead ? "what it may look at" : "where it may write";
}

/**
 * [permitted path → why, paths that are not]. A second mount at one path is never permitted,
 * but for what came along inside a folder of the host's.
 */
function judgeMounts(mounts, contract, container) {
  const permitted = new Map(), refused = new Set(), seen = new Set();
  for (const mount of mounts) {
    const why = explainMount(mount, contract, container);
    if (seen.has(mount.path) && !isInside(mount, contract)) {
      permitted.delete(mount.path);
      refused.add(mount.path);
    } else if (why) {
      permitted.set(mount.path, why);
    } else if (mount.path !== "/") {
      refused.add(mount.path);
    }
    seen.add(mount.path);
  }
  return [permitted, Array.from(refused)];
}

/** Manifest lines that the engine itself adds to every container. */
function engineMadeLines(permitted) {
  const lines = new Set(ENGINE_MADE.map(lineOf));
  for (const path of permitted.keys()) {
    for (const parent of listParents(path)) lines.add(lineOf([parent, "d", 0o755, 0, 0, 0, ""]));
  }
  return lines;
}

/** Whether a container with this image reference and id was made from the image. */
function isMadeFrom(reference, imageId, digests) {
  return digests.some((each) => imageId === each || reference.endsWith("@" + each));
}

function isSecret(mount, { mounts, secrets }) {
  const name = withoutPrefix(mount.path, "/run/secrets/");
  if (name === mount.path || name.includes("/") || mount.kind !== "tmpfs" || !mount.read_only) {
    return false;
  }
  return mounts === null || secrets.includes(name);
}

function isEngines(mount, container) {
  if (ENGINE_KINDS.get(mount.path) === mount.kind) return true;
  if (MADE_UP.has(mount.kind) && ["/proc/", "/sys/"].some((top) => mount.path.startsWith(top))) return true;
  const name = withoutPrefix(mount.path, "/etc/");
  return ENGINE_FILES.includes(name) && mount.source.endsWith(`/${container}/${name}`);
}

function listParents(path) {
  const parts = path.split("/");
  return parts.slice(2).map((_, at) => parts.slice(0, at + 2).join("/"));
}
