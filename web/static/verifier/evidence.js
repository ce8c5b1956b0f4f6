// Evidence: what one host's agent reports of one community, as typed values.
"use strict";

const STATEMENT = "https://in-toto.io/Statement/v1";
const PREDICATE = "https://taarafo.example/runtime-evidence/v1";
const PAYLOAD_TYPE = "application/vnd.in-toto+json";
const LIFETIME_SECONDS = 300;
const UNMEASURED = ["", "!unreadable", "!changing", "!too-large"]; // hashes that never fit

const TREE = recordOf("Tree", [
  ["root", asText],
  ["base", asText],
  ["count", asWhole],
  ["changed", listOf(asText), noList],
  ["missing", listOf(asText), noList],
  ["unlisted", asWhole, () => 0],
  ["left_out", listOf(recordOf("LeftOut", [["path", asText], ["why", asText]])), noList],
  ["full_pass", asText, noText],
]);
const MOUNT = recordOf("MountSeen", [
  ["path", asText], ["kind", asText], ["source", asText], ["read_only", asFlag],
]);
const PROCESS = recordOf("ProcessSeen", [
  ["program", asText],
  ["program_sha256", asText],
  ["arguments_sha256", asText],
  ["entered", asFlag],
  ["count", asWhole],
]);
const CONTAINER = recordOf("ContainerSeen", [
  ["service", asText],
  ["container", asText],
  ["image", asText],
  ["image_id", asText],
  ["command_sha256", asText],
  ["started", asText],
  ["tree", TREE],
  ["mounts", listOf(MOUNT)],
  ["processes", listOf(PROCESS)],
  ["capabilities", asText],
  ["seccomp", asWhole],
  ["no_new_privileges", asFlag],
  ["read_only_root", asFlag],
  ["environment", tableOf(asText)],
  ["settings", tableOf(asText), noTable],
  ["declared", tableOf(asText), noTable],
  ["users", listOf(asWhole), noList],
  ["groups", listOf(asWhole), noList],
  ["workdir", asText, noText],
  ["ways_out", asWhole, () => -1],
  ["execs", asWhole, () => 0],
]);
const EVIDENCE = recordOf("Evidence", [
  ["community", asText],
  ["origin", asText],
  ["host", asText],
  ["release", asText],
  ["issued", asText],
  ["expires", asText],
  ["containers", listOf(CONTAINER)],
  ["nonce", asText, noText],
  ["hosts", listOf(asText), noList],
]);

/** SHA-256 of a variable's value, in hex. */
function hashValue(value) {
  return hashHex(Uint8Array.from(encodePath(value), (each) => each.charCodeAt(0)));
}

/** SHA-256 of a command with its arguments, each ended by a NUL as in /proc/<pid>/cmdline. */
function hashCommand(command) {
  return hashValue(command.map((part) => `${part}\0`).join(""));
}
