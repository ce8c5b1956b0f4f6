// Follows an operation as it happens. Without it the page renews itself.
"use strict";

function follow(box) {
  const steps = box.querySelector("[data-live-steps]");
  const log = box.querySelector("[data-live-log]");
  const empty = box.querySelector("[data-live-empty]");
  const source = new EventSource(box.dataset.live);
  source.addEventListener("steps", (event) => { steps.innerHTML = event.data; });
  source.addEventListener("log", (event) => {
    empty.hidden = true;
    log.insertAdjacentHTML("beforeend", event.data);
    log.scrollTop = log.scrollHeight;
  });
  source.addEventListener("over", () => { source.close(); location.reload(); });
}

document.querySelectorAll("[data-live]").forEach(follow);
