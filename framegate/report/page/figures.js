"use strict";
/* Figures as SVG, drawn when they are opened. Series differ in colour, dash and marker: colour alone says nothing. */
const DASHES = ["", "7 3", "2 3", "10 3 2 3", "4 2", "12 4", "1 4", "6 2 1 2"];
const MARKERS = [
  (x, y) => `M${x - 3.5},${y}a3.5,3.5 0 1,0 7,0a3.5,3.5 0 1,0 -7,0z`,
  (x, y) => `M${x - 3.3},${y - 3.3}h6.6v6.6h-6.6z`,
  (x, y) => `M${x},${y - 4.2}L${x + 4},${y + 3}H${x - 4}z`,
  (x, y) => `M${x},${y - 4.6}L${x + 4.2},${y}L${x},${y + 4.6}L${x - 4.2},${y}z`,
  (x, y) => `M${x},${y + 4.2}L${x + 4},${y - 3}H${x - 4}z`,
  (x, y) => `M${x - 1.3},${y - 4}h2.6v2.7h2.7v2.6h-2.7v2.7h-2.6v-2.7h-2.7v-2.6h2.7z`,
];
const colour = (k) => `var(--s${k % 8})`;

function ticks(low, high, wanted) {
  const rough = (high - low) / Math.max(1, wanted) || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((size) => size >= rough * 0.999);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) found.push(Number((k * step).toPrecision(12)));
  return found;
}
const short = (value) => (Math.abs(value) >= 10000 ? value.toExponential(0) : String(Number(value.toPrecision(6))));

function chartFrame(options, xs, ys) {
  const width = Math.max(280, Math.min(options.width || 520, 900)), height = options.height || 250;
  const box = { left: 58, right: width - 10, top: 10, bottom: height - 40 };
  let [low, high] = [Math.min(...ys), Math.max(...ys)];
  if (options.zero) low = Math.min(0, low);
  const pad = (high - low || Math.abs(high) || 1) * 0.06;
  [low, high] = [options.zero && low === 0 ? 0 : low - pad, high + pad];
  if (options.unit) [low, high] = [Math.max(0, low), Math.min(1, high)];
  const [first, last] = [Math.min(...xs), Math.max(...xs)];
  const x = (value) => (last === first ? (box.left + box.right) / 2 : box.left + 8 + ((value - first) / (last - first)) * (box.right - box.left - 16));
  const y = (value) => box.bottom - ((value - low) / (high - low)) * (box.bottom - box.top);
  const svg = h("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": options.alt, "font-size": 12 });
  svg.append(h("title", {}, options.alt));
  for (const tick of ticks(low, high, 5)) {
    svg.append(h("line", { x1: box.left, x2: box.right, y1: y(tick), y2: y(tick), stroke: "var(--line)" }));
    svg.append(h("text", { x: box.left - 6, y: y(tick) + 4, "text-anchor": "end", fill: "var(--quiet)" }, options.unit ? `${Number((100 * tick).toPrecision(4))} %` : short(tick)));
  }
  for (const tick of ticks(first, last, Math.min(10, last - first)).filter(Number.isInteger)) {
    svg.append(h("text", { x: x(tick), y: box.bottom + 16, "text-anchor": "middle", fill: "var(--quiet)" }, tick));
  }
  svg.append(h("text", { x: (box.left + box.right) / 2, y: height - 6, "text-anchor": "middle", fill: "var(--quiet)" }, options.x));
  return { svg, x, y, box };
}

