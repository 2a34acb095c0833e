// SPDX-License-Identifier: Apache-2.0
// Tables are sorted by the column whose heading is pressed; without this script they read as well.
"use strict";
const collator = new Intl.Collator(undefined, { numeric: true });
const none = "\u2013";

function compare(a, b) {
  const x = Number(a), y = Number(b);
  return Number.isNaN(x) || Number.isNaN(y) ? collator.compare(a, b) : x - y;
}

function sortBy(table, column, sign) {
  const text = (row) => row.cells[column].textContent;
  const rows = Array.from(table.tBodies[0].rows);
  rows.sort((a, b) => (text(a) === none) - (text(b) === none) ||
    (text(a) === none ? 0 : sign * compare(text(a), text(b))));
  table.tBodies[0].append(...rows);
}

function makeSortable(table) {
  const heads = Array.from(table.tHead.rows[0].cells);
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const isAscending = head.getAttribute("aria-sort") !== "ascending";
      for (const other of heads)
        other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", isAscending ? "ascending" : "descending");
      sortBy(table, column, isAscending ? 1 : -1);
    });
  });
}

// Only where there are numbers to compare.
for (const table of document.querySelectorAll("table"))
  if (table.tHead.querySelector(".n") && table.tBodies[0].rows.length > 1)
    makeSortable(table);
