// Asks the server every few seconds for the parts of the page and replaces those that changed.
// What the reader did stays: scroll position, sorting, filter, zoom, opened details, the chosen pair, the focus.
(() => {
  "use strict";
  const PAUSE = 3000; // milliseconds
  const main = document.querySelector("main");
  const said = document.getElementById("live");
  const parts = new Map(); // of each part's id: its HTML as it was served
  let tag = main.dataset.tag;

  const units = (root) => [...root.querySelectorAll("[data-live]")];
  for (const unit of units(main)) parts.set(unit.id, unit.dataset.live);

  function adopt(old, fresh) {
    for (const place of fresh.querySelectorAll(".figure[data-name]")) {
      const same = [...old.querySelectorAll(".figure[data-name]")].find((one) => one.dataset.name === place.dataset.name);
      if (same) {
        same.style.height = place.style.height;
        place.replaceWith(same);
      }
    }
    const opened = [...old.querySelectorAll("details")];
    fresh.querySelectorAll("details").forEach((one, i) => (one.open = opened[i]?.open ?? one.open));
    const [before, after] = [old.querySelector("select.choice"), fresh.querySelector("select.choice")];
    const text = before?.selectedOptions[0]?.textContent;
    const option = after && [...after.options].find((one) => one.textContent === text);
    if (option) {
      after.value = option.value;
      fresh.querySelectorAll(".part").forEach((part, i) => (part.hidden = i !== Number(option.value)));
    }
  }

  function replace(old, fresh) {
    const focus = old.contains(document.activeElement) ? document.activeElement : null;
    const place = focus && [...old.querySelectorAll(focus.tagName)].findIndex((one) => one === focus);
    const name = focus?.textContent;
    const inner = [...old.querySelectorAll(".wide")].map((wide) => [wide.scrollLeft, wide.scrollTop]);
    adopt(old, fresh);
    old.replaceWith(fresh);
    for (const table of fresh.querySelectorAll("table.sortable")) window.gridrunsTables.ready(table);
    window.gridrunsFigures?.watch(fresh);
    fresh.querySelectorAll(".wide").forEach((wide, i) => inner[i] && wide.scrollTo(...inner[i]));
    if (focus) {
      const alike = [...fresh.querySelectorAll(focus.tagName)];
      (alike.find((one) => one.textContent === name) ?? alike[place])?.focus({ preventScroll: true });
    }
  }

  function update(html) {
    const page = new DOMParser().parseFromString(html, "text/html");
    const fresh = page.querySelector("main");
    const [mine, theirs] = [units(main), units(fresh)];
    const [left, top] = [window.scrollX, window.scrollY];
    tag = fresh.dataset.tag;
    if (mine.map((unit) => unit.id).join() !== theirs.map((unit) => unit.id).join()) {
      location.reload(); // sections came or went; the browser keeps the scroll position
      return;
    }
    theirs.forEach((unit, i) => {
      if (parts.get(unit.id) === unit.dataset.live) return;
      parts.set(unit.id, unit.dataset.live);
      replace(mine[i], document.adoptNode(unit));
    });
    window.scrollTo(left, top);
  }

  async function look() {
    try {
      const answer = await fetch("/?parts", { headers: { "If-None-Match": tag } });
      if (answer.status === 200) update(await answer.text());
      said.textContent = answer.ok || answer.status === 304
        ? `Live: as of ${new Date().toLocaleTimeString()}` : `Live, but: ${await answer.text()}`;
    } catch {
      said.textContent = "No longer live: the command that served this page has ended.";
    }
    setTimeout(look, PAUSE);
  }
  setTimeout(look, PAUSE);
})();