/** A figure of lines: series are {name, values (one an epoch from 1 on), colour, dash}. warm: mark the first epoch. */
function lineFigure(options, series) {
  series = series.filter((one) => one.values.some(some));
  if (!series.length) return h("figure", {}, h("h3", {}, options.title), h("p", { class: "quiet" }, `${options.title}: not recorded.`));
  const xs = series.flatMap((one) => one.values.map((_, k) => k + 1));
  const { svg, x, y, box } = chartFrame(options, xs, series.flatMap((one) => one.values.filter(some)));
  if (options.warm && Math.max(...xs) > 1) {
    svg.append(h("rect", { x: box.left, width: (x(1) + x(2)) / 2 - box.left, y: box.top, height: box.bottom - box.top, fill: "var(--shade)" }));
    svg.append(h("text", { x: box.left + 4, y: box.bottom - 5, fill: "var(--quiet)", "font-size": 11 }, "warm-up"));
  }
  series.forEach((one, k) => {
    const points = one.values.map((value, n) => (some(value) ? [x(n + 1), y(value)] : null)).filter(Boolean);
    const stroke = one.colour || colour(k), dash = one.dash ?? DASHES[k % DASHES.length];
    svg.append(h("polyline", { points: points.map((point) => point.map((v) => v.toFixed(1)).join(",")).join(" "), fill: "none", stroke, "stroke-width": 1.8, "stroke-dasharray": dash || null }));
    points.forEach(([px, py], n) => svg.append(h("path", { d: MARKERS[(one.marker ?? k) % MARKERS.length](px, py), fill: options.warm && n === 0 ? "var(--card)" : stroke, stroke })));
  });
  const rows = [["epoch", ...series.map((one) => one.name)]];
  for (let n = 0; n < Math.max(...series.map((one) => one.values.length)); n++) rows.push([n + 1, ...series.map((one) => one.values[n])]);
  return saved(options, svg, rows, legend(series));
}

/** A figure of horizontal bars with intervals: rows are {name, value, interval, text}. */
function barFigure(options, rows) {
  rows = rows.filter((row) => some(row.value));
  const width = Math.max(280, Math.min(options.width || 520, 900)), line = 40, height = rows.length * line + 8;
  // An interval of two processes may reach to a hundred times the value: what goes beyond twice the longest bar ends open.
  const longest = Math.max(...rows.map((row) => row.value)), ends = rows.map((row) => (row.interval ? row.interval[1] ?? 0 : 0));
  const top = Math.min(2 * longest, Math.max(longest, ...ends)) * 1.04 || 1;
  const room = width - 96, scale = (value) => (Math.min(value, top) / top) * room;
  const svg = h("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": options.alt, "font-size": 12.5 }, h("title", {}, options.alt));
  rows.forEach((row, k) => {
    const y = k * line + 18;
    svg.append(h("text", { x: 0, y: y - 5, fill: "var(--text)" }, row.name));
    svg.append(h("rect", { x: 0, y, width: Math.max(1, scale(row.value)), height: 13, fill: colour(k) }));
    if (row.interval) {
      const [a, b] = row.interval.map(scale);
      const d = `M${a},${y + 6.5}H${b}M${a},${y + 2}v9${row.interval[1] > top ? "" : `M${b},${y + 2}v9`}`;
      svg.append(h("path", { d, stroke: "var(--card)", "stroke-width": 4.5, fill: "none" }), h("path", { d, stroke: "var(--text)", "stroke-width": 1.6, fill: "none" }));
    }
    svg.append(h("text", { x: width, y: y + 11, "text-anchor": "end", fill: "var(--text)" }, row.text));
  });
  return saved(options, svg, [["name", "value", "low", "high"], ...rows.map((row) => [row.name, row.value, ...(row.interval || ["", ""])])]);
}

function legend(series) {
  return h("ul", { class: "legend" }, series.map((one, k) => h("li", {},
    h("svg", { width: 30, height: 12, "aria-hidden": "true" },
      h("line", { x1: 0, x2: 30, y1: 6, y2: 6, stroke: one.colour || colour(k), "stroke-width": 2, "stroke-dasharray": (one.dash ?? DASHES[k % DASHES.length]) || null }),
      h("path", { d: MARKERS[(one.marker ?? k) % MARKERS.length](15, 6), fill: one.colour || colour(k) })),
    one.name)));
}

/** The figure with its title, and buttons that save it and its numbers. */
function saved(options, svg, rows, below) {
  const name = options.title.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  const button = (text, what, work) => h("button", { type: "button", onclick: work, "aria-label": `Save ${options.title} as ${what}` }, text);
  return h("figure", {}, h("h3", {}, options.title), options.note ? h("figcaption", {}, options.note) : null, svg, below || null, h("div", { class: "save" },
    button("SVG", "SVG", () => download(`${name}.svg`, "image/svg+xml", standalone(svg))),
    button("PNG", "PNG", () => toPng(svg, `${name}.png`)),
    rows ? button("CSV", "CSV", () => download(`${name}.csv`, "text/csv", csv(rows))) : null));
}

