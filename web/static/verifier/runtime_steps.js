// Steps 9 to 15: whether what was measured is what the release lists.
"use strict";

// Variables that the engine itself sets in every container where nobody else does.
const ENGINE_VARIABLES = ["HOME", "HOSTNAME", "TERM"];
const ENGINE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const FILTERED = 2n; // prctl(2) PR_GET_SECCOMP

/** 9. The service of the recipe runs, and only images of the release. */
async function checkService(it) {
  const found = [];
  for (const seen of it.evidence.containers) {
    const subject = findSubject(it, seen);
    if (subject) {
      it.subjects.push(subject);
    } else {
      const detail = `The service ${seen.service} runs an image that the release does not list.`;
      found.push(asFinding("service", "MODIFIED", detail));
    }
  }
  if (it.subjects.length === 0) {
    found.push(asFinding("service", "UNVERIFIABLE", "The report shows nothing of the release running."));
  }
  for (const subject of it.subjects) found.push(await checkCommand(it, subject));
  return found;
}

/** 10. Every measured file is the one that the release lists, and was read not long ago. */
async function checkFiles(it) {
  const found = [];
  for (const subject of it.subjects) {
    const [age, late] = judgeFullPass(subject.seen.tree.full_pass, it.now);
    try {
      await checkTree(subject, age, found);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      found.push(asFinding("files", "REJECTED", "The report lists differences that cannot be read."));
    }
    if (late) found.push(late);
  }
  return found;
}

/** 11. Nothing is mounted over the files but what the app contract permits. */
function checkMounts(it) {
  return it.subjects.map(({ seen, refused }) => {
    if (refused.length) {
      const detail = "Something is mounted that the release does not permit.";
      return asFinding("mounts", "MODIFIED", detail, refused);
    }
    return asFinding("mounts", "GENUINE", `All ${count(seen.mounts.length, "mount")} are permitted.`);
  });
}

/** 12. The settings files are the ones that were written for this community. */
function checkSettings(it) {
  const wanted = contractOf(it).settings;
  return it.subjects.map(({ seen: { settings, declared } }) => {
    const isWrong = (path) => !settings.has(path)
      || (declared.get(path) ?? settings.get(path)) !== settings.get(path);
    const wrong = wanted.filter(isWrong);
    if (wrong.length) {
      const detail = "Settings files differ from what was written for this community.";
      return asFinding("settings", "MODIFIED", detail, wrong);
    }
    const detail = wanted.some((path) => !declared.has(path))
      ? "Settings files are there. Nothing was published to compare them with."
      : `${count(wanted.length, "settings file")} as written for this community.`;
    return asFinding("settings", "GENUINE", detail);
  });
}

/** 13. Only programs of the release run, and none was started from outside. */
function checkProcesses(it) {
  return it.subjects.flatMap((subject) => {
    const { processes } = subject.seen, found = [];
    const entered = processes.filter((each) => each.entered).map((each) => each.program);
    const isForeign = (each) => listedContent(subject, each.program) !== each.program_sha256;
    const foreign = processes.filter(isForeign).map((each) => each.program);
    if (processes.length === 0) {
      found.push(asFinding("processes", "UNVERIFIABLE", "No running program was seen."));
    }
    if (foreign.length) {
      const detail = "Programs run that the release does not list.";
      found.push(asFinding("processes", "MODIFIED", detail, foreign));
    }
    if (entered.length) {
      const detail = "Programs run that somebody started from outside.";
      found.push(asFinding("processes", "MODIFIED", detail, entered));
    }
    const inside = processes.filter((each) => each.entered);
    const gone = BigInt(subject.seen.execs) - sumCounts(inside);
    if (gone > 0n) {
      const programs = count(gone, "program was", "programs were");
      const detail = `Somebody was inside since it started: ${programs} started from outside.`;
      found.push(asFinding("processes", "MODIFIED", detail));
    }
    if (found.length === 0) {
      const detail = `${count(sumCounts(processes), "running program")}, all from the release.`;
      found.push(asFinding("processes", "GENUINE", detail));
    }
    return found;
  });
}

/** 14. It has no special rights and cannot change its own files. */
function checkConfinement(it) {
  return it.subjects.flatMap(({ seen }) => {
    const found = [], isStrong = /[^0]/.test(seen.capabilities);
    if (isStrong) {
      const detail = "It has rights on this machine that the release does not ask for.";
      found.push(asFinding("confinement", "MODIFIED", detail));
    }
    if (!seen.read_only_root) {
      found.push(asFinding("confinement", "MODIFIED", "It could change its own files.", ["/"]));
    }
    if (BigInt(seen.seccomp) !== FILTERED) {
      const detail = "The filter on what it may ask of the kernel is off.";
      found.push(asFinding("confinement", "MODIFIED", detail));
    }
    return found.length ? found : [describeConfinement(seen)];
  });
}

