// Draws a figure when it comes near the window: the JSON that follows each .figure, in the page's colours.
// plotly.js, a second of work for a browser, is in the page as text (#plotly) and runs when it is first needed.
(() => {
  "use strict";
  // plotly 7 would offer to upload the figure ("Share chart").
  const config = { displaylogo: false, showSendToCloud: false, plotlyServerURL: "", responsive: true };
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const drawn = new Set();

  function run() {
    if (window.Plotly) return;
    const script = document.createElement("script");
    script.textContent = document.getElementById("plotly").textContent;
    document.head.append(script);
  }

  function draw(place) {
    run();
    const root = getComputedStyle(document.documentElement);
    const colour = (name) => root.getPropertyValue(name).trim();
    const figure = JSON.parse(place.nextElementSibling.textContent);
    const layout = figure.layout;
    layout.font = { color: colour("--text") };
    layout.hoverlabel = { bgcolor: colour("--back"), bordercolor: colour("--line"), font: layout.font };
    layout.uirevision = "kept"; // a zoom outlives new data and new colours
    for (const name of Object.keys(layout))
      if (/^[xy]axis/.test(name))
        Object.assign(layout[name], { gridcolor: colour("--line"), zerolinecolor: colour("--line") });
    drawn.add(place);
    return Plotly.react(place, figure.data, layout, config);
  }

  // When the page is read and nothing else is to be done: a click comes first.
  const idle = window.requestIdleCallback ?? ((task) => setTimeout(task, 200));
  const loaded = new Promise((done) => window.addEventListener("load", () => setTimeout(done, 100)));
  const later = (task) => loaded.then(() => idle(task));

  const near = new IntersectionObserver(
    (entries) => {
      for (const entry of entries)
        if (entry.isIntersecting) {
          near.unobserve(entry.target);
          later(() => draw(entry.target));
        }
    },
    { rootMargin: "300px" },
  );
  // Watch the figures below `root`; one that is drawn already is drawn again, with its new data.
  function watch(root) {
    for (const place of root.querySelectorAll(".figure")) drawn.has(place) ? draw(place) : near.observe(place);
  }
  function again() {
    for (const place of drawn) place.isConnected ? draw(place) : drawn.delete(place);
  }

  // A select.choice shows the one of its figures whose place it names.
  document.addEventListener("change", (event) => {
    if (!event.target.matches("select.choice")) return;
    const parts = event.target.closest("section").querySelectorAll(".part");
    parts.forEach((part, i) => (part.hidden = i !== Number(event.target.value)));
  });
  dark.addEventListener("change", again);
  window.addEventListener("beforeprint", () => document.querySelectorAll(".figure").forEach(draw));
  document.addEventListener("DOMContentLoaded", () => watch(document));
  window.gridrunsFigures = { watch };
})();
