// Charts as inline SVG: no script, no outside resource. Colours are CSS variables, so that light and dark both work.
const HALF = 480;
const WIDE = 1000;

export const esc = (value) =>
  String(value).replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]);
export const num = (value) => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, "\u202f");
export const size = (bytes) =>
  bytes < 1024 ? `${bytes} B` : bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1048576).toFixed(1)} MiB`;
export const percent = (part, whole) => (whole === 0 ? "0 %" : `${((100 * part) / whole).toFixed(part / whole < 0.1 ? 1 : 0)} %`);
export const plural = (count, one, many = `${one}s`) => `${num(count)} ${count === 1 ? one : many}`;
/** Shortens in the middle: a path's end tells most. */
export const clip = (text, most) =>
  text.length <= most ? text : `${text.slice(0, Math.floor(most * 0.3))}…${text.slice(text.length - Math.ceil(most * 0.7) + 1)}`;
const hue = (i) => `var(--c${i % 10})`;
const r = (value) => Math.round(value * 10) / 10;

const svg = (width, height, label, body) =>
  `<svg viewBox="0 0 ${width} ${r(height)}" role="img" aria-label="${esc(label)}">${body}</svg>`;

/** A figure with its heading and one sentence that says what it shows. */
export function card(title, sentence, body, wide = false) {
  return `<figure class="card${wide ? " wide" : ""}"><figcaption><h3>${esc(title)}</h3><p>${esc(sentence)}</p></figcaption>${body}</figure>\n`;
}

export const nothing = (text) => `<p class="none">${esc(text)}</p>`;

/** rows: {label, value, shown, hint, colour?}. Horizontal bars, the label above its bar, so that long paths can be read. */
export function bars(rows, label, { wide = false, colours = false } = {}) {
  if (rows.length === 0) return nothing("Nothing to show.");
  const width = wide ? WIDE : HALF;
  const most = Math.max(1e-9, ...rows.map((row) => row.value));
  const body = rows.map((row, i) => {
    const y = i * 30;
    const long = Math.max(2, (row.value / most) * width);
    return `<g><title>${esc(row.hint ?? `${row.label}: ${row.shown}`)}</title><text x="0" y="${y + 12}">${esc(clip(row.label, wide ? 110 : 50))}</text><text class="value" x="${width}" y="${y + 12}" text-anchor="end">${esc(row.shown)}</text><rect class="track" x="0" y="${y + 17}" width="${width}" height="6" rx="3"/><rect x="0" y="${y + 17}" width="${r(long)}" height="6" rx="3" style="fill:${colours ? hue(i) : (row.colour ?? hue(0))}"/></g>`;
  });
  return svg(width, rows.length * 30 - 4, label, body.join(""));
}

/** One bar cut into shares, with a legend. rows: {label, value, shown}. */
export function shares(rows, label) {
  const whole = rows.reduce((sum, row) => sum + row.value, 0);
  if (whole === 0) return nothing("Nothing to show.");
  let x = 0;
  const body = rows.map((row, i) => {
    const long = (row.value / whole) * WIDE;
    const piece = `<rect x="${r(x)}" y="0" width="${r(Math.max(long - 2, 0.5))}" height="34" rx="3" style="fill:${hue(i)}"><title>${esc(`${row.label}: ${row.shown}`)}</title></rect>`;
    x += long;
    return piece;
  });
  const legend = rows.map(
    (row, i) =>
      `<li><i style="background:${hue(i)}"></i><b>${esc(row.label)}</b> ${esc(row.shown)} <span>${percent(row.value, whole)}</span></li>`,
  );
  return `${svg(WIDE, 34, label, body.join(""))}<ul class="legend">${legend.join("")}</ul>`;
}

/** Columns over time. rows: {label, value, hint}. */
export function columns(rows, label, { wide = true, height = 200, colour = hue(0) } = {}) {
  if (rows.length === 0) return nothing("Nothing to show.");
  const width = wide ? WIDE : HALF;
  const left = 44;
  const floor = height - 24;
  const top = niceTop(Math.max(...rows.map((row) => row.value)));
  const step = (width - left) / rows.length;
  const thick = Math.max(1, Math.min(step * 0.78, 46));
  const lines = [0, 0.5, 1].map((part) => {
    const y = r(floor - part * (floor - 12));
    return `<line class="grid" x1="${left}" x2="${width}" y1="${y}" y2="${y}"/><text class="tick" x="${left - 8}" y="${y + 4}" text-anchor="end">${esc(brief(top * part))}</text>`;
  });
  const every = Math.max(1, Math.ceil(rows.length / (wide ? 12 : 6)));
  const body = rows.map((row, i) => {
    const tall = (row.value / top) * (floor - 12);
    const x = left + i * step + (step - thick) / 2;
    const tick =
      i % every === 0
        ? `<text class="tick" x="${r(left + (i + 0.5) * step)}" y="${height - 6}" text-anchor="middle">${esc(row.label)}</text>`
        : "";
    return `<g><title>${esc(row.hint)}</title><rect x="${r(x)}" y="${r(floor - tall)}" width="${r(thick)}" height="${r(tall)}" rx="${r(Math.min(3, thick / 3))}" style="fill:${colour}"/></g>${tick}`;
  });
  return svg(width, height, label, lines.join("") + body.join(""));
}

/** Lines added above, removed below a common line. rows: {label, up, down, hint}. */
export function upDown(rows, label) {
  if (rows.length === 0) return nothing("Nothing to show.");
  const height = 180;
  const left = 44;
  const most = Math.max(1, ...rows.map((row) => row.up), ...rows.map((row) => row.down));
  const up = Math.max(1, ...rows.map((row) => row.up));
  const zero = 14 + (height - 28) * (up / (up + Math.max(...rows.map((row) => row.down), most * 0.08)));
  const scale = (zero - 14) / up;
  const step = (WIDE - left) / rows.length;
  const thick = Math.max(1, Math.min(step * 0.78, 46));
  const body = rows.map((row, i) => {
    const x = r(left + i * step + (step - thick) / 2);
    return `<g><title>${esc(row.hint)}</title><rect x="${x}" y="${r(zero - row.up * scale)}" width="${r(thick)}" height="${r(row.up * scale)}" rx="1.5" style="fill:var(--good)"/><rect x="${x}" y="${r(zero + 1)}" width="${r(thick)}" height="${r(row.down * scale)}" rx="1.5" style="fill:var(--bad)"/></g>`;
  });
  const axis = `<line class="grid" x1="${left}" x2="${WIDE}" y1="${r(zero)}" y2="${r(zero)}"/><text class="tick" x="${left - 8}" y="18" text-anchor="end">${esc(brief(up))}</text><text class="tick" x="${left - 8}" y="${r(zero + 4)}" text-anchor="end">0</text>`;
  return svg(WIDE, height, label, axis + body.join(""));
}

/** 7 days by 24 hours. */
export function weekGrid(grid, label) {
  const days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
  const most = Math.max(1, ...grid.flat());
  const left = 44;
  const cell = (WIDE - left) / 24;
  const body = grid.flatMap((row, day) => [
    `<text class="tick" x="${left - 10}" y="${day * 30 + 19}" text-anchor="end">${days[day]}</text>`,
    ...row.map((count, hour) => {
      const depth = count === 0 ? 0 : 0.18 + 0.82 * Math.sqrt(count / most);
      const fill = count === 0 ? `class="track"` : `style="fill:${hue(0)};opacity:${depth.toFixed(2)}"`;
      return `<rect x="${r(left + hour * cell)}" y="${day * 30}" width="${r(cell - 3)}" height="27" rx="4" ${fill}><title>${days[day]} ${hour}:00, ${count} commits</title></rect>`;
    }),
  ]);
  const hours = [0, 3, 6, 9, 12, 15, 18, 21].map(
    (hour) => `<text class="tick" x="${r(left + (hour + 0.5) * cell - 1.5)}" y="226" text-anchor="middle">${hour}</text>`,
  );
  return svg(WIDE, 230, label, body.join("") + hours.join(""));
}

/** Rectangles whose areas are sizes. folders: {name, bytes, inside: [{name, bytes}]}. */
export function treemap(folders, label) {
  const height = 420;
  const whole = folders.reduce((sum, folder) => sum + folder.bytes, 0);
  if (whole === 0) return nothing("Nothing to show.");
  const outer = squarify(
    folders.filter((folder) => folder.bytes > 0),
    { x: 0, y: 0, w: WIDE, h: height },
  );
  const body = outer.map(({ item, x, y, w, h }, i) => {
    const named = h > 34 && w > 60;
    const room = { x: x + 2, y: y + (named ? 20 : 2), w: Math.max(0, w - 4), h: Math.max(0, h - (named ? 22 : 4)) };
    const inner = squarify(
      item.inside.filter((one) => one.bytes > 0),
      room,
    ).map(({ item: one, ...at }, n) => {
      const words =
        at.w > 54 && at.h > 20
          ? `<text class="on" x="${r(at.x + 6)}" y="${r(at.y + 15)}">${esc(clip(one.name, Math.floor((at.w - 8) / 6.6)))}</text>`
          : "";
      return `<g><title>${esc(`${item.name}/${one.name}: ${size(one.bytes)}`)}</title><rect x="${r(at.x)}" y="${r(at.y)}" width="${r(Math.max(0, at.w - 1.5))}" height="${r(Math.max(0, at.h - 1.5))}" rx="2" style="fill:${hue(i)};opacity:${(0.92 - 0.42 * Math.min(1, n / 12)).toFixed(2)}"/>${words}</g>`;
    });
    const name = named
      ? `<text x="${r(x + 5)}" y="${r(y + 14)}" class="strong">${esc(clip(item.name, Math.floor((w - 8) / 7)))}${w > 150 ? ` <tspan class="value">${size(item.bytes)}</tspan>` : ""}</text>`
      : "";
    return `<g><rect x="${r(x)}" y="${r(y)}" width="${r(Math.max(0, w - 2))}" height="${r(Math.max(0, h - 2))}" rx="4" class="track"/>${name}${inner.join("")}</g>`;
  });
  return svg(WIDE, height, label, body.join(""));
}

/** Squarified treemap (Bruls, Huizing, van Wijk): rows of rectangles as near to squares as can be. */
function squarify(items, room) {
  const sum = items.reduce((total, item) => total + item.bytes, 0);
  if (sum === 0 || room.w <= 0 || room.h <= 0) return [];
  const scale = (room.w * room.h) / sum;
  const left = [...items].sort((a, b) => b.bytes - a.bytes).map((item) => ({ item, area: item.bytes * scale }));
  const placed = [];
  let { x, y, w, h } = room;
  while (left.length > 0) {
    const side = Math.min(w, h);
    const row = [];
    let area = 0;
    const worst = (next) => {
      const total = area + next.area;
      return Math.max(
        ...[...row, next].map((one) =>
          Math.max((side * side * one.area) / (total * total), (total * total) / (side * side * one.area)),
        ),
      );
    };
    let before = Number.POSITIVE_INFINITY;
    while (left.length > 0 && worst(left[0]) <= before) {
      before = worst(left[0]);
      area += left[0].area;
      row.push(left.shift());
    }
    const thick = area / side;
    let at = 0;
    for (const { item, area: own } of row) {
      const long = own / thick;
      placed.push(w >= h ? { item, x, y: y + at, w: thick, h: long } : { item, x: x + at, y, w: long, h: thick });
      at += long;
    }
    if (w >= h) {
      x += thick;
      w -= thick;
    } else {
      y += thick;
      h -= thick;
    }
  }
  return placed;
}

/** Who leans on whom: groups on a circle, a curve from each importer to what it imports. edges: {from, to, count}. */
export function ring(edges, label) {
  const total = new Map();
  for (const { from, to, count } of edges) {
    total.set(from, (total.get(from) ?? 0) + count);
    total.set(to, (total.get(to) ?? 0) + count);
  }
  const names = [...total.keys()]
    .sort((a, b) => total.get(b) - total.get(a) || (a < b ? -1 : 1))
    .slice(0, 14)
    .sort();
  const shown = edges.filter((edge) => edge.from !== edge.to && names.includes(edge.from) && names.includes(edge.to));
  if (shown.length === 0) return nothing("No folder imports another.");
  const [cx, cy, radius] = [240, 216, 138];
  const place = (name, far = radius) => {
    const angle = (names.indexOf(name) / names.length) * 2 * Math.PI - Math.PI / 2;
    return { x: cx + far * Math.cos(angle), y: cy + far * Math.sin(angle), angle };
  };
  const most = Math.max(...shown.map((edge) => edge.count));
  const curves = shown.map((edge) => {
    const [a, b] = [place(edge.from), place(edge.to)];
    const thick = 1 + 7 * Math.sqrt(edge.count / most);
    const mid = { x: cx + (a.x + b.x - 2 * cx) * 0.16, y: cy + (a.y + b.y - 2 * cy) * 0.16 };
    return `<path d="M${r(a.x)} ${r(a.y)}Q${r(mid.x)} ${r(mid.y)} ${r(b.x)} ${r(b.y)}" fill="none" style="stroke:${hue(names.indexOf(edge.from))}" stroke-width="${r(thick)}" stroke-linecap="round" opacity="0.6"><title>${esc(`${edge.from} → ${edge.to}: ${edge.count} imports`)}</title></path>`;
  });
  const knots = names.map((name, i) => {
    const at = place(name);
    const words = place(name, radius + 16);
    const anchor = Math.abs(Math.cos(at.angle)) < 0.2 ? "middle" : Math.cos(at.angle) > 0 ? "start" : "end";
    const dot = 5 + 7 * Math.sqrt(total.get(name) / Math.max(...total.values()));
    return `<g><title>${esc(`${name}: ${total.get(name)} ends of imports`)}</title><circle cx="${r(at.x)}" cy="${r(at.y)}" r="${r(dot)}" style="fill:${hue(i)}"/><text x="${r(words.x)}" y="${r(words.y + 4)}" text-anchor="${anchor}">${esc(clip(name, 22))}</text></g>`;
  });
  return svg(HALF, 432, label, curves.join("") + knots.join(""));
}

/** Dots: how often changed by how long. points: {x, y, label, hint}. The farthest are named. */
export function dots(points, label, { xName, yName }) {
  if (points.length === 0) return nothing("Nothing to show.");
  const [left, height] = [44, 300];
  const floor = height - 30;
  const topX = niceTop(Math.max(...points.map((point) => point.x)));
  const topY = niceTop(Math.max(...points.map((point) => point.y)));
  const X = (value) => left + (value / topX) * (HALF - left - 16);
  const Y = (value) => floor - (value / topY) * (floor - 14);
  const grid = [0, 0.5, 1].flatMap((part) => [
    `<line class="grid" x1="${left}" x2="${HALF}" y1="${r(Y(topY * part))}" y2="${r(Y(topY * part))}"/><text class="tick" x="${left - 8}" y="${r(Y(topY * part) + 4)}" text-anchor="end">${esc(brief(topY * part))}</text>`,
    `<text class="tick" x="${r(X(topX * part))}" y="${floor + 16}" text-anchor="${part === 1 ? "end" : "middle"}">${esc(brief(topX * part))}</text>`,
  ]);
  const heat = (point) => (point.x / topX) * (point.y / topY);
  const named = new Set([...points].sort((a, b) => heat(b) - heat(a)).slice(0, 5));
  const body = points.map(
    (point) =>
      `<circle cx="${r(X(point.x))}" cy="${r(Y(point.y))}" r="5" style="fill:${named.has(point) ? "var(--bad)" : hue(0)}" opacity="0.75"><title>${esc(point.hint)}</title></circle>`,
  );
  let last = 0;
  const words = [...named]
    .sort((a, b) => b.y - a.y || a.x - b.x)
    .map((point) => {
      last = Math.max(Y(point.y) + 4, last + 13);
      const right = X(point.x) > HALF * 0.55;
      return `<text class="note" x="${r(X(point.x) + (right ? -9 : 9))}" y="${r(last)}" text-anchor="${right ? "end" : "start"}">${esc(clip(point.label, 34))}</text>`;
    });
  const names = `<text class="tick" x="${HALF}" y="${height - 1}" text-anchor="end">${esc(xName)} →</text><text class="tick" x="${left}" y="9">↑ ${esc(yName)}</text>`;
  return svg(HALF, height, label, grid.join("") + body.join("") + words.join("") + names);
}

/** A round top for an axis, near above `most`, whose half is a whole number too. */
function niceTop(most) {
  if (most <= 2) return 2;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10]
    .map((step) => Math.round(step * power))
    .find((top) => top >= most && top % 2 === 0);
}

const brief = (value) =>
  value >= 1e6 ? `${+(value / 1e6).toFixed(1)} M` : value >= 1e4 ? `${+(value / 1e3).toFixed(1)} k` : num(value);
