// A release: what a recipe's images are, how they run, and the hashes of all of it.
"use strict";

const SCHEMA = "https://taarafo.example/release/v1";
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const MAYBE_DIGEST = /^(sha256:[0-9a-f]{64})?$/;
const NAME = /^[a-z][a-z0-9-]{0,30}$/;
const PATH = /^(\/[A-Za-z0-9._-]+)+$/;
const FOLDER = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;
const DATA_PATH = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;
const CAPABILITY = /^CAP_[A-Z_]+$/;
const APP = "app"; // what the one service of an app is called
const VERSION = /^\d{1,4}\.\d{1,4}\.\d{1,4}$/;

function matching(pattern) {
  return (value) => (pattern.test(asText(value)) ? value : refuse("not of its form"));
}

function atLeast(least) {
  return (value) => (asWhole(value) >= least ? value : refuse("too small"));
}

function asShare(value) {
  const number = value instanceof Fraction ? value.value : asWhole(value);
  return number > 0 ? number : refuse("not above zero");
}

/** A record that has no other fields than these. */
function closedRecordOf(title, fields) {
  const build = recordOf(title, fields), known = new Set(fields.map(([name]) => name));
  return (value) => {
    const found = build(value);
    return Array.from(value.keys()).every((name) => known.has(name)) ? found : refuse("unknown field");
  };
}

function orNothing(kind) {
  return (value) => (value === null ? null : kind(value));
}

function namedTableOf(kind) {
  return (value) => {
    const found = tableOf(kind)(value);
    Array.from(found.keys(), matching(NAME));
    return found;
  };
}

/** At least one path of the data, each with the path of its copy. */
function tableOfPaths(value) {
  const found = tableOf(matching(DATA_PATH))(value);
  Array.from(found.keys(), matching(DATA_PATH));
  return found.size > 0 ? found : refuse("no copies");
}

const noValue = () => null;
const TEXTS = listOf(asText);
const PROGRAM = [
  ["image", matching(NAME)],
  ["command", TEXTS, noList],
  ["becomes", orNothing(TEXTS), noValue],
  ["memory_mb", atLeast(16), () => 192],
  ["cpus", asShare, () => 1],
  ["pids", atLeast(8), () => 128],
  ["environment", tableOf(asText), noTable],
  ["configs", tableOf(asText), noTable],
  ["secrets", TEXTS, noList],
  ["tmpfs", TEXTS, () => ["/tmp"]],
];
const SERVICE = closedRecordOf("RecipeService", [
  ...PROGRAM,
  ["uid", atLeast(1000), () => 10100],
  ["health", asText, noText],
]);
const RECIPE_MOUNT = closedRecordOf("RecipeMount", [
  ["path", matching(PATH)], ["read_only", asFlag, () => false],
]);
const PART = closedRecordOf("RecipePart", [
  ...PROGRAM,
  ["uid", (value) => (value === 0 ? 0 : atLeast(1000)(value))],
  ["mounts", listOf(RECIPE_MOUNT), noList],
  ["capabilities", listOf(matching(CAPABILITY)), noList],
  ["choices", tableOf(TEXTS), noTable],
]);
const BACKUP = closedRecordOf("RecipeBackup", [
  ["copies", tableOfPaths],
  ["leave_out", listOf(matching(DATA_PATH)), noList],
]);
const RECIPE = closedRecordOf("Recipe", [
  ["name", matching(NAME)],
  ["version", matching(VERSION)],
  ["title", asText],
  ["summary", asText, noText],
  ["notes", asText, noText],
  ["service", orNothing(SERVICE), noValue],
  ["services", orNothing(namedTableOf(PART)), noValue],
  ["secrets", tableOf(asWhole), noTable],
  ["commands", tableOf(TEXTS), noTable],
  ["assets", tableOf(asText), noTable],
  ["immutable", orNothing(listOf(matching(FOLDER))), noValue],
  ["upgrade_from", matching(VERSION), noText],
  ["readable_by", orNothing(matching(VERSION)), noValue],
  ["backup", orNothing(BACKUP), noValue],
]);
const IMAGE = closedRecordOf("Image", [
  ["repository", asText],
  ["digest", matching(DIGEST)],
  ["config_digest", matching(DIGEST)],
  ["platform", asText, noText],
  ["layers", TEXTS],
  ["files_root", matching(DIGEST)],
  ["files_count", atLeast(1)],
  ["files_target", asText],
  ["entrypoint", TEXTS, noList],
  ["workdir", orNothing(asText), noValue],
  ["environment", orNothing(TEXTS), noValue],
  ["sbom", matching(MAYBE_DIGEST), noText],
  ["provenance_statement", matching(MAYBE_DIGEST), noText],
]);
const RELEASE = closedRecordOf("Release", [
  ["schema", (value) => (value === SCHEMA ? value : refuse("another schema")), noText],
  ["recipe", RECIPE],
  ["channel", matching(NAME), () => "stable"],
  ["images", tableOf(IMAGE)],
  ["templates", tableOf(asText)],
  ["assets", tableOf(asText), noTable],
  ["source", closedRecordOf("Source", [
    ["swhid", matching(/^swh:1:dir:[0-9a-f]{40}$/)], ["commit", asText, noText],
  ])],
  ["urgency", asText, noText],
]);

function readRelease(text) {
  const { recipe, channel, images } = RELEASE(readLenientJson(text));
  const folder = `app/${recipe.name}/${channel}/`;
  const parts = listParts(recipe);
  if (!Array.from(parts.values()).every((part) => images.has(part.image))) refuse("an image is missing");
  return {
    ...recipe, parts, channel, images, folder, target: `${folder}${recipe.version}/release.json`,
  };
}

/** Every service by its name. */
function listParts({ service, services }) {
  const isOfSeveral = services !== null && services.size > 0;
  if ((service === null) !== isOfSeveral) refuse("needs either a service or several services");
  return isOfSeveral ? services : new Map([[APP, service]]);
}

/** `1.10.0` → [1, 10, 0]. */
function versionKey(version) {
  return version.split(".").map((part) => (/^[0-9]+$/.test(part) ? Number(part) : refuse("no version")));
}

function compareVersions(one, other) {
  const left = versionKey(one), right = versionKey(other);
  for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
    const difference = (left[at] ?? -1) - (right[at] ?? -1);
    if (difference) return difference;
  }
  return 0;
}