/** The SVG as text that stands alone: variables of the page's style replaced by what they are now. */
function standalone(svg) {
  const style = getComputedStyle(document.documentElement);
  const copy = svg.cloneNode(true);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("font-family", "sans-serif");
  copy.prepend(h("rect", { width: "100%", height: "100%", fill: "var(--card)" }));
  return new XMLSerializer().serializeToString(copy).replace(/var\((--[\w-]+)\)/g, (_, name) => style.getPropertyValue(name).trim());
}

function toPng(svg, name) {
  const image = new Image(), scale = 2;
  image.onload = () => {
    const canvas = h("canvas", { width: svg.getAttribute("width") * scale, height: svg.getAttribute("height") * scale });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => download(name, "image/png", blob));
  };
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(standalone(svg))}`;
}

/** Half the width of the axis of ratios, as a logarithm: nine of ten verdicts lie within, and the margin fills half at most. */
const AXIS = (() => {
  const ends = [...DOC.verdicts, ...DOC.comparisons.flatMap((comparison) => comparison.pairs.map((pair) => pair.seconds)).filter(some)].filter((verdict) => verdict.scale === "log" && verdict.interval.every(some)).map((verdict) => Math.max(...verdict.interval.map((value) => Math.abs(Math.log(value))))).sort((a, b) => a - b);
  return Math.min(Math.log(2), Math.max(2 * Math.log1p(DOC.policy.margin), ends[Math.floor(0.9 * ends.length)] || 0) * 1.1);
})();
/** The ratio and its interval on a small logarithmic axis (accuracy: differences), one in the middle, the margin shaded. */
function intervalFigure(verdict) {
  if (!some(verdict) || !some(verdict.ratio)) return null;
  const width = 130, limit = verdict.scale === "log" ? AXIS : 0.05, move = verdict.scale === "log" ? Math.log : (value) => value;
  const place = (value, end) => (some(value) ? width / 2 + (Math.max(-limit, Math.min(limit, move(value))) / limit) * (width / 2 - 4) : end);
  const margin = verdict.scale === "log" ? Math.log1p(DOC.policy.margin) : 0.01, half = (margin / limit) * (width / 2 - 4);
  const [a, b] = [place(verdict.interval[0], 0), place(verdict.interval[1], width)];
  const tone = { slower: "--worse", worse: "--worse", faster: "--better", better: "--better", unsure: "--unsure" }[verdict.word] || "--same";
  return h("svg", { width, height: 18, viewBox: `0 0 ${width} 18`, role: "img", "aria-label": `ratio ${ratioText(verdict)}` },
    h("rect", { x: width / 2 - half, y: 1, width: 2 * half, height: 16, fill: "var(--shade)" }),
    h("line", { x1: width / 2, x2: width / 2, y1: 0, y2: 18, stroke: "var(--quiet)" }),
    h("line", { x1: a, x2: Math.max(b, a + 1), y1: 9, y2: 9, stroke: `var(${tone})`, "stroke-width": 2.5 }),
    h("circle", { cx: place(verdict.ratio), cy: 9, r: 3.5, fill: `var(${tone})` }));
}

const PHASES = ["start-up", "import", "load", "preprocess", "build", "first step", "epochs", "evaluate", "save", "waiting", "remainder"];
/** Shares of the wall time as one bar; the table beside it, or the label, says them in words. */
function phaseBar(shares, width) {
  const names = Object.keys(shares).sort((a, b) => PHASES.indexOf(a) - PHASES.indexOf(b));
  const alt = names.filter((name) => shares[name] >= 0.005).map((name) => `${name} ${percent(shares[name], 0)}`).join(", ");
  let x = 0;
  const svg = h("svg", { width, height: 14, viewBox: `0 0 ${width} 14`, role: "img", "aria-label": `phases: ${alt}` }, h("title", {}, alt));
  for (const name of names) {
    const size = shares[name] * width;
    svg.append(h("rect", { x, y: 0, width: Math.max(0, size - 1), height: 14, fill: phaseColour(name) }));
    x += size;
  }
  return svg;
}
const phaseColour = (name) => ({ epochs: "var(--s0)", evaluate: "var(--s6)", "first step": "var(--s1)", import: "var(--s7)", build: "var(--s3)", "start-up": "var(--s4)", remainder: "var(--line)" })[name] || "var(--s5)";