/** 15. It was started with the variables of the release and of the engine, and no other. */
async function checkEnvironment(it) {
  const found = [];
  for (const subject of it.subjects) {
    const known = await knownVariables(it, subject);
    if (known === null) {
      const detail = "The release does not list variables, so they were not compared.";
      found.push(asFinding("environment", "GENUINE", detail));
      continue;
    }
    const isWrong = ([name, hash]) =>
      (known.get(name) ?? (ENGINE_VARIABLES.includes(name) ? hash : "")) !== hash;
    const listed = Array.from(subject.seen.environment).filter(isWrong);
    const wrong = listed.map(([name]) => name).sort(compareText);
    found.push(wrong.length
      ? asFinding("environment", "MODIFIED", `Variables differ from the release: ${wrong.join(", ")}.`)
      : asFinding("environment", "GENUINE", "It was started with the variables of the release."));
  }
  return found;
}

function describeConfinement(seen) {
  const more = seen.no_new_privileges
    ? ""
    : " The kernel would let it gain rights from a program that gives them.";
  const detail = `It has no special rights and cannot change its own files.${more}`;
  return asFinding("confinement", "GENUINE", detail);
}

function sumCounts(processes) {
  return processes.reduce((sum, each) => sum + BigInt(each.count), 0n);
}

/** Hash of every variable's value by its name, or null when the release does not tell. */
async function knownVariables(it, { image }) {
  if (image.environment === null) return null;
  const values = new Map([["PATH", ENGINE_PATH]]);
  for (const line of image.environment) {
    const [name, , value] = partition(line, "=");
    values.set(name, value);
  }
  for (const [name, value] of it.case.reference.release.service.environment) values.set(name, value);
  const known = new Map();
  for (const [name, value] of values) known.set(name, await hashValue(value));
  return known;
}

async function checkCommand(it, { image, seen }) {
  const command = [...image.entrypoint, ...it.case.reference.release.service.command];
  if (command.length && (await hashCommand(command)) !== seen.command_sha256) {
    const detail = "It was started with another command than the release names.";
    return asFinding("service", "MODIFIED", detail);
  }
  return asFinding("service", "GENUINE", `The service ${seen.service} runs an image of the release.`);
}

async function checkTree(subject, age, found) {
  const { tree } = subject.seen;
  if (tree.base !== (await rootOfText(subject.manifest.text))) {
    const detail = "The agent compared the files with another list than the release's.";
    found.push(asFinding("files", "UNVERIFIABLE", detail));
    return;
  }
  const unseen = tree.left_out.map((each) => each.path).filter((path) => !subject.permitted.has(path));
  if (unseen.length) {
    found.push(asFinding("files", "UNVERIFIABLE", "The agent could not look at all files.", unseen));
  }
  const differing = findDiffering(subject);
  if (differing.length || tree.unlisted) {
    const more = tree.unlisted ? ` and ${tree.unlisted} more` : "";
    const detail = `${count(differing.length, "path")}${more} differ from the release.`;
    found.push(asFinding("files", "MODIFIED", detail, differing));
  }
  if (unseen.length || tree.unlisted) return;
  if ((await putTogether(subject.manifest, tree)) !== tree.root) {
    const detail = "The report contradicts itself: its differences do not add up.";
    found.push(asFinding("files", "REJECTED", detail));
  } else if (differing.length === 0) {
    const skipped = tree.left_out.map((each) => each.path).join(", ");
    const detail = `All ${tree.count} measured paths match the release. Not looked at: ${skipped}.`;
    found.push(asFinding("files", "GENUINE", detail + age));
  }
}

/** Paths that differ, without what the engine adds to every container. */
function findDiffering(subject) {
  const added = engineMadeLines(subject.permitted), found = new Set();
  for (const [path, line] of changedLines(subject.seen.tree)) {
    const listed = findListed(subject, path);
    if (listed === null ? !added.has(line) : line !== listed) found.add(path);
  }
  for (const path of subject.seen.tree.missing) {
    if (findListed(subject, path)) found.add(path);
  }
  return Array.from(found).sort(compareText);
}

/** The release's manifest line, for a path that no permitted mount covers; or null. */
function findListed({ permitted, manifest }, path) {
  const parts = path.split("/");
  const isCovered = parts.some((_, at) => at > 0 && permitted.has(parts.slice(0, at + 1).join("/")));
  return isCovered ? null : manifest.findLine(path);
}

function listedContent(subject, path) {
  const line = findListed(subject, path);
  if (line === null) return "";
  const fields = readLenientJson(line);
  return fields[1] === "f" ? String(fields.at(-1)) : "";
}

/** The container with its image, or null when no image of the release is its own. */
function findSubject(it, seen) {
  const { release, manifests } = it.case.reference;
  for (const [name, image] of release.images) {
    if (isMadeFrom(seen.image, seen.image_id, [image.digest, image.config_digest])) {
      const [permitted, refused] = judgeMounts(seen.mounts, contractOf(it), seen.container);
      return { seen, image, manifest: manifests.get(name), permitted, refused };
    }
  }
  return null;
}

function contractOf(it) {
  const { service } = it.case.reference.release;
  return { tmpfs: service.tmpfs, settings: Array.from(service.configs.values()) };
}
