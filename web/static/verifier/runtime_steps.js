// Steps 9 to 15: whether what was measured is what the release lists.
"use strict";

// Variables that the engine itself sets in every container where nobody else does.
const ENGINE_VARIABLES = ["HOME", "HOSTNAME", "TERM"];
const ENGINE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const FILTERED = 2n; // prctl(2) PR_GET_SECCOMP

/** 9. Every service of the release runs, and only from its own image. */
async function checkService(it) {
  const { parts } = it.case.reference.release, found = [];
  const say = (outcome, detail) => found.push(asFinding("service", outcome, detail));
  for (const seen of it.evidence.containers) {
    const part = parts.get(seen.service), subject = part && findSubject(it, seen, part);
    if (!part) say("MODIFIED", `The service ${seen.service} is not in the release.`);
    else if (subject) it.subjects.push(subject);
    else say("MODIFIED", `The service ${seen.service} runs an image that the release does not list.`);
  }
  if (it.subjects.length === 0) {
    say("UNVERIFIABLE", "The report shows nothing of the release running.");
    return found;
  }
  it.subjects.sort((one, other) => compareText(one.seen.service, other.seen.service));
  for (const name of await findAbsent(it, parts)) {
    say("UNVERIFIABLE", `The service ${name} of the release is not in the report.`);
  }
  for (const subject of it.subjects) found.push(await checkCommand(subject));
  return found;
}

