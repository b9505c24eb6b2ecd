// Tables that sort by a click or a key on a header, and show the rows that fit a filter.
// Works on every table.sortable; its filter is the input named by the table's data-filter.
(() => {
  "use strict";
  const tables = new Map(); // of a table's id: what it is sorted by and how, kept when its rows are replaced

  const title = (heading) => heading.title; // the column's full name
  const shown = (cell) => cell.title || cell.textContent;
  const missing = (text) => text === "-" || text === "(not set)" || text === "nan" || text === "";

  const number = (text) =>
    missing(text) ? NaN : text === "inf" ? Infinity : text === "-inf" ? -Infinity : Number(text);

  function keys(table, column) {
    const rows = [...table.tBodies[0].rows];
    const texts = rows.map((row) => shown(row.cells[column]));
    const numbers = texts.map(number);
    const numeric = texts.every((text, i) => missing(text) || !Number.isNaN(numbers[i]));
    return rows.map((row, i) => ({ row, gap: missing(texts[i]), key: numeric ? numbers[i] : texts[i] }));
  }

  function sort(table, name, down) {
    const headings = [...table.tHead.rows[0].cells];
    const column = headings.findIndex((heading) => title(heading) === name);
    if (column < 0) return;
    const sign = down ? -1 : 1;
    const compare = new Intl.Collator(undefined, { numeric: true }).compare;
    const order = (a, b) => (typeof a === "number" ? a - b : compare(a, b));
    const ordered = keys(table, column).sort((a, b) => a.gap - b.gap || (a.gap ? 0 : sign * order(a.key, b.key)));
    const rows = document.createDocumentFragment();
    for (const item of ordered) rows.append(item.row);
    table.tBodies[0].append(rows);
    headings.forEach((heading, i) =>
      heading.setAttribute("aria-sort", i !== column ? "none" : down ? "descending" : "ascending"));
  }

  // A filter is words, all of which must fit: "adam", or a column, a sign and a value: lr<=0.01, status!=failed.
  function test(table, word) {
    const found = /^(.+?)(<=|>=|!=|=|<|>)(.*)$/.exec(word);
    const headings = [...table.tHead.rows[0].cells];
    const named = (heading) => heading.textContent.trim() === found[1] || title(heading) === found[1];
    const column = found ? headings.findIndex(named) : -1;
    if (column < 0) return (row) => row.textContent.toLowerCase().includes(word.toLowerCase());
    const [, , sign, value] = found;
    return (row) => {
      const text = shown(row.cells[column]);
      const both = !Number.isNaN(number(value)) && !Number.isNaN(number(text));
      const [a, b] = both ? [number(text), number(value)] : [text, value];
      if (sign === "=") return a === b;
      if (sign === "!=") return a !== b;
      if (missing(text)) return false;
      return sign === "<" ? a < b : sign === "<=" ? a <= b : sign === ">" ? a > b : a >= b;
    };
  }

  function filter(table) {
    const input = document.getElementById(table.dataset.filter);
    if (!input) return;
    const tests = input.value.split(/\s+/).filter(Boolean).map((word) => test(table, word));
    const rows = [...table.tBodies[0].rows];
    let count = 0;
    for (const row of rows) {
      row.hidden = !tests.every((fits) => fits(row));
      count += !row.hidden;
    }
    const said = document.querySelector(`output[for="${input.id}"]`);
    if (said) said.textContent = `${count.toLocaleString("en")} of ${rows.length.toLocaleString("en")} runs`;
  }

  // Also for a table that took the place of an older one with its id.
  function ready(table) {
    const before = tables.get(table.id);
    if (before) sort(table, before.name, before.down);
    filter(table);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("table.sortable th button");
    if (!button) return;
    const heading = button.closest("th");
    const table = heading.closest("table");
    const down = heading.getAttribute("aria-sort") === "ascending";
    tables.set(table.id, { name: title(heading), down });
    sort(table, title(heading), down);
  });
  document.addEventListener("input", (event) => {
    for (const table of document.querySelectorAll("table.sortable"))
      if (table.dataset.filter === event.target.id) filter(table);
  });
  for (const table of document.querySelectorAll("table.sortable")) ready(table);
  window.gridrunsTables = { ready };
})();
