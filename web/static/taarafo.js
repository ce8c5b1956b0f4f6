// What moves on our pages. Every page works without it.
"use strict";

function offerCopy(box) {
  const field = box.querySelector("input, textarea");
  const button = box.querySelector("[data-copy-button]");
  const said = box.querySelector("[data-copy-said]");
  field.addEventListener("focus", () => field.select());
  button.hidden = false;
  button.addEventListener("click", async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      document.execCommand("copy");
    }
    said.textContent = "Copied. You can paste it in a message now.";
  });
}

document.querySelectorAll("[data-copy]").forEach(offerCopy);

function offerPrint(button) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

document.querySelectorAll("[data-print]").forEach(offerPrint);

function followProgress(place) {
  const events = new EventSource(place.dataset.events);
  events.addEventListener("progress", (event) => { place.innerHTML = event.data; });
  events.addEventListener("over", (event) => {
    events.close();
    window.location.replace(event.data);
  });
}

document.querySelectorAll("[data-events]").forEach(followProgress);

// An answer about the name must not replace an address that she is typing right now.
document.addEventListener("htmx:beforeSwap", (event) => {
  const typing = document.activeElement;
  if (event.detail.target.id === "address" && typing && typing.id === "label") {
    event.detail.shouldSwap = false;
  }
});

// What she typed before all of this was here counts too.
document.addEventListener("htmx:load", () => {
  const name = document.getElementById("name");
  const label = document.getElementById("label");
  if (name && label && name.value && !label.value) {
    name.dispatchEvent(new Event("input", { bubbles: true }));
  }
}, { once: true });
