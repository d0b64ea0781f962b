"use strict";
/* A cell, the frameworks on the same work, upgrades, the studies' tables; and which of them is shown. */
const main = document.getElementById("main");
const chartWidth = () => Math.min(660, main.clientWidth - (main.clientWidth > 1250 ? main.clientWidth / 2 + 50 : 60));

function cellView(index) {
  const cell = CELLS[index], training = cell.purpose === "training", lines = (measure) => cell.processes.map((process, k) => ({ name: `process ${process.process ?? k + 1}`, values: process.epochs[measure] || [] }));
  const bothSplits = (measure) => lines(`test_${measure}`).flatMap((one, k) => [{ ...one, name: `${one.name}, test`, colour: colour(k), dash: "", marker: k }, { name: `${one.name}, train`, values: lines(`train_${measure}`)[k].values, colour: colour(k), dash: "6 4", marker: k }]);
  const judgedOnTrain = lines("train_accuracy").some((one) => one.values.length > 0);
  const width = chartWidth(), unit = cell.purpose === "benchmark" ? "round" : "epoch";
  return [h("p", {}, h("a", { href: "#/" }, "All cells")), h("h1", {}, labelOf(cell)), facts(cell, index),
    h("h2", {}, cell.purpose === "benchmark" ? "Rounds" : "Epochs and time"),
    cell.processes.length ? h("div", { class: "grid" },
      lineFigure({ title: `Seconds of each ${unit}`, note: training ? "The first epoch is warm-up: shown, not in the sample." : "", x: unit, warm: cell.purpose !== "benchmark", zero: true, width, alt: `Seconds of each ${unit} of ${cell.processes.length} processes of ${labelOf(cell)}` }, lines("seconds")),
      training ? lineFigure({ title: "Accuracy", x: "epoch", unit: true, width, note: judgedOnTrain ? "Solid: test. Dashed: train, after the epoch." : "On the test split.", alt: `Accuracy after each epoch of ${labelOf(cell)}` },
        judgedOnTrain ? bothSplits("accuracy") : lines("test_accuracy")) : null,
      training ? lineFigure({ title: "Loss", x: "epoch", width, note: "Solid: test. Dashed: train, the mean over the epoch's batches.", alt: `Loss on train and test split after each epoch of ${labelOf(cell)}` },
        bothSplits("loss")) : null,
      phases(cell)) : h("p", {}, "Nothing of it was measured."),
    h("h2", {}, "Predictions"), predictions(cell), h("h2", {}, "Environment"), environment(cell, index), h("h2", {}, "Again"), again(cell)];
}

function facts(cell, index) {
  const own = DOC.verdicts.filter((verdict) => verdict.current === index || (verdict.current === null && verdict.baseline === index));
  const summary = cell.summary, pair = (name, value) => (value ? [h("dt", {}, name), h("dd", {}, value)] : []);
  const among = DOC.comparisons.findIndex((comparison) => comparison.cells.includes(index));
  return h("dl", {},
    cell.status !== "measured" ? pair("state", [word(cell.status), ` ${cell.reason}`]) : [],
    own.map((verdict) => pair(`${verdict.metric}, ${verdict.kind === "step" ? `against ${CELLS[verdict.baseline].environment}` : `against ${verdict.baseline === null ? "the run before" : DOC.runs[CELLS[verdict.baseline].run].name}`}`,
      [word(verdict.word), ` ${verdict.why}${some(verdict.ratio) ? `; ${ratioText(verdict)}` : ""}`, some(verdict.p_adjusted) ? `, p ${chance(verdict.p_adjusted)}` : "", verdict.test ? `, ${verdict.test}` : "", verdict.detectable && verdict.scale === "log" ? `; a shift of ${percent(verdict.detectable - 1)} could have been seen` : ""])),
    pair("epoch", some(summary.epoch_seconds) && `${seconds(summary.epoch_seconds)}${summary.epoch_seconds_interval ? ` (95 % interval over ${cell.processes.length} processes: ${seconds(summary.epoch_seconds_interval[0])} to ${seconds(summary.epoch_seconds_interval[1])})` : ""}`),
    pair("images per second", some(summary.images_per_second) && count(summary.images_per_second)),
    pair("accuracy", some(summary.accuracy) && `${percent(summary.accuracy, 2)}${summary.accuracy_interval ? ` (Wilson interval at ${cell.labels.rows} rows: ${percent(summary.accuracy_interval[0], 2)} to ${percent(summary.accuracy_interval[1], 2)})` : ""}, mean of ${cell.processes.length} processes after the last epoch`),
    pair("peak memory", some(summary.peak_bytes) && bytes(summary.peak_bytes)), pair("run", DOC.runs[cell.run].name), pair("study", cell.study),
    among >= 0 ? pair("compare", h("a", { href: `#/works/${among}` }, "this work in other environments")) : [],
    cell.complete === false ? pair("data", "a part of the published dataset") : [],
    pair("disturbed", cell.processes.filter((process) => process.disturbed).map((process) => `process ${process.process}: ${process.disturbed}`).join("; ")));
}

