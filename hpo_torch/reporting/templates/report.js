
"use strict";
// Tables are sorted by a click on a column's heading; what is empty stays last.
const parsed = (row, column) => {
  const text = row.cells[column].textContent.trim();
  const number = Number(text.replace(/ %$/, ""));
  return { text, number, numeric: text !== "" && !Number.isNaN(number) };
};
const order = (a, b) => {
  if (a.numeric && b.numeric) return a.number - b.number;
  if (a.numeric !== b.numeric) return a.numeric ? -1 : 1;
  return a.text.localeCompare(b.text, undefined, { numeric: true });
};
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const up = heading.getAttribute("aria-sort") !== "ascending";
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = [...table.tBodies[0].rows].map((row) => [row, parsed(row, column)]);
      rows.sort(([, a], [, b]) => {
        if ((a.text === "") !== (b.text === "")) return a.text === "" ? 1 : -1;
        return up ? order(a, b) : order(b, a);
      });
      table.tBodies[0].append(...rows.map(([row]) => row));
    });
  });
}
// A click on a picture shows it in its own size.
for (const picture of document.querySelectorAll("figure img")) {
  picture.addEventListener("click", () => picture.parentElement.classList.toggle("whole"));
}
