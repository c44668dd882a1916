"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const SVG = "http://www.w3.org/2000/svg";
  const number = (x, digits) => (x === null || x === undefined ? "–" : x.toFixed(digits));
  const points = (x) => (x === null ? "–" : (x > 0 ? "+" : x < 0 ? "\u2212" : "") + Math.abs(100 * x).toFixed(1));
  const pvalue = (p) => (p === null ? "–" : p < 0.0001 ? "< 0.0001" : p.toPrecision(2));
  const shape = (parent, name, attributes, text) => {
    const node = document.createElementNS(SVG, name);
    Object.entries(attributes).forEach(([key, entry]) => node.setAttribute(key, entry));
    if (text !== undefined) node.textContent = text;
    parent.append(node);
    return node;
  };
  const at = (x, y) => [50 + 400 * x, 330 - 300 * y];
  const line = (values) => values.map((y, i) => at(i / (values.length - 1), y).map((v) => v.toFixed(1)).join(",")).join(" ");
  const draw = (rule, pair) => {
    const figure = document.createElement("figure");
    const svg = shape(figure, "svg", { viewBox: "0 0 470 380", role: "img", "font-family": "sans-serif", "font-size": "12" });
    shape(svg, "title", {}, `Precision and recall by ${rule}`);
    for (let tick = 0; tick <= 1.001; tick += 0.2) {
      const [x, y] = at(tick, tick);
      shape(svg, "line", { x1: x, y1: 30, x2: x, y2: 330, stroke: "#d8dee4" });
      shape(svg, "line", { x1: 50, y1: y, x2: 450, y2: y, stroke: "#d8dee4" });
      shape(svg, "text", { x, y: 348, "text-anchor": "middle", fill: "#57606a" }, tick.toFixed(1));
      shape(svg, "text", { x: 44, y: y + 4, "text-anchor": "end", fill: "#57606a" }, tick.toFixed(1));
    }
    shape(svg, "text", { x: 250, y: 368, "text-anchor": "middle", fill: "#57606a" }, "recall");
    shape(svg, "text", { x: 50, y: 20, fill: "#57606a" }, `precision, by ${rule}`);
    pair.forEach((entry, i) => {
      const curve = entry.curves[rule], colour = ["#0072B2", "#D55E00"][i];
      const band = line(curve.low) + " " + line(curve.high).split(" ").reverse().join(" ");
      if (!curve) return;
      shape(svg, "polygon", { points: band, fill: colour, "fill-opacity": "0.15" });
      shape(svg, "polyline", { points: line(curve.precision), fill: "none", stroke: colour, "stroke-width": "2", "stroke-dasharray": ["", "7 3"][i] || "none" });
      shape(svg, "text", { x: 62, y: 300 + 18 * i, fill: colour }, (i ? "– – " : "—— ") + entry.name);
    });
    return figure;
  };
  const fill = (select, entries, chosen) => {
    select.replaceChildren(...entries.map((entry, i) => new Option(entry.name, String(i), false, i === chosen)));
  };
  const track = () => data[$("track").value];
  const gap = (metric, i, j) => {
    if (i < 0 || j < 0) return null;
    const flip = i > j;
    const row = metric.pairs.find((pair) => pair[0] === Math.min(i, j) && pair[1] === Math.max(i, j));
    if (!row || row[2] === null) return null;
    if (row[3] === null) return [flip ? -row[2] : row[2], null, null, row[5], row[6]];
    return flip ? [-row[2], -row[4], -row[3], row[5], row[6]] : row.slice(2);
  };
  const causes = JSON.parse($("causes").textContent);
  const ring = (svg, [x, y, w, h], looks) => looks.forEach((look) => shape(svg, "ellipse", {
    cx: x + w / 2, cy: y + h / 2, rx: Math.max(w, 6) / 2, ry: Math.max(h, 6) / 2, fill: "none", "vector-effect": "non-scaling-stroke", ...look,
  }));
  const crossed = (svg, [x, y, w, h], looks) => looks.forEach((look) => shape(svg, "path", {
    d: `M${x} ${y}h${w}v${h}h${-w}zl${w} ${h}M${x + w} ${y}l${-w} ${h}`, fill: "none", "vector-effect": "non-scaling-stroke", ...look,
  }));
  const rim = (colour, width, more) => [{ stroke: "#fff", "stroke-width": width + 2 }, { stroke: colour, "stroke-width": width, ...more }];
  const drawPatch = (patch, marks, picture, name, number) => {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `0 0 ${patch.size} ${patch.size}`);
    svg.setAttribute("role", "img");
    const [hits, misses, wrong] = marks;
    const said = `${hits.length} found, ${misses.length} missed, ${wrong.length} false`;
    shape(svg, "title", {}, `${name} on patch ${number}: ${said}`);
    if (picture) shape(svg, "image", { href: picture, width: patch.size, height: patch.size });
    else patch.cells.forEach((cell) => ring(svg, cell, [{ fill: "#eaeef2", stroke: "#d8dee4", "stroke-width": 1 }]));
    hits.forEach((mark) => ring(svg, mark, rim("#0072b2", 1.5, {})));
    wrong.forEach((mark) => crossed(svg, mark, rim("#000", 1.5, {})));
    misses.forEach((mark) => ring(svg, mark, rim("#d55e00", 2.5, { "stroke-dasharray": "6 3" })));
    const caption = document.createElement("figcaption");
    caption.textContent = `${name}: ${said}`;
    return [svg, caption];
  };
  const gallery = (pair) => {
    const found = track().patches;
    const ready = Boolean(found) && pair.length === 2 && pair.every((entry) => entry && Object.hasOwn(found.answers, entry.id));
    $("gallery").hidden = !ready;
    $("patches").replaceChildren();
    if (!ready) return;
    found.patches.forEach((patch, i) => {
      const figure = document.createElement("figure");
      const drawn = pair.map((entry) => drawPatch(patch, found.answers[entry.id][i], found.pictures[i], entry.name, i + 1));
      figure.append(drawn[0][0], drawn[1][0], drawn[0][1], drawn[1][1]);
      $("patches").append(figure);
    });
  };
  const counts = (pair) => {
    const body = $("outcomes").tBodies[0];
    body.replaceChildren();
    Object.keys(pair[0].outcomes).forEach((rule) => causes.forEach(([name, title]) => {
      const row = body.insertRow();
      [`${title}, by ${rule}`, ...pair.map((entry) => number(entry.outcomes[rule]?.[name], 1))].forEach((text, i) => {
        const cell = row.insertCell(); cell.textContent = text; if (i) cell.className = "num";
      });
    }));
  };
  const show = () => {
    const { entries, metrics } = track();
    const ids = [Number($("first").value), Number($("second").value)];
    const pair = ids.map((i) => entries[i]);
    const body = $("differences").tBodies[0];
    body.replaceChildren();
    $("curves").replaceChildren();
    if (pair.some((entry) => entry === undefined) || ids[0] === ids[1]) {
      $("verdict").textContent = "Choose two different submissions.";
      $("outcomes").tBodies[0].replaceChildren();
      gallery([]);
      return;
    }
    counts(pair);
    gallery(pair);
    if (pair.some((entry) => entry.cost !== "–")) {
      const row = body.insertRow();
      ["Declared cost", pair[0].cost, pair[1].cost, "–", "–", "–"].forEach((text, i) => {
        const cell = row.insertCell(); cell.textContent = text; if (i) cell.className = "num words";
      });
    }
    metrics.toReversed().forEach((metric) => {
      const places = ids.map((i) => metric.order.indexOf(entries[i].id));
      const found = gap(metric, ...places);
      const row = body.insertRow(0);
      const cells = [metric.title, number(pair[0].values[metric.name], 3), number(pair[1].values[metric.name], 3)];
      cells.push(...(found ? [points(found[0]), found[1] === null ? "–" : `${points(found[1])} to ${points(found[2])}`, pvalue(found[3])] : ["–", "–", "–"]));
      cells.forEach((text, i) => { const cell = row.insertCell(); cell.textContent = text; if (i) cell.className = "num"; });
    });
    const main = gap(metrics[0], ...ids.map((i) => metrics[0].order.indexOf(entries[i].id)));
    const p = main && main[3] !== null ? ` (p ${pvalue(main[3])}, corrected)` : "";
    $("verdict").textContent = !main || main[4] === null
      ? `${metrics[0].title}: this pair was not tested on this track.`
      : main[4]
        ? `${metrics[0].title}: ${pair[main[0] > 0 ? 0 : 1].name} is ahead${p}.`
        : `${metrics[0].title}: this test set does not tell the two apart${p}. That does not make them equal.`;
    Object.keys(pair[0].curves).forEach((rule) => $("curves").append(draw(rule, pair)));
  };
  const index = (entries, id, other) => {
    const found = entries.findIndex((entry) => entry.id === id);
    return found < 0 ? Math.min(other, entries.length - 1) : found;
  };
  const keep = () => {
    const { entries } = track();
    const ids = ["first", "second"].map((id) => entries[Number($(id).value)]?.id ?? "");
    const said = new URLSearchParams({ track: $("track").value, first: ids[0], second: ids[1] });
    history.replaceState(null, "", `#${said}`);
  };
  const start = (wanted) => {
    const { entries } = track();
    const a = index(entries, wanted.get("first"), 0);
    fill($("first"), entries, a);
    fill($("second"), entries, index(entries, wanted.get("second"), a === 1 ? 0 : 1));
    show();
  };
  $("track").addEventListener("change", () => { start(new URLSearchParams()); keep(); });
  ["first", "second"].forEach((id) => $(id).addEventListener("change", () => { show(); keep(); }));
  const wanted = new URLSearchParams(location.hash.slice(1));
  const name = wanted.get("track") ?? decodeURIComponent(location.hash.slice(1));
  if (Object.hasOwn(data, name)) $("track").value = name;
  start(wanted);
})();
