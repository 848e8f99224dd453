// Progressive enhancement of the desk: every form works without it. It adds search as you type, a
// tick for all rows of a page, and waiting without loading the page again and again. What it inserts
// is HTML that the desk made and escaped.
"use strict";

const PAUSE = 150; // milliseconds without a key before a search is asked for

/** Replaces what `found` holds with what the desk finds for the text of `input`. */
function searchAsYouType(input) {
  const found = document.getElementById(input.getAttribute("aria-controls"));
  const status = document.getElementById(input.dataset.status);
  let timer = 0;
  let asked = new AbortController();
  let shown = input.value;

  async function search() {
    const text = input.value.trim();
    if (text === shown || text.length < Number(input.dataset.shortest)) {
      return;
    }
    asked.abort(); // an answer that is late must not replace a newer one
    asked = new AbortController();
    const query = new URLSearchParams(new FormData(input.form));
    try {
      const answer = await fetch(`${input.dataset.found}?${query}`, { signal: asked.signal });
      if (!answer.ok || answer.redirected) {
        return; // the button of the form shows why
      }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      found.replaceChildren(...page.body.childNodes);
      status.textContent = found.querySelector("[data-count]")?.textContent ?? "";
      shown = text;
    } catch (error) {
      if (error.name !== "AbortError" && !(error instanceof TypeError)) {
        throw error; // TypeError: the desk cannot be reached; the button says so
      }
    }
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, PAUSE);
  });
}

/** Puts a tick into the heading of a column of ticks, for all of them. */
function tickAll(table) {
  const heading = table.querySelector("thead .tick");
  const ticks = [...table.querySelectorAll("tbody .tick input[type=checkbox]")];
  if (!heading || ticks.length < 2) {
    return;
  }
  const all = document.createElement("input");
  all.type = "checkbox";
  all.setAttribute("aria-label", "Tick all rows of this page");
  all.addEventListener("change", () => {
    ticks.forEach((tick) => {
      tick.checked = all.checked;
    });
  });
  table.addEventListener("change", () => {
    all.checked = ticks.every((tick) => tick.checked);
    all.indeterminate = !all.checked && ticks.some((tick) => tick.checked);
  });
  heading.append(" ", all);
}

/**
 * Asks for the page again until it leads elsewhere; what has changed is shown, and read aloud.
 * The page stays while the focus is in it, and for good once a form in it was changed: what a
 * person types or ticks is never replaced.
 */
function askAgain(main) {
  let isChanged = false;
  main.addEventListener("input", () => {
    isChanged = true;
  });

  async function ask() {
    let answer;
    try {
      answer = await fetch(location.href, { redirect: "manual" });
    } catch (error) {
      if (error instanceof TypeError) {
        return schedule(); // the desk cannot be reached just now
      }
      throw error;
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = page.querySelector("main[data-again]");
    if (isChanged) {
      return; // also if it was changed while this answer was on its way
    }
    if (!next) {
      return location.reload(); // it is over: the desk sends the browser to the result
    }
    if (main.contains(document.activeElement)) {
      const status = next.querySelector("[role=status]");
      main.querySelector("[role=status]")?.replaceChildren(...(status?.childNodes ?? []));
    } else {
      main.replaceChildren(...next.childNodes);
    }
    schedule();
  }

  function schedule() {
    setTimeout(ask, 1000 * Number(main.dataset.again));
  }

  schedule();
}

document.querySelectorAll("main[data-again]:not(:has(#progress))").forEach(askAgain);
document.querySelectorAll("input[data-found]").forEach(searchAsYouType);
document.querySelectorAll("table").forEach(tickAll);