/** Services that no host shows. It is asked once, of all hosts together. */
async function findAbsent(it, parts) {
  if (!it.isWhole) return [];
  const shown = new Set(it.subjects.map((subject) => subject.seen.service));
  for (const { evidence } of await getOthers(it)) {
    for (const { service } of evidence.containers) shown.add(service);
  }
  return Array.from(parts.keys()).filter((each) => !shown.has(each)).sort(compareText);
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
  return it.subjects.map(({ contract, seen: { settings, declared } }) => {
    const wanted = contract.settings;
    const wrong = wanted.filter((path) => !isMeasured(settings.get(path), declared.get(path)));
    if (wrong.length) {
      const detail = "Settings files differ from what was written for this community.";
      return asFinding("settings", "MODIFIED", detail, wrong);
    }
    if (wanted.length === 0) return asFinding("settings", "GENUINE", "It has no settings files.");
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

/** 14. It has no rights but those of the release, and cannot change its own files. */
function checkConfinement(it) {
  return it.subjects.flatMap(({ seen, contract }) => {
    const found = findFaults(seen, contract);
    return found.length ? found : [describeConfinement(seen, contract)];
  });
}

/** 15. It was started with all variables of the release, those of the engine, and no other. */
async function checkEnvironment(it) {
  const found = [];
  for (const subject of it.subjects) {
    const known = await knownVariables(it, subject);
    if (known === null) {
      const detail = "The release does not list variables, so they were not compared.";
      found.push(asFinding("environment", "GENUINE", detail));
      continue;
    }
    const isKnown = (hashes, hash) => hashes && (hashes.length === 0 || hashes.includes(hash));
    const isWrong = ([name, hash]) => !isKnown(known.get(name), hash);
    const listed = Array.from(subject.seen.environment).filter(isWrong);
    const absent = requiredVariables(subject).filter((name) => !subject.seen.environment.has(name));
    const wrong = Array.from(new Set([...absent, ...listed.map(([name]) => name)])).sort(compareText);
    found.push(wrong.length
      ? asFinding("environment", "MODIFIED", `Variables differ from the release: ${wrong.join(", ")}.`)
      : asFinding("environment", "GENUINE",
        `It was started with the variables of the release.${sayFree(subject)}`));
  }
  return found;
}

/** Whether a hash was measured, and is the declared one where one was declared. */
function isMeasured(seen, declared) {
  return seen !== undefined && !UNMEASURED.includes(seen) && (declared ?? seen) === seen;
}

function findFaults(seen, contract) {
  const found = [], excess = findExcess(seen.capabilities, contract.capabilities);
  const say = (detail, paths) => found.push(asFinding("confinement", "MODIFIED", detail, paths));
  const strangers = seen.users.filter((user) => user !== contract.user);
  if (excess.length) {
    say(`It has rights on this machine that the release does not ask for: ${excess.join(", ")}.`);
  }
  if (strangers.length) {
    const least = strangers.reduce((one, other) => (other < one ? other : one));
    const name = least === 0 ? "root" : `user ${least}`;
    say(`It runs as ${name}, which the release does not ask for.`);
  }
  const groups = seen.groups.filter((group) => !permitsGroup(contract, group));
  if (groups.length) {
    const least = groups.reduce((one, other) => (other < one ? other : one));
    say(`It is in ${least === 0 ? "root's group" : `group ${least}`}, which the release does not ask for.`);
  }
  if (!seen.read_only_root) say("It could change its own files.", ["/"]);
  if (BigInt(seen.seccomp) !== FILTERED) say("The filter on what it may ask of the kernel is off.");
  return found;
}

function describeConfinement(seen, contract) {
  const more = seen.no_new_privileges
    ? ""
    : " The kernel would let it gain rights from a program that gives them.";
  const way = seen.ways_out < 0 ? "" : ` Its network has ${seen.ways_out ? "a" : "no"} way out.`;
  const detail = `${describeRights(contract)} and cannot change its own files.${more}${way}`;
  return asFinding("confinement", "GENUINE", detail);
}

/** The beginning of a sentence: what the release grants, when nothing else was seen. */
function describeRights({ user, capabilities }) {
  if (user !== 0 && capabilities.length === 0) return "It has no special rights";
  const rights = capabilities.join(" and ") || "no special rights";
  return `It runs${user === 0 ? " as root" : ""} with ${rights}, as the release says,`;
}

function sumCounts(processes) {
  return processes.reduce((sum, each) => sum + BigInt(each.count), 0n);
}

/**
 * Hashes of the values that each variable may have, where an empty list stands for every value.
 * Null when the release does not tell.
 */
async function knownVariables(it, { image, contract }) {
  if (image.environment === null) return null;
  const values = new Map([["PATH", ENGINE_PATH]]);
  for (const line of image.environment) {
    const [name, , value] = partition(line, "=");
    values.set(name, value);
  }
  for (const [name, value] of contract.environment) values.set(name, value);
  const permitted = new Map(ENGINE_VARIABLES.map((name) => [name, []]));
  for (const [name, value] of values) permitted.set(name, [await hashValue(value)]);
  for (const [name, choices] of contract.choices) {
    const filled = choices.map((value) => fillInAddress(value, it.case.address));
    permitted.set(name, await Promise.all(filled.map(hashValue)));
  }
  return permitted;
}

/** Those that have to be there: all that the release sets or leaves to the operator. */
function requiredVariables({ image, contract }) {
  const named = image.environment.map((line) => partition(line, "=")[0]);
  return [...named, ...contract.environment.keys(), ...contract.choices.keys()];
}

/** A value of the release with `{host}` and `{port}` of the address that is checked. */
function fillInAddress(value, address) {
  const [host, , port] = partition(address, ":");
  return value.replaceAll("{host}", () => host).replaceAll("{port}", () => port);
}

/** Which variables were not compared, because the release leaves them to the operator. */
function sayFree({ contract: { choices } }) {
  const free = Array.from(choices.keys()).filter((name) => choices.get(name).length === 0);
  return free.length ? ` The operator decides the value of ${free.sort(compareText).join(", ")}.` : "";
}

async function checkCommand(subject) {
  const { image, contract, seen } = subject;
  const command = contract.becomes.length ? contract.becomes : [...image.entrypoint, ...contract.command];
  if (command.length && (await hashCommand(command)) !== seen.command_sha256) {
    const detail = "It was started with another command than the release names.";
    return asFinding("service", "MODIFIED", sayOf(subject, detail));
  }
  if (image.workdir && seen.workdir !== image.workdir) {
    const detail = "It was started in another folder than the release names.";
    return asFinding("service", "MODIFIED", sayOf(subject, detail));
  }
  return asFinding("service", "GENUINE", `The service ${seen.service} runs an image of the release.`);
}

/** The sentence, with the name of the service where a release has several. */
function sayOf({ isAlone, seen }, sentence) {
  return isAlone ? sentence : `${seen.service}: ${sentence}`;
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
    const verb = differing.length === 1 && !more ? "differs" : "differ";
    const detail = `${count(differing.length, "path")}${more} ${verb} from the release.`;
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
  return isCovered || !canBePath(path) ? null : manifest.findLine(path);
}

function listedContent(subject, path) {
  const line = findListed(subject, path);
  if (line === null) return null;
  const fields = readLenientJson(line);
  return fields[1] === "f" ? String(fields.at(-1)) : null;
}

/** The container with its service, or null unless it was made from that one's image. */
function findSubject(it, seen, part) {
  const { release: { images, parts }, manifests } = it.case.reference;
  const image = images.get(part.image);
  if (!image) throw new Refused(part.image, "KeyError");
  if (!isMadeFrom(seen.image, seen.image_id, [image.digest, image.config_digest])) return null;
  const contract = readContract(part), manifest = manifests.get(part.image);
  const [permitted, refused] = judgeMounts(seen.mounts, contract, seen.container);
  return { seen, contract, image, manifest, permitted, refused, isAlone: parts.size === 1 };
}
