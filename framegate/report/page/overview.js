"use strict";
/* The first screen: the answer, then the cells. */
const state = { text: "", environment: "", model: "", dataset: "", run: String(DOC.runs.length - 1), word: "", reference: "", sort: "importance", down: false, shown: 100 };
const compared = DOC.verdicts.some((verdict) => verdict.kind === "run");

function overview() {
  return [h("h1", {}, headline()), answers(), notes(), h("h2", {}, "Cells"), filters(), h("div", { id: "cells" }, cellTable())];
}

function headline() {
  const cells = CELLS.filter((cell) => cell.run === DOC.runs.length - 1);
  const kinds = (name) => new Set(cells.map((cell) => cell[name]).filter(Boolean)).size;
  const of = [["environment", "environments"], ["model", "models"], ["dataset", "datasets"]].filter(([name]) => kinds(name));
  return `${cells.length} ${cells.length === 1 ? "cell" : "cells"}${of.length ? " of " : ""}${of.map(([name, many]) => `${kinds(name)} ${kinds(name) === 1 ? name : many}`).join(", ")}`;
}

function answers() {
  const lost = CELLS.filter((cell) => cell.status !== "measured");
  const steps = DOC.verdicts.filter((verdict) => verdict.kind === "step");
  const found = DOC.answers.map((answer) => answerBox(answer.word, answerWords(answer), `${DOC.runs[answer.current].name} against ${DOC.runs[answer.baseline].name}`, answer.counts));
  if (!found.length) found.push(answerBox("measured", "Measured, compared with no earlier run", "framegate report BASELINE RUN says what got slower. Environments are compared with each other under Frameworks."));
  if (steps.length) {
    const counts = Object.fromEntries(RANK.map((name) => [name, steps.filter((step) => step.word === name).length]).filter(([, many]) => many));
    const worst = counts.slower ? "worse" : counts.unsure ? "unsure" : "safe";
    found.push(answerBox(worst, `Upgrades within this run: ${counted(counts)}`, h("a", { href: "#/upgrades" }, "each step of each framework")));
  }
  if (lost.length) found.push(answerBox("worse", `${lost.length} ${lost.length === 1 ? "cell has" : "cells have"} no valid time`, lost.slice(0, 3).map((cell) => `${labelOf(cell)}: ${cell.status}`).join("; ") + (lost.length > 3 ? "; and more" : "")));
  return found;
}
const counted = (counts) => RANK.filter((name) => counts[name]).map((name) => `${counts[name]} ${name}`).join(", ");
function answerWords(answer) {
  const total = Object.values(answer.counts).reduce((sum, many) => sum + many, 0);
  const shifted = (answer.counts.slower || 0) + (answer.counts.worse || 0);
  if (answer.word === "worse") return `Worse: ${shifted} of ${total} got slower or worse`;
  return answer.word === "safe" ? `Safe: none of ${total} got slower` : total ? `Unsure: too little is known of some of ${total}` : "Nothing was compared";
}
function answerBox(name, text, below, counts) {
  return h("section", { class: `answer ${name}` }, h("strong", { class: `word ${name}` }, `${ICONS[name]} ${text}`),
    counts ? h("div", { class: "chips" }, RANK.filter((one) => counts[one]).map((one) =>
      h("button", { type: "button", "aria-pressed": String(state.word === one), onclick: () => { state.word = state.word === one ? "" : one; show(); } }, word(one), ` ${counts[one]}`))) : null,
    h("span", {}, below));
}

function notes() {
  return DOC.runs.flatMap((run) => run.notes).map((note) => h("p", { class: "note" }, note));
}

function select(label, name, options) {
  if (options.length < 2) return null;
  return h("label", {}, label, h("select", { id: `filter-${name}`, onchange: (event) => { state[name] = event.target.value; refresh(); } },
    options.map(([value, text]) => h("option", { value, selected: state[name] === value }, text))));
}
function kindsOf(name) {
  return [["", "all"], ...[...new Set(CELLS.map((cell) => cell[name]).filter(Boolean))].sort().map((value) => [value, value])];
}
function filters() {
  const references = DOC.comparisons.length ? kindsOf("environment").slice(1).map(([value]) => [value, `environment ${value}`]) : [];
  const words = RANK.filter((name) => CELLS.some((cell, index) => wordOf(index) === name));
  return h("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
    h("label", {}, "Search", h("input", { type: "search", id: "filter-text", value: state.text, oninput: (event) => { state.text = event.target.value; refresh(); } })),
    select("Verdict", "word", [["", "all"], ...words.map((name) => [name, name])]),
    select("Environment", "environment", kindsOf("environment")), select("Model", "model", kindsOf("model")), select("Dataset", "dataset", kindsOf("dataset")),
    DOC.runs.length > 1 ? select("Run", "run", [["", "all"], ...DOC.runs.map((run, index) => [String(index), run.name])]) : null,
    references.length ? select("Ratio to", "reference", [["", compared ? "the run before" : "an earlier version"], ...references]) : null,
    h("button", { type: "button", onclick: () => download("cells.csv", "text/csv", csv(tableRows())) }, "CSV"));
}
function wordOf(index) {
  const verdict = verdictOn(index, state.reference);
  return CELLS[index].status !== "measured" ? CELLS[index].status : verdict ? verdict.word : "measured";
}

