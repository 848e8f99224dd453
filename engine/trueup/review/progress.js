// Shows how far a run is while the page stands open. Without it, the page reloads by itself.
"use strict";

const AGAIN = 1000; // milliseconds before the page is asked for again where there are no events

const shown = document.getElementById("progress");
const text = shown.querySelector("p");
const bar = shown.querySelector("progress");
const events = new EventSource(`/progress?id=${shown.dataset.run}`);

events.addEventListener("message", (event) => {
  const seen = JSON.parse(event.data);
  if (seen.state !== shown.dataset.state) {
    events.close();
    location.reload(); // the page has other parts now
    return;
  }
  text.textContent = seen.text;
  bar.max = seen.total;
  bar.value = seen.done;
});

events.addEventListener("error", () => {
  if (events.readyState === EventSource.CLOSED) {
    setTimeout(() => location.reload(), AGAIN);
  }
});

window.addEventListener("pagehide", () => events.close());