function phases(cell) {
  const shares = cell.summary.phases || {}, ends = cell.summary.phases_interval, names = Object.keys(shares).sort((a, b) => shares[b] - shares[a]);
  const time = (name) => cell.processes.reduce((sum, process) => sum + (name === "remainder" ? process.remainder_seconds : process.phases[name] || 0), 0) / cell.processes.length;
  if (!names.length) return h("figure", {}, h("h3", {}, "Where the time went"), h("p", { class: "quiet" }, "Phases: not recorded."));
  return h("figure", {}, h("h3", {}, "Where the time went"), h("figcaption", {}, `Of ${cell.processes.length} processes, from start to end: ${seconds(cell.summary.wall_seconds)} in all. Shares and times: means over them. Remainder: what no phase has.`), phaseBar(shares, chartWidth()),
    h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Phase"), h("th", { scope: "col", class: "number" }, "Share"), ends ? h("th", { scope: "col", class: "number" }, "95 % interval") : null, h("th", { scope: "col", class: "number" }, "Time"))),
      h("tbody", {}, names.map((name) => h("tr", {}, h("td", {}, h("svg", { width: 12, height: 12, "aria-hidden": "true" }, h("rect", { width: 12, height: 12, fill: phaseColour(name) })), ` ${name}`), h("td", { class: "number" }, percent(shares[name])), ends ? h("td", { class: "number" }, `${percent(ends[name][0])} to ${percent(ends[name][1])}`) : null, h("td", { class: "number" }, seconds(time(name))))))));
}

function scrolled(label, content) {
  return h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": label }, content);
}