const COLUMNS = [
  ["cell", "Cell", (index) => labelOf(CELLS[index])],
  ["importance", "Verdict", (index) => RANK.indexOf(wordOf(index)) * 1000 - Math.min(999, Math.abs(Math.log((verdictOn(index, state.reference) || {}).ratio || 1)) * 100)],
  ["ratio", "Ratio", (index) => (verdictOn(index, state.reference) || {}).ratio],
  ["seconds", "Epoch", (index) => CELLS[index].summary.epoch_seconds],
  ["images", "Images/s", (index) => CELLS[index].summary.images_per_second],
  ["accuracy", "Accuracy", (index) => CELLS[index].summary.accuracy],
  ["memory", "Memory", (index) => CELLS[index].summary.peak_bytes],
  ["phases", "Phases", (index) => (CELLS[index].summary.phases || {}).epochs],
];

function chosen() {
  const text = state.text.toLowerCase();
  const found = CELLS.map((_, index) => index).filter((index) => {
    const cell = CELLS[index];
    const same = ["environment", "model", "dataset"].every((name) => !state[name] || cell[name] === state[name]);
    const inRun = !state.run || String(cell.run) === state.run || (wordOf(index) === "missing");
    return same && inRun && (!state.word || wordOf(index) === state.word) && `${cell.name} ${labelOf(cell)}`.toLowerCase().includes(text);
  });
  const value = COLUMNS.find(([name]) => name === state.sort)[2];
  const keyed = found.map((index) => [value(index), index]);
  keyed.sort(([a, i], [b, j]) => {
    if (!some(a) || !some(b)) return some(a) - some(b) ? some(b) - some(a) : i - j;
    return (a < b ? -1 : a > b ? 1 : 0) * (state.down ? -1 : 1) || i - j;
  });
  return keyed.map(([, index]) => index);
}

function cellTable() {
  const found = chosen(), head = (name, title) => h("th", { scope: "col", "aria-sort": state.sort === name ? (state.down ? "descending" : "ascending") : "none" },
    h("button", { type: "button", onclick: () => { state.down = state.sort === name && !state.down; state.sort = name; refresh(`[data-sort="${name}"]`); }, "data-sort": name }, title));
  const more = found.length > state.shown ? h("p", {}, h("button", { type: "button", id: "more", onclick: () => { state.shown += 400; refresh("#more"); } }, `Show more of ${found.length - state.shown}`)) : null;
  return [h("p", { class: "quiet", "aria-live": "polite" }, `${found.length} of ${CELLS.length} rows`), h("table", { class: "cells" },
    h("thead", {}, h("tr", {}, COLUMNS.map(([name, title]) => head(name, title)))), h("tbody", {}, found.slice(0, state.shown).map(tableRow))), more];
}

function tableRow(index) {
  const cell = CELLS[index], summary = cell.summary, verdict = verdictOn(index, state.reference);
  const td = (label, ...content) => h("td", { "data-label": label }, h("span", {}, content));
  const interval = summary.accuracy_interval ? h("small", {}, h("br"), `${percent(summary.accuracy_interval[0])} to ${percent(summary.accuracy_interval[1])}`) : null;
  return h("tr", {}, h("td", {}, cellLink(index), cell.study ? h("small", {}, ` ${cell.study}`) : null),
    td("Verdict", word(wordOf(index)), verdict && verdict.why ? h("small", {}, h("br"), verdict.why.slice(0, 120)) : cell.reason ? h("small", {}, h("br"), cell.reason.slice(0, 120)) : null),
    td("Ratio", verdict && some(verdict.ratio) ? [intervalFigure(verdict), h("small", {}, h("br"), `${isSpeed(verdict) ? "" : `${verdict.metric} `}${ratioText(verdict)}`)] : "–"),
    td("Epoch", seconds(summary.epoch_seconds)), td("Images/s", count(summary.images_per_second)), td("Accuracy", percent(summary.accuracy), interval),
    td("Memory", bytes(summary.peak_bytes)), td("Phases", Object.keys(summary.phases || {}).length ? phaseBar(summary.phases, 110) : "–"));
}

function tableRows() {
  const rows = [["cell", "purpose", "run", "verdict", "ratio", "ratio low", "ratio high", "epoch seconds", "images per second", "accuracy", "accuracy low", "accuracy high", "peak bytes"]];
  for (const index of chosen()) {
    const cell = CELLS[index], verdict = verdictOn(index, state.reference) || {}, summary = cell.summary;
    rows.push([cell.id, cell.purpose, DOC.runs[cell.run].name, wordOf(index), verdict.ratio, ...(verdict.interval || [null, null]), summary.epoch_seconds, summary.images_per_second, summary.accuracy, ...(summary.accuracy_interval || [null, null]), summary.peak_bytes]);
  }
  return rows;
}

function refresh(focus) {
  document.getElementById("cells").replaceChildren(...[cellTable()].flat(Infinity).filter(Boolean));
  if (focus) (document.querySelector(focus) || document.getElementById("main")).focus();
}
