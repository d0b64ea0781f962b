"use strict";
/* The same work in several environments; upgrades; the tables of study 000. */
const workName = (comparison) => `${comparison.work}${comparison.purpose === "training" ? "" : ` (${comparison.purpose})`}${DOC.runs.length > 1 ? `, ${DOC.runs[comparison.run].name}` : ""}`;

function worksView() {
  const works = DOC.comparisons;
  if (!works.length) return [h("h1", {}, "Frameworks side by side"), h("p", {}, "No work was measured in more than one environment.")];
  const one = (comparison, k) => {
    const cells = comparison.cells.map((index) => CELLS[index]).filter((cell) => some(cell.summary.epoch_seconds)).sort((a, b) => a.summary.epoch_seconds - b.summary.epoch_seconds);
    return h("tr", {}, h("td", {}, h("a", { href: `#/works/${k}` }, workName(comparison))), h("td", { "data-label": "Environments" }, String(cells.length)),
      h("td", { "data-label": "Fastest" }, cells.length ? `${cells[0].environment} ${seconds(cells[0].summary.epoch_seconds)}` : "–"), h("td", { "data-label": "Slowest" }, cells.length ? `${cells.at(-1).environment} ${seconds(cells.at(-1).summary.epoch_seconds)}` : "–"));
  };
  return [h("h1", {}, "Frameworks side by side"), h("p", { class: "quiet" }, "Each work (model, dataset, batch size) that was measured in several environments."),
    h("table", { class: "cells" }, h("thead", {}, h("tr", {}, ["Work", "Environments", "Fastest", "Slowest"].map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, works.map(one)))];
}

function workView(comparison) {
  const cells = comparison.cells.map((index) => CELLS[index]), width = chartWidth(), name = workName(comparison);
  const mean = (cell, measure) => {
    const series = cell.processes.map((process) => process.epochs[measure]).filter(Boolean);
    const length = Math.min(...series.map((values) => values.length));
    return Number.isFinite(length) ? Array.from({ length }, (_, k) => series.every((values) => some(values[k])) ? series.reduce((sum, values) => sum + values[k], 0) / series.length : null) : [];
  };
  const curve = (title, measure, options) => lineFigure({ title, x: "epoch", width, alt: `${title} against epochs of ${cells.length} environments, ${name}`, note: "Mean over the processes.", ...options }, cells.map((cell) => ({ name: cell.environment, values: mean(cell, measure) })));
  const training = comparison.purpose === "training";
  return [h("p", {}, h("a", { href: "#/works" }, "All works")), h("h1", {}, name), h("h2", {}, "Time and accuracy"),
    h("div", { class: "grid" },
      barFigure({ title: "Seconds of an epoch", note: "With 95 % intervals over the processes.", width, alt: `Seconds of an epoch by environment, ${name}` }, cells.map((cell) => ({ name: cell.environment, value: cell.summary.epoch_seconds, interval: cell.summary.epoch_seconds_interval, text: seconds(cell.summary.epoch_seconds) }))),
      training ? barFigure({ title: "Accuracy", note: "With Wilson's 95 % intervals.", width, alt: `Test accuracy by environment, ${name}` }, cells.map((cell) => ({ name: cell.environment, value: cell.summary.accuracy, interval: cell.summary.accuracy_interval, text: percent(cell.summary.accuracy) }))) : null,
      training ? curve("Test accuracy", "test_accuracy", { unit: true }) : null, training ? curve("Test loss", "test_loss") : null),
    h("h2", {}, "Pairs, with valid tests"), h("p", { class: "quiet" }, "One value a process. Time: ratio of the second to the first. Accuracy: difference in points; the same seeds are paired."), pairTable(comparison),
    training ? [h("h2", {}, "Predicted labels"), h("p", { class: "quiet" }, "Process 1 of each, on the same rows. McNemar: are both right equally often? Association and kappa: how much do their answers have to do with one another?"), labelTable(comparison),
      h("h2", {}, "The studies' t-tests"), h("p", { class: "quiet" }, "Two-sample t-tests over the epochs of one run, as study 000 printed them. Not valid: the epochs of one run depend on one another and share its seed. The tests above are the valid ones."), studyTable(comparison)] : null];
}

const plainTable = (label, names, rows) => scrolled(label, h("table", {}, h("thead", {}, h("tr", {}, names.map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, rows.map((row) => h("tr", {}, row.map((value) => h("td", {}, value)))))));
const pairNames = (pair) => [CELLS[pair.a].environment, CELLS[pair.b].environment].map((name, k) => h("a", { href: `#/cell/${k ? pair.b : pair.a}` }, name));

function pairTable(comparison) {
  const cellsOf = (verdict) => (verdict ? [[word(verdict.word), h("br"), h("small", {}, verdict.why)], [intervalFigure(verdict), h("br"), h("small", {}, ratioText(verdict))], chance(verdict.p_adjusted)] : ["–", "–", "–"]);
  const names = ["First", "Second", "Time", "Ratio", "p"], training = comparison.purpose === "training";
  return plainTable("Pairs of environments", training ? [...names, "Accuracy", "Difference", "p"] : names, comparison.pairs.map((pair) => [...pairNames(pair), ...cellsOf(pair.seconds), ...(training ? cellsOf(pair.accuracy) : [])]));
}

function labelTable(comparison) {
  return plainTable("Predicted labels", ["First", "Second", "McNemar", "p", "Association χ²", "p", "Cohen's κ", "Same answer"], comparison.pairs.map((pair) => [...pairNames(pair),
    ...(pair.labels ? [`${pair.labels.mcnemar.name.replace("McNemar ", "")} ${number(pair.labels.mcnemar.statistic)}`, chance(pair.labels.mcnemar.p), `${number(pair.labels.association.statistic, 4)}, df ${number(pair.labels.association.df)}`, chance(pair.labels.association.p), number(pair.labels.kappa), percent(pair.labels.agreement)] : ["missing", "–", "–", "–", "–", "–"])]));
}

function studyTable(comparison) {
  const measures = ["accuracy", "loss", "seconds"];
  return plainTable("The studies' t-tests", ["First", "Second", ...measures.flatMap((name) => [`t (${name})`, "p"])], comparison.pairs.map((pair) => [...pairNames(pair),
    ...measures.flatMap((name) => (pair.studies[name] ? [`${number(pair.studies[name].statistic, 4)}, df ${number(pair.studies[name].df)}`, chance(pair.studies[name].p)] : ["–", "–"]))]));
}

function upgradesView() {
  const steps = DOC.verdicts.filter((verdict) => verdict.kind === "step" || (verdict.kind === "run" && DOC.runs.length > 2));
  const row = (step) => {
    const [a, b] = [CELLS[step.baseline], CELLS[step.current]], cell = b || a;
    const from = step.kind === "step" ? `${a.environment} → ${b.environment}` : `${DOC.runs[(a || b).run - (a ? 0 : 1)].name} → ${DOC.runs[b ? b.run : a.run + 1].name}`;
    return h("tr", {}, h("td", {}, h("a", { href: `#/cell/${b ? step.current : step.baseline}` }, cell ? (step.kind === "step" ? labelOf(cell).slice(cell.environment.length + 1) : labelOf(cell)) : step.name)), h("td", { "data-label": "Step" }, from),
      h("td", { "data-label": "Verdict" }, h("span", {}, word(step.word), h("small", {}, h("br"), step.why))), h("td", { "data-label": "Ratio" }, h("span", {}, intervalFigure(step), h("small", {}, h("br"), ratioText(step)))));
  };
  const ordered = [...steps].filter((step) => CELLS[step.baseline] || CELLS[step.current]).sort((a, b) => RANK.indexOf(a.word) - RANK.indexOf(b.word));
  return [h("h1", {}, "Upgrades"), h("p", { class: "quiet" }, "Each step from one version of a framework to the next, on the same work; or from one run to the next. The shifts come first."),
    ordered.length ? h("table", { class: "cells" }, h("thead", {}, h("tr", {}, ["Work", "Step", "Verdict", "Ratio"].map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, ordered.map(row)))
      : h("p", {}, "No framework was measured in two versions, and fewer than three runs were given: framegate report FIRST SECOND THIRD shows which step brought a shift.")];
}

/** Study 000's Table 1 (scores) and Table 2 (training time), of each dataset of the newest run. */
function tablesView() {
  const cells = CELLS.map((cell, index) => [cell, index]).filter(([cell]) => cell.run === DOC.runs.length - 1 && cell.purpose === "training" && cell.status === "measured");
  const datasets = [...new Set(cells.map(([cell]) => cell.dataset))];
  if (!cells.length) return [h("h1", {}, "Tables of the studies"), h("p", {}, "No cell was trained in this run.")];
  const total = (cell) => cell.processes[0].epochs.seconds.reduce((sum, value) => sum + value, 0), last = (values) => (values ? values.at(-1) : null);
  return [h("h1", {}, "Tables of the studies"), h("p", { class: "quiet" }, "Study 000's Table 1 (scores on the test split) and Table 2 (time to train), regenerated from this run: process 1 of each cell. Precision, recall and F1 are means weighted by support. The study compared totals of unequal epochs; here the epochs stand beside them. The first epoch, which is warm-up elsewhere, is in the total, as it was there."),
    datasets.map((dataset) => {
      const own = cells.filter(([cell]) => cell.dataset === dataset).sort(([a], [b]) => a.model.localeCompare(b.model) || a.environment.localeCompare(b.environment));
      const scores = own.map(([cell, index]) => [cell.model, h("a", { href: `#/cell/${index}` }, cell.environment), percent(last(cell.processes[0].epochs.test_accuracy), 2), ...["precision", "recall", "f1"].map((name) => (cell.labels ? percent(cell.labels.weighted[name], 2) : "missing")), number(last(cell.processes[0].epochs.test_loss), 4)]);
      const times = own.map(([cell, index]) => [cell.model, h("a", { href: `#/cell/${index}` }, cell.environment), seconds(total(cell)), String(cell.processes[0].epochs.seconds.length), seconds(total(cell) / cell.processes[0].epochs.seconds.length)]);
      const section = (title, names, rows) => h("div", {}, h("h3", {}, title), plainTable(`${title}, ${dataset}`, names, rows), h("div", { class: "save" }, h("button", { type: "button", "aria-label": `Save ${title}, ${dataset}, as CSV`, onclick: () => download(`${dataset}.csv`, "text/csv", csv([names, ...rows.map((row) => row.map((value) => (value.textContent ?? value)))])) }, "CSV")));
      return [h("h2", {}, dataset), h("div", { class: "grid" }, section("Table 1: scores", ["Model", "Environment", "Accuracy", "Precision", "Recall", "F1", "Test loss"], scores), section("Table 2: time to train", ["Model", "Environment", "Total", "Epochs", "Seconds an epoch"], times))];
    })];
}