function predictions(cell) {
  const found = cell.labels;
  if (!found) return h("p", { class: "quiet" }, `Confusion matrix and classification report are missing: ${cell.labels_missing || "no labels were kept"}.`);
  const sums = found.confusion.map((row) => row.reduce((sum, value) => sum + value, 0)), small = found.classes.length <= 20;
  const shade = (share) => `background: rgba(var(--heat), ${(0.4 * share).toFixed(3)})`;
  const matrix = h("table", { class: "matrix" }, h("caption", {}, "Normalised confusion matrix: of the rows that are truly of one class, the percentage that was predicted as each. Rows: true. Columns: predicted."),
    h("thead", {}, h("tr", {}, h("td", {}), found.classes.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, found.confusion.map((row, k) => h("tr", {}, h("th", { scope: "row" }, found.classes[k]),
      row.map((value, n) => h("td", { style: value ? shade(value / sums[k]) : null, title: `${value} of ${sums[k]}` }, value ? (100 * value / sums[k]).toFixed(small ? 1 : 0) : "·"))))));
  const report = h("table", {}, h("caption", {}, "Classification report (scikit-learn)"), h("thead", {}, h("tr", {}, ["Class", "Precision", "Recall", "F1", "Support"].map((name, k) => h("th", { scope: "col", class: k ? "number" : null }, name)))),
    h("tbody", {}, found.classes.map((name, k) => h("tr", {}, h("th", { scope: "row" }, name), ["precision", "recall", "f1"].map((score) => h("td", { class: "number" }, found.report[score][k].toFixed(3))), h("td", { class: "number" }, found.report.support[k]))),
      h("tr", {}, h("th", { scope: "row" }, "weighted mean"), ["precision", "recall", "f1"].map((score) => h("td", { class: "number" }, found.weighted[score].toFixed(3))), h("td", { class: "number" }, found.rows))));
  const save = (name, rows) => h("div", { class: "save" }, h("button", { type: "button", "aria-label": `Save ${name} as CSV`, onclick: () => download(`${name.replaceAll(" ", "-")}.csv`, "text/csv", csv(rows)) }, "CSV"));
  return [h("p", { class: "quiet" }, `After the last epoch of process ${cell.processes[0].process}, seed ${cell.processes[0].seed}.`), h("div", { class: "grid" },
    h("div", {}, scrolled("Confusion matrix", matrix), save("confusion matrix", [["true \\ predicted", ...found.classes], ...found.confusion.map((row, k) => [found.classes[k], ...row])])),
    h("div", {}, scrolled("Classification report", report), save("classification report", [["class", "precision", "recall", "f1", "support"], ...found.classes.map((name, k) => [name, ...["precision", "recall", "f1", "support"].map((score) => found.report[score][k])])])))];
}

function environment(cell, index) {
  const verdict = DOC.verdicts.find((one) => one.current === index && one.baseline !== null);
  const before = verdict && CELLS[verdict.baseline], own = DOC.packages[cell.packages] || {}, about = cell.about;
  const list = (rows) => h("table", {}, h("tbody", {}, rows.map(([name, ...values]) => h("tr", {}, h("th", { scope: "row" }, name), values.map((value) => h("td", {}, value))))));
  const text = (value) => (typeof value === "string" ? value : JSON.stringify(value));
  return [h("dl", {}, [["environment", cell.environment], ["built as", cell.packages], ["framework", `${cell.framework} ${about.version || ""}`], ["machine", DOC.runs[cell.run].machine], ["data fingerprint", cell.fingerprint]].filter(([, value]) => value && value.trim()).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    before ? differences(cell, before) : h("p", { class: "quiet" }, "No baseline: nothing to differ from."),
    Object.keys(own).length ? h("details", {}, h("summary", {}, `Lock: ${Object.keys(own).length} packages`), list(Object.entries(own))) : h("p", { class: "quiet" }, cell.packages ? "Its lock is gone: the environment was pruned since." : "No lock was recorded."),
    Object.keys(about).length ? h("details", {}, h("summary", {}, "What the worker said about itself, and its settings"), list([...Object.entries(about), ...Object.entries(cell.variables), ...Object.entries(cell.settings)].map(([name, value]) => [name, text(value)]))) : null];
}

function differences(cell, before) {
  const [old, now] = [before, cell].map((one) => ({ ...(DOC.packages[one.packages] || one.about.versions || {}), ...Object.fromEntries(Object.entries(one.settings).map(([k, v]) => [`setting ${k}`, JSON.stringify(v)])), ...Object.fromEntries(Object.entries(one.variables).map(([k, v]) => [`variable ${k}`, v])) }));
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])].filter((name) => old[name] !== now[name]).sort();
  const against = `${before.environment || before.id} of ${DOC.runs[before.run].name}`;
  if (!names.length) return h("p", {}, `Nothing recorded differs from the baseline's, ${against}: neither packages nor settings nor variables.`);
  return h("table", {}, h("caption", {}, `What differs from the baseline's, ${against}`), h("thead", {}, h("tr", {}, ["", "Baseline", "This"].map((name) => (name ? h("th", { scope: "col" }, name) : h("td", {}))))),
    h("tbody", {}, names.map((name) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, old[name] ?? "–"), h("td", {}, now[name] ?? "–")))));
}

function again(cell) {
  const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
  const worker = cell.processes.find((process) => process.directory);
  return [h("p", {}, "The whole cell:"), h("pre", {}, cell.purpose === "benchmark" ? `pytest ${quoted(cell.name)}` : `pytest ${quoted(`benchmarks/test_${cell.purpose}.py::test_${cell.purpose}[${cell.id}]`)}`),
    worker ? [h("p", {}, "One process of it alone, where it ran:"), h("pre", {}, `sh ${quoted(`${worker.directory}/repeat.sh`)}`)] : null];
}

const show = () => {
  const [, page, number] = location.hash.split("/");
  const found = { cell: CELLS[number] && (() => cellView(Number(number))), works: DOC.comparisons[number] ? () => workView(DOC.comparisons[number]) : worksView, upgrades: upgradesView, tables: tablesView }[page] || overview;
  const current = { cell: "" }[page] ?? page ?? "";
  document.getElementById("pages").replaceChildren(...[["", "Cells"], ["works", "Frameworks"], ["upgrades", "Upgrades"], ["tables", "Tables"]].map(([name, text]) =>
    h("li", {}, h("a", { href: `#/${name}`, "aria-current": (current || "") === name ? "page" : null }, text))));
  main.replaceChildren(...[found()].flat(Infinity).filter(Boolean));
  document.title = `${main.querySelector("h1").textContent} · Framegate`;
};

addEventListener("hashchange", () => { show(); main.focus(); scrollTo(0, 0); });
addEventListener("DOMContentLoaded", () => {
  const root = document.documentElement, button = document.getElementById("theme"), dark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const name = () => { button.textContent = dark() ? "Light" : "Dark"; button.setAttribute("aria-label", `${button.textContent} theme`); };
  button.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; name(); });
  name();
  show();
});
