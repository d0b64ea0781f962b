"""Prints what stored runs say of the studies' experiments, as docs/reproducing-the-studies.md shows it:

    nox -s studies [-- RUN ...]              accuracy and seconds, and the shares of the phases where there are several processes
    nox -s studies -- --steps CELL [...]     instead, the seconds of a training step of cells that are too slow to be run here

Without RUN all runs of the suite; of an experiment that was run twice in an environment the later one counts. Accuracy and loss are
of the test split after the last epoch, means over the processes, with Wilson's interval at its rows; seconds are of a warm epoch.
"""

import argparse
import math
import re
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from framegate.reporting import describe
from framegate.runner.declarations import load
from framegate.runner.driver import run_alone
from framegate.runner.journal import Record, runs
from framegate.runner.matrix import read_matrix
from framegate.runner.run import launch_outside
from framegate.stats.verdict import DEFAULT_POLICY
from framegate.stored import stored_run

ROOT = Path(__file__).parents[2]
STEPS = 2  # that are timed of a slow cell, after a first one: each an epoch of one batch
STUDY = re.compile(r"/b\d+/([A-Z]\d(?:-[A-Z]\d)?(?:/.+)?)$")  # of a cell's id: experiment, and variant if there is one

Entry = Mapping[str, Any]


def studied_cells(store: Path, names: Sequence[str]) -> dict[tuple[str, str], Entry]:
    """Return the training cells that repeat an experiment, by that and their environment; store: the suite's .framegate."""
    found = {}
    for name in names:
        files = stored_run(name, store / "journal")
        if not files[0].content["benchmarks"] and not files[0].lost:
            continue
        for cell in describe([(name, files)], ["seconds"], lambda keys: DEFAULT_POLICY, store)["cells"]:
            experiment = STUDY.search(cell["id"])
            if experiment and cell["purpose"] == "training":
                found[experiment[1], cell["environment"]] = cell
    return dict(sorted(found.items()))


def result(cell: Entry) -> str:
    """Return what was measured of one cell: "tensorflow-2.21: .9846 (.982 to .987), loss .0521, 20 x 3.1 s"."""
    if cell["status"] != "measured":
        return f"{cell['environment']}: {cell['status']}, {cell['reason'].partition(';')[0]}"
    summary, epochs = cell["summary"], [process["epochs"] for process in cell["processes"]]
    last = {
        measure: np.mean([own[measure][-1] for own in epochs]) for measure in epochs[0] if measure.endswith("_accuracy")
    }
    words = share(summary["accuracy"], 4)
    if ends := summary.get("accuracy_interval"):
        words += f" ({share(ends[0], 3)} to {share(ends[1], 3)})"
    if "train_accuracy" in last:
        words += f", train {share(last['train_accuracy'], 3)}"
    words += f", loss {np.mean([own['test_loss'][-1] for own in epochs]):.3g}"
    words += f", {len(epochs[0]['seconds'])} x {summary['epoch_seconds']:.3g} s"
    return f"{cell['environment']}: {words}" + f", {len(epochs)} processes" * (len(epochs) > 1)


def share(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".removeprefix("0")


def result_rows(cells: Mapping[tuple[str, str], Entry]) -> Iterator[str]:
    """Yield a row an experiment: which data, and the result in each environment."""
    for experiment in dict.fromkeys(experiment for experiment, _ in cells):
        own = [cell for (one, _), cell in cells.items() if one == experiment]
        data = {cell["complete"] for cell in own}
        words = "part" if False in data else "whole" if True in data else "-"
        yield f"| {experiment} | {words} | {'<br>'.join(map(result, own))} |"


def phase_rows(cells: Mapping[tuple[str, str], Entry]) -> Iterator[str]:
    """Yield, for each experiment of several processes, a table: a row a phase, a column an environment."""
    repeated = {place: cell for place, cell in cells.items() if "phases_interval" in cell["summary"]}
    for experiment in dict.fromkeys(experiment for experiment, _ in repeated):
        own = {place[1]: cell["summary"] for place, cell in repeated.items() if place[0] == experiment}
        yield from ("", f"| {experiment} | {' | '.join(own)} |", "|---" * (len(own) + 1) + "|")
        for phase in dict.fromkeys(phase for summary in own.values() for phase in summary["phases"]):
            yield f"| {phase} | {' | '.join(interval(summary, phase) for summary in own.values())} |"


def interval(summary: Entry, phase: str) -> str:
    if phase not in summary["phases"]:
        return ""
    low, high = summary["phases_interval"][phase]
    return f"{summary['phases'][phase]:.1%} ({low:.1%} to {high:.1%})"


def step_line(name: str) -> str:
    """Return how long a step of a cell takes, and thus an epoch: the mean of two warm ones in one process."""
    environments = load(ROOT / "environments")
    cells = {cell.id: cell for cell in read_matrix(ROOT / "matrix.toml", environments)}
    if (cell := cells.get(name)) is None:
        sys.exit(f"{name}: no such cell; pytest benchmarks -m nightly --collect-only -q lists them")
    events: list[Record] = []
    with tempfile.TemporaryDirectory() as folder:
        few = {"epochs": STEPS + 1, "rows": [cell.batch_size] * (STEPS + 1), "test_rows": cell.batch_size}
        few["train_accuracy"] = False
        launch = launch_outside(cell, environments[cell.environment], ROOT, Path(folder, "process"), **few)
        run_alone(launch, events.append)
    dataset = launch.job["dataset"]
    rows = len(np.load(dataset["files"]["train_labels"], mmap_mode="r")) // dataset["variants"]
    steps = math.ceil(rows / cell.batch_size)
    seconds = statistics.mean(event["seconds"] for event in events if event["event"] == "epoch" and event["number"] > 1)
    return (
        f"{name}: {seconds:.3g} s a step, {steps} steps an epoch: {seconds * steps / 60:.1f} min, {cell.epochs} epochs"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", metavar="RUN", help="see framegate runs; default: all")
    parser.add_argument("--steps", nargs="+", metavar="CELL", help="time a few steps of these instead")
    options, store = parser.parse_args(), ROOT / ".framegate"
    if options.steps:
        for name in options.steps:
            print(step_line(name), flush=True)
        return
    cells = studied_cells(store, options.runs or runs(store / "journal"))
    for line in ("| id | data | ours |", "|---|---|---|", *result_rows(cells), *phase_rows(cells)):
        print(line)


if __name__ == "__main__":
    main()
