"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const value = (row, column) => {
    const cell = row.cells[column];
    if (!("value" in cell.dataset)) return cell.textContent.trim().toLowerCase();
    return cell.dataset.value === "" ? null : Number(cell.dataset.value);
  };
  const sort = (table, column, down) => {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    // What is undefined stands last whichever way is up.
    rows.sort((a, b) => {
      const x = value(a, column), y = value(b, column);
      if (x === null || y === null) return (x === null) - (y === null);
      const order = typeof x === "number" ? x - y : x.localeCompare(y);
      return down ? -order : order;
    });
    body.append(...rows);
    table.classList.add("sorted");
  };
  document.querySelectorAll("table.board").forEach((table) => {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      head.querySelector("button").addEventListener("click", () => {
        const now = head.getAttribute("aria-sort");
        const down = now ? now === "ascending" : "down" in head.dataset;
        table.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        sort(table, column, down);
      });
    });
  });
  const filter = () => {
    const track = $("track").value, annotations = $("annotations").value;
    const family = $("family").value, search = $("search").value.trim().toLowerCase();
    document.querySelectorAll("section[data-track]").forEach((section) => {
      section.hidden = section.dataset.track !== track;
      let shown = 0;
      section.querySelectorAll("table.board tbody tr").forEach((row) => {
        row.hidden = (annotations && row.dataset.annotations !== annotations)
          || (family && row.dataset.family !== family)
          || (search && !row.textContent.toLowerCase().includes(search));
        shown += !row.hidden;
      });
      section.querySelector(".count").textContent = String(shown);
    });
  };
  ["track", "annotations", "family"].forEach((id) => $(id).addEventListener("change", filter));
  $("search").addEventListener("input", filter);
  const wanted = decodeURIComponent(location.hash.slice(1));
  if ([...$("track").options].some((option) => option.value === wanted)) $("track").value = wanted;
  filter();
})();
