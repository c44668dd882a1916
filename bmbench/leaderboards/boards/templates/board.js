"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const SIZE = 100;
  const table = document.querySelector("table.board");
  if (!table) return;
  const section = table.closest("section"), body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  // Read once: a search over a thousand rows then asks the page for nothing.
  const rows = [...body.rows].map((row) => ({
    row,
    control: row.classList.contains("control"),
    text: row.textContent.toLowerCase(),
    values: [...row.cells].map((cell) => {
      if (!("value" in cell.dataset)) return cell.textContent.trim().toLowerCase();
      return cell.dataset.value === "" ? null : Number(cell.dataset.value);
    }),
  }));
  const first = [...rows];
  const state = { q: "", annotations: "", family: "", sort: -1, down: 0, page: 1, all: 0 };
  const numbers = ["sort", "down", "page", "all"];
  let order = rows;

  const sort = () => {
    heads.forEach((head, i) => {
      if (i === state.sort) head.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    const i = state.sort;
    order = i < 0 ? first : [...first].sort((a, b) => {
      const x = a.values[i], y = b.values[i];
      // What is undefined stands last whichever way is up.
      if (x === null || y === null) return (x === null) - (y === null);
      const way = typeof x === "number" ? x - y : x < y ? -1 : x > y ? 1 : 0;
      return state.down ? -way : way;
    });
    body.append(...order.map((one) => one.row));
  };
  const show = () => {
    const words = state.q.trim().toLowerCase();
    const kept = order.filter((one) => !one.control
      && (!state.annotations || one.row.dataset.annotations === state.annotations)
      && (!state.family || one.row.dataset.family === state.family)
      && (!words || one.text.includes(words)));
    const pages = Math.max(1, Math.ceil(kept.length / SIZE));
    state.page = Math.min(Math.max(1, state.page), pages);
    const from = (state.page - 1) * SIZE, seen = new Set(kept.slice(from, from + SIZE));
    rows.forEach((one) => { one.row.hidden = !one.control && !seen.has(one); });
    section.querySelector(".count").textContent = String(kept.length);
    const bar = section.querySelector(".pages");
    bar.hidden = pages === 1;
    bar.querySelector(".where").textContent = `${from + 1} to ${Math.min(from + SIZE, kept.length)} of ${kept.length}`;
    bar.querySelector(".back").disabled = state.page === 1;
    bar.querySelector(".on").disabled = state.page === pages;
    table.classList.add("ready");
    table.classList.toggle("all", Boolean(state.all));
    if ($("columns")) $("columns").setAttribute("aria-pressed", String(Boolean(state.all)));
  };
  const keep = () => {
    const said = new URLSearchParams();
    Object.entries(state).forEach(([name, value]) => {
      if (value && !(name === "sort" && value < 0) && !(name === "page" && value === 1)) said.set(name, String(value));
    });
    if (state.sort === 0) said.set("sort", "0");
    history.replaceState(null, "", said.size ? `#${said}` : location.pathname + location.search);
  };
  const read = () => {
    const said = new URLSearchParams(location.hash.slice(1));
    Object.keys(state).forEach((name) => {
      if (!said.has(name)) return;
      const value = numbers.includes(name) ? Number.parseInt(said.get(name), 10) : said.get(name);
      if (!Number.isNaN(value)) state[name] = value;
    });
    if (state.sort >= heads.length) state.sort = -1;
    [["search", "q"], ["annotations", "annotations"], ["family", "family"]].forEach(([id, name]) => {
      const control = $(id);
      if (!control) { state[name] = ""; return; }
      control.value = state[name];
      state[name] = control.value;
    });
  };
  heads.forEach((head, i) => head.querySelector("button").addEventListener("click", () => {
    state.down = Number(state.sort === i ? !state.down : "down" in head.dataset);
    state.sort = i;
    state.page = 1;
    sort(); show(); keep();
  }));
  const turn = (name) => (event) => { state[name] = event.target.value; state.page = 1; show(); keep(); };
  $("search").addEventListener("input", turn("q"));
  ["annotations", "family"].forEach((id) => $(id)?.addEventListener("change", turn(id)));
  $("columns")?.addEventListener("click", () => { state.all = Number(!state.all); show(); keep(); });
  section.querySelector(".back").addEventListener("click", () => { state.page -= 1; show(); keep(); });
  section.querySelector(".on").addEventListener("click", () => { state.page += 1; show(); keep(); });
  read();
  if (state.sort >= 0) sort();
  show();
})();
