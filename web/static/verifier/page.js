// The page: takes files that a person chooses, and shows what was found. Nothing leaves it.
"use strict";

const place = (id) => document.getElementById(id);
const trust = { bytes: readBase64(GIVEN.root), isOwn: true };

function make(tag, text = "", attributes = {}) {
  const element = document.createElement(tag);
  element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function say(sentence, isTrouble = false) {
  const said = make("p", sentence, isTrouble ? { class: "trouble", role: "alert" } : {});
  place("said").replaceChildren(said);
}

async function showTrust() {
  place("fingerprint").textContent = await hashHex(trust.bytes);
  place("whose").textContent = trust.isOwn
    ? "It came with this page."
    : "It is the file that you chose.";
}

/** `judge` shows the verdict on the bytes of a file, and why there is none when there is none. */
async function judge(bytes, name) {
  place("verdict").hidden = true;
  say(`Reading ${showPath(name)} …`);
  try {
    const verdict = await judgeSaved(bytes, trust.bytes);
    showVerdict(verdict, parseMoment(readSaved(bytes).saved_at));
    say(`${showPath(name)} was checked.`);
  } catch (error) {
    const reason = error instanceof Refused ? error.message : `something unexpected (${error.name})`;
    say(`This file is no saved check that we understand: ${reason}.`, true);
  }
}

function showVerdict(verdict, savedAt) {
  const isAlarming = GIVEN.alarming.includes(verdict.outcome);
  place("address").textContent = showPath(verdict.address);
  place("outcome").textContent = verdict.outcome;
  place("outcome").className = isAlarming ? "tag bad" : "tag";
  place("headline").textContent = GIVEN.headlines[verdict.outcome];
  place("summary").textContent = verdict.summary;
  place("saved").textContent = showMoment(savedAt).replace("T", " ").replace("Z", " UTC");
  place("steps").replaceChildren(...verdict.findings.map(showFindingLine));
  place("verdict").hidden = false;
  place("headline").focus();
}

function showFindingLine({ check, outcome, detail, paths }) {
  const line = make("li"), head = make("h3"), fits = outcome === "GENUINE";
  const number = STEPS.find((step) => step.name === check)?.number;
  const question = GIVEN.questions[check] ?? check;
  head.append(
    make("span", number ? `${number}. ${question}` : question),
    make("span", detail === GIVEN.nobody_looked ? GIVEN.nothing_seen : GIVEN.marks[outcome], { class: fits ? "tag" : "tag bad" }),
  );
  line.append(head, make("p", detail));
  if (paths.length && !fits) {
    const list = make("ul", "", { class: "paths" });
    list.append(...paths.map(showPathLine));
    line.append(list);
  }
  return line;
}

function showPathLine(path) {
  const item = make("li");
  item.append(make("code", path));
  return item;
}

async function readFile(file) {
  return new Uint8Array(await file.arrayBuffer());
}

/** Another root changes every verdict, so the one that is shown goes away. */
async function takeRoot(file) {
  Object.assign(trust, { bytes: await readFile(file), isOwn: false });
  place("verdict").hidden = true;
  say("The root of trust was changed. Choose the saved check again.");
  place("choose").value = "";
  await showTrust();
}

async function takeSaved(file) {
  await judge(await readFile(file), file.name);
}

function offerDrop(area) {
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    area.addEventListener(kind, (event) => {
      event.preventDefault();
      area.classList.toggle("over", kind === "dragenter" || kind === "dragover");
      if (kind === "drop" && event.dataTransfer.files.length) takeSaved(event.dataTransfer.files[0]);
    });
  }
}

/** An old browser knows no Ed25519: then nothing is judged. */
async function isAble() {
  try {
    await isSigned(new Uint8Array(32), new Uint8Array(64), new Uint8Array());
    return "isWellFormed" in String.prototype;
  } catch {
    return false;
  }
}

async function begin() {
  if (!(await isAble())) {
    say(GIVEN.unable, true);
    return;
  }
  await showTrust();
  for (const [id, take] of [["choose", takeSaved], ["choose-root", takeRoot]]) {
    place(id).disabled = false;
    place(id).addEventListener("click", () => { place(id).value = ""; }); // the same file may have changed
    place(id).addEventListener("change", () => place(id).files.length && take(place(id).files[0]));
  }
  offerDrop(document.documentElement);
}

begin();
