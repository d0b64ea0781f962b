"use strict";
/* What the page knows, and how it says it. Names come from runs: they go into the page as text, never as markup. */
const DOC = JSON.parse(document.getElementById("document").textContent);
const CELLS = DOC.cells;
const ICONS = { slower: "▲", worse: "▲", faster: "▼", better: "▼", same: "=", unsure: "?", missing: "∅", new: "+", safe: "✓", void: "✕", failed: "✕", measured: "·" };
const RANK = ["slower", "worse", "failed", "void", "missing", "unsure", "faster", "better", "new", "same", "measured"];

function h(tag, attributes, ...children) {
  const svg = ["svg", "g", "path", "line", "rect", "circle", "text", "title", "desc", "polyline"].includes(tag);
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

const some = (value) => value !== null && value !== undefined;
function seconds(value) {
  if (!some(value)) return "–";
  if (value >= 100) return `${value.toFixed(0)} s`;
  if (value >= 1) return `${value.toPrecision(3)} s`;
  return value >= 0.001 ? `${(1000 * value).toPrecision(3)} ms` : `${(1e6 * value).toPrecision(3)} µs`;
}
const percent = (value, digits = 1) => (some(value) ? `${(100 * value).toFixed(digits)} %` : "–");
const number = (value, digits = 3) => (some(value) ? (Math.abs(value) >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(digits)))) : "–");
const bytes = (value) => (some(value) ? (value >= 1e9 ? `${(value / 1e9).toFixed(2)} GB` : `${(value / 1e6).toFixed(0)} MB`) : "–");
const chance = (p) => (!some(p) ? "–" : p < 0.0001 ? "< .0001" : p.toFixed(4));
const count = (value) => (some(value) ? Math.round(value).toLocaleString("en") : "–");

function word(name, extra) {
  return h("span", { class: `word ${name}` }, `${ICONS[name] || ""} ${name}`.trim(), extra || "");
}

const labelOf = (cell) => cell.id + (cell.purpose === "training" || cell.purpose === "benchmark" ? "" : ` (${cell.purpose})`);
const cellLink = (index) => h("a", { href: `#/cell/${index}` }, labelOf(CELLS[index]));
const ratioText = (verdict) => {
  if (!some(verdict) || !some(verdict.ratio)) return "–";
  const show = (value) => (some(value) ? (verdict.scale === "log" ? value.toFixed(3) : `${value >= 0 ? "+" : ""}${(100 * value).toFixed(2)} pt`) : "∞");
  return `${show(verdict.ratio)} (${show(verdict.interval[0])} to ${show(verdict.interval[1])})`;
};

/** The verdict on a cell in the table: against another run, an earlier version, or an environment that was chosen. */
function verdictOn(index, reference) {
  if (reference) return pairVerdict(index, reference);
  const found = DOC.verdicts.filter((verdict) => verdict.current === index || (verdict.current === null && verdict.baseline === index));
  return found.find((verdict) => verdict.kind === "run" && isSpeed(verdict)) || found.find((verdict) => verdict.kind === "run") || found[0];
}
const isSpeed = (verdict) => ["seconds", "inference_seconds"].includes(verdict.metric);

function pairVerdict(index, environment) {
  for (const comparison of DOC.comparisons) {
    if (!comparison.cells.includes(index)) continue;
    for (const pair of comparison.pairs) {
      if (pair.b === index && CELLS[pair.a].environment === environment) return pair.seconds;
      if (pair.a === index && CELLS[pair.b].environment === environment) return reversed(pair.seconds);
    }
  }
  return undefined;
}

function reversed(verdict) {
  if (!some(verdict) || !some(verdict.ratio)) return verdict;
  const swap = { slower: "faster", faster: "slower", worse: "better", better: "worse" };
  const turn = verdict.scale === "log" ? (value) => (some(value) ? 1 / value : null) : (value) => (some(value) ? -value : null);
  return { ...verdict, word: swap[verdict.word] || verdict.word, ratio: turn(verdict.ratio), interval: [turn(verdict.interval[1]), turn(verdict.interval[0])] };
}

function download(name, type, content) {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** A field that a spreadsheet would take for a formula gets an apostrophe: names come from runs. */
function csvField(value) {
  let text = some(value) ? String(value) : "";
  if (typeof value === "string" && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
const csv = (rows) => rows.map((row) => row.map(csvField).join(",")).join("\r\n") + "\r\n";
