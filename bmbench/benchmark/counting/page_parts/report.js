"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const facts = JSON.parse(byId("facts").textContent);
  const slider = byId("confidence"), shown = byId("shown"), who = byId("who");
  const boxes = [...document.querySelectorAll(".classes input")];
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  let stop = facts.chosen;

  const images = [...document.querySelectorAll("figure")].map((figure) => {
    const value = JSON.parse(figure.querySelector("script").textContent);
    return { figure, ...value, picture: figure.querySelector("img"), canvas: figure.querySelector("canvas"),
      button: figure.querySelector("button"), caption: figure.querySelector("small") };
  });

  const on = (row) => !boxes[row] || boxes[row].checked;

  // A sign as the overlays have it: a polygon, or two strokes.
  const sign = (pen, look, x, y, size) => {
    pen.lineWidth = 2;
    for (const line of facts.signs[look.shape]) {
      pen.beginPath();
      line.forEach(([across, down], n) => pen[n ? "lineTo" : "moveTo"](x + across * size, y + down * size));
      if (line.length > 2) {
        pen.closePath();
        pen.fillStyle = look.colour; pen.fill();
        pen.strokeStyle = "#fff"; pen.lineWidth = 1; pen.stroke();
      } else {
        pen.strokeStyle = "#fff"; pen.lineWidth = 4; pen.stroke();
        pen.strokeStyle = look.colour; pen.lineWidth = 2; pen.stroke();
      }
    }
  };

  const outline = (pen, mark, place) => {
    const [, , x0, y0, x1, y1, ...points] = mark;
    pen.beginPath();
    if (points.length) {
      for (let n = 0; n < points.length; n += 2) pen[n ? "lineTo" : "moveTo"](...place(points[n], points[n + 1]));
    } else {
      const [a, b] = place(x0, y0), [c, d] = place(x1, y1);
      pen.ellipse((a + c) / 2, (b + d) / 2, Math.max(Math.abs(c - a) / 2, 1), Math.max(Math.abs(d - b) / 2, 1),
        0, 0, 2 * Math.PI);
    }
    pen.closePath();
  };

  // The topmost point of an outline, in the marks' own pixels.
  const summit = ([, , x0, y0, x1, , ...points]) => {
    if (!points.length) return [(x0 + x1) / 2, y0];
    let top = 0;
    for (let n = 2; n < points.length; n += 2) if (points[n + 1] < points[top + 1]) top = n;
    return [points[top], points[top + 1]];
  };

  // Marks are in quarters of a pixel of the picture; `scale` is what a pixel of the picture is on the canvas.
  const drawMarks = (pen, image, left, top, scale, small) => {
    if (!image.marks) return;
    const place = (x, y) => [left + (x / 4) * scale, top + (y / 4) * scale];
    const kept = image.marks.filter((mark) => on(mark[0]) && mark[1] >= stop);
    const thin = small ? 1 : 2;
    for (const white of [true, false]) {
      for (const mark of kept) {
        outline(pen, mark, place);
        pen.lineWidth = white ? thin + 2 : thin;
        pen.strokeStyle = white ? "rgba(255,255,255,.85)" : facts.classes[mark[0]].colour;
        pen.stroke();
      }
    }
    // One class needs no sign; on a small cell the sign is small, so that the cell is seen.
    if (facts.classes.length < 2) return;
    for (const mark of kept) {
      const [x, y] = place(...summit(mark)), wide = (Math.min(mark[4] - mark[2], mark[5] - mark[3]) / 4) * scale;
      sign(pen, facts.classes[mark[0]], x, y, Math.min(small ? 3 : 5, Math.max(wide / 5, 1.5)));
    }
  };

  const drawThumbnail = (image) => {
    const width = image.picture.clientWidth || 240, height = image.picture.clientHeight || width;
    image.canvas.width = Math.round(width * ratio);
    image.canvas.height = Math.round(height * ratio);
    const pen = image.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    // The picture again: printers take what is transparent for white.
    if (image.picture.complete && image.picture.naturalWidth) pen.drawImage(image.picture, 0, 0, width, height);
    drawMarks(pen, image, 0, 0, width / image.size[0], true);
  };

  const drawSizes = () => {
    const canvas = byId("sizes"), { unit, width: bin, counts } = facts.sizes;
    const wide = canvas.clientWidth || 600, high = 200;
    canvas.width = wide * ratio; canvas.height = high * ratio;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const ink = window.matchMedia("print").matches ? "#000" : getComputedStyle(document.body).color;
    const n = counts[stop][0].length, left = 40, bottom = high - 34, across = (wide - left - 16) / n;
    const totals = Array.from({ length: n }, (_, at) =>
      counts[stop].reduce((sum, row, label) => sum + (on(label) ? row[at] : 0), 0));
    const most = Math.max(1, ...totals);
    for (let at = 0; at < n; at++) {
      let y = bottom;
      counts[stop].forEach((row, label) => {
        if (!on(label) || !row[at]) return;
        const tall = (row[at] / most) * (bottom - 12);
        pen.fillStyle = facts.classes[label].colour;
        pen.fillRect(left + at * across + 0.5, y - tall, Math.max(across - 1, 1), tall);
        y -= tall;
      });
    }
    pen.fillStyle = pen.strokeStyle = ink;
    pen.font = "12px system-ui, 'DejaVu Sans', sans-serif";
    pen.beginPath(); pen.moveTo(left, 8); pen.lineTo(left, bottom); pen.lineTo(wide - 16, bottom); pen.stroke();
    pen.textAlign = "right"; pen.fillText(String(most), left - 4, 18); pen.fillText("0", left - 4, bottom);
    pen.textAlign = "center";
    const every = Math.max(1, Math.ceil(n / Math.max(2, Math.floor((wide - left) / 60))));
    for (let at = 0; at <= n; at += every) {
      pen.fillText(String(+(at * bin).toFixed(2)), left + at * across, bottom + 14);
    }
    pen.fillText(`diameter, ${unit}`, left + (wide - left) / 2, high - 4);
    canvas.setAttribute("aria-label", `Histogram of diameters: ${totals.reduce((a, b) => a + b, 0)} cells`);
  };

  const viewer = byId("viewer"), view = byId("view");
  let open = -1, zoom = 1, centre = [0, 0];

  const drawView = () => {
    if (open < 0) return;
    const image = images[open], wide = view.clientWidth, high = view.clientHeight;
    view.width = wide * ratio; view.height = high * ratio;
    const pen = view.getContext("2d");
    pen.scale(ratio, ratio);
    const scale = zoom * Math.min(wide / image.size[0], high / image.size[1]);
    const left = wide / 2 - centre[0] * scale, top = high / 2 - centre[1] * scale;
    pen.imageSmoothingQuality = "high";
    pen.drawImage(image.picture, left, top, image.size[0] * scale, image.size[1] * scale);
    drawMarks(pen, image, left, top, scale, false);
    byId("title").textContent = image.figure.querySelector("b").textContent;
    byId("told").textContent = image.caption.textContent;
  };
  const fit = () => { zoom = 1; centre = images[open].size.map((side) => side / 2); drawView(); };
  const show = (row) => { open = (row + images.length) % images.length; fit(); };
  const zoomBy = (factor) => { zoom = Math.min(Math.max(zoom * factor, 1), 16); drawView(); };
  const pan = (across, down) => {
    const image = images[open];
    const scale = zoom * Math.min(view.clientWidth / image.size[0], view.clientHeight / image.size[1]);
    centre = [centre[0] + across / scale, centre[1] + down / scale].map((at, axis) =>
      Math.min(Math.max(at, 0), image.size[axis]));
    drawView();
  };

  const visible = () => images.map((image, row) => [image, row]).filter(([image]) => !image.figure.hidden);
  const step = (by) => {
    const rows = visible().map(([, row]) => row);
    show(rows[(rows.indexOf(open) + by + rows.length) % rows.length]);
  };

  const fill = (rows, cells) => rows.forEach((row, at) => {
    [...row.querySelectorAll("td")].forEach((cell, column) => { cell.textContent = cells[at][column]; });
  });

  const update = () => {
    stop = slider ? +slider.value : stop;
    const person = who ? +who.value : 0;
    if (slider) {
      shown.textContent = facts.stops[stop].toFixed(3);
      slider.setAttribute("aria-valuetext", `confidence at least ${facts.stops[stop].toFixed(3)}`);
    }
    fill([...document.querySelectorAll("#summary tbody tr")], facts.tables[person][stop]);
    byId("whose").textContent = facts.titles[person][stop];
    const cuts = byId("cuts");
    if (cuts) [...cuts.querySelectorAll("td")].forEach((cell, at) => {
      cell.textContent = facts.cuts[person][stop][at]; });
    for (const image of images) {
      image.figure.hidden = person > 0 && image.patient !== facts.who[person];
      const counts = image.counts[stop];
      image.caption.textContent = facts.classes.map((one, at) => (counts[at] ? `${one.name} ${counts[at]}` : ""))
        .filter(Boolean).join(", ") || "no cell";
      if (!image.figure.hidden) drawThumbnail(image);
    }
    drawSizes();
    drawView();
  };

  document.querySelectorAll("canvas.sign").forEach((canvas) => {
    const pen = canvas.getContext("2d");
    canvas.width = canvas.height = 18 * ratio;
    pen.scale(ratio, ratio);
    sign(pen, facts.classes[+canvas.dataset.row], 9, 9, 6);
  });
  images.forEach((image, row) => image.button.addEventListener("click", () => {
    viewer.showModal(); show(row); view.focus(); }));
  if (slider) {
    slider.addEventListener("input", update);
    byId("reset").addEventListener("click", () => { slider.value = facts.chosen; update(); });
  }
  if (who) who.addEventListener("change", update);
  boxes.forEach((box) => box.addEventListener("change", update));
  byId("close").addEventListener("click", () => viewer.close());
  viewer.addEventListener("close", () => { const last = open; open = -1; if (last >= 0) images[last].button.focus(); });
  const acts = { "in": () => zoomBy(1.5), "out": () => zoomBy(1 / 1.5), "whole": fit,
    "next": () => step(1), "previous": () => step(-1) };
  for (const [name, act] of Object.entries(acts)) byId(name).addEventListener("click", act);
  const keys = { "+": acts.in, "=": acts.in, "-": acts.out, "0": fit, "n": acts.next, "p": acts.previous,
    "ArrowLeft": () => pan(-60, 0), "ArrowRight": () => pan(60, 0), "ArrowUp": () => pan(0, -60),
    "ArrowDown": () => pan(0, 60) };
  viewer.addEventListener("keydown", (event) => {
    const act = keys[event.key];
    if (act && !event.ctrlKey && !event.metaKey) { event.preventDefault(); act(); }
  });
  view.addEventListener("wheel", (event) => { event.preventDefault(); zoomBy(event.deltaY < 0 ? 1.2 : 1 / 1.2); },
    { passive: false });
  const fingers = new Map();
  const apart = () => { const [a, b] = [...fingers.values()]; return Math.hypot(a[0] - b[0], a[1] - b[1]); };
  view.addEventListener("pointerdown", (event) => {
    view.setPointerCapture(event.pointerId); fingers.set(event.pointerId, [event.clientX, event.clientY]); });
  view.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const far = fingers.size === 2 ? apart() : 0;
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
    if (fingers.size === 2 && far > 0) zoomBy(apart() / far);
    else if (fingers.size === 1) pan(before[0] - event.clientX, before[1] - event.clientY);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    view.addEventListener(end, (event) => fingers.delete(event.pointerId));
  }
  let waiting = 0;
  const later = () => { cancelAnimationFrame(waiting); waiting = requestAnimationFrame(update); };
  window.addEventListener("resize", later);
  window.addEventListener("beforeprint", update);
  window.addEventListener("afterprint", update);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", later);
  Promise.all(images.map(({ picture }) => picture.decode().catch(() => undefined))).then(update);
  update();
})();
