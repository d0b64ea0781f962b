"""Records the bank of real epoch series on which benchmarks/harness/power.py tries the rules.

Run it where nothing else runs: `python -m benchmarks.harness.record_bank`. Each cell is trained in fresh processes, process
1 of every cell, then process 2, ..., so that a drift of the machine hits all cells alike; then the same code in pairs of
processes that alternate epoch by epoch, and right before each pair in two processes one after the other, so that both ways of
comparing meet the same machine. Every series is written as soon as it is finished: started again, it goes on.
The accuracies of all seeds come with them; `--accuracy` prints them, the evidence for docs/floors.md.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from framegate.runner.cell import Cell
from framegate.runner.declarations import load
from framegate.runner.driver import Event, run_alone, run_alternating
from framegate.runner.jobs import Launch
from framegate.runner.matrix import read_matrix
from framegate.runner.run import launch_outside, machine

from .noise import BANK

ROOT = Path(__file__).parents[2]
ALTERNATED = (
    "tensorflow-2.21/lenet",
    "mxnet-1.9/lenet",
    "keras-tensorflow-2.21/lenet",
    "mxnet-1.9/dense",
    "scikit-learn-1.9/dense",
    "pytorch-2.13/lenet",
)
Series = list[float]
LaunchOf = Callable[[Cell, int, Path], Launch]


@dataclass(frozen=True)
class Plan:
    """What is to be recorded: counts of whole processes and pairs, epochs with the warm-up."""

    bank: Path
    cells: tuple[Cell, ...]
    alternated: tuple[Cell, ...]
    processes: int
    epochs: int
    pairs: int
    pair_epochs: int


def bank_file(bank: Path, cell: Cell) -> Path:
    """Return the path of a cell's file."""
    return bank / f"{cell.id.replace('/', '--')}.json"


def read_recorded(bank: Path, cell: Cell) -> dict[str, Any]:
    """Return what the bank holds of a cell; for a new one the frame. Another machine's bank is not mixed with ours."""
    here = machine()
    words = f"{here['processor']}, {here['processors']} processors, {here['system']}"
    path = bank_file(bank, cell)
    if not path.exists():
        return {"cell": cell.id, "machine": words, "date": "", "processes": [], "accuracy": [], "pairs": []}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if found["machine"] != words:
        raise SystemExit(f"{path}: recorded on {found['machine']}; this is {words}; move the folder or use --bank DIR")
    return found


def write_recorded(bank: Path, cell: Cell, recorded: dict[str, Any]) -> None:
    """Write a cell's file in one step, so that a kill leaves the old or the new one."""
    recorded["date"] = datetime.now(UTC).isoformat(timespec="seconds")
    path = bank_file(bank, cell)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".tmp")
    scratch.write_text(json.dumps(recorded, separators=(",", ":")) + "\n", encoding="utf-8")
    scratch.replace(path)


def rounded(values: Sequence[float]) -> Series:
    """Return the values with six significant digits, more than any clock here can tell."""
    return [float(f"{value:.6g}") for value in values]


def launcher() -> LaunchOf:
    """Return what makes the launch of a cell's process in a folder; environments are built on first use."""
    environments = load(ROOT / "environments")
    return lambda cell, process, directory: launch_outside(
        cell, environments[cell.environment], ROOT, directory, process
    )


def record_process(cell: Cell, number: int, launch: LaunchOf) -> tuple[Series, Series]:
    """Return the seconds and the test accuracy of each epoch of one process that runs alone."""
    events: list[Event] = []
    with TemporaryDirectory() as folder:
        run_alone(launch(cell, number, Path(folder)), events.append)
    epochs = [event for event in events if event["event"] == "epoch"]
    return rounded([epoch["seconds"] for epoch in epochs]), rounded([epoch["test_accuracy"] for epoch in epochs])


def record_pair(cell: Cell, index: int, launch: LaunchOf) -> dict[str, Any]:
    """Return two processes of the same code and seed, one after the other, then two that alternate.

    index counts from 0; in odd pairs the other one of the two that alternate begins.
    """
    alone = [record_process(cell, index + 1, launch)[0] for _ in range(2)]
    seconds: tuple[Series, Series] = ([], [])

    def on_event(position: int, event: Event) -> None:
        if event["event"] == "epoch":
            seconds[position].append(event["seconds"])

    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        launches = (launch(cell, index + 1, Path(one)), launch(cell, index + 1, Path(other)))
        run_alternating(launches, on_event, cell.epochs)
    swapped = index % 2 == 1
    baseline, current = reversed(seconds) if swapped else seconds
    # The driver grants epochs A B, B A, A B, ... to the positions.
    first = [(epoch % 2 == 0) != swapped for epoch in range(cell.epochs)]
    return {"alone": alone, "baseline": rounded(baseline), "current": rounded(current), "baseline_first": first}


def record(plan: Plan, launch: LaunchOf) -> None:
    """Record all that the bank lacks."""
    for number in range(1, plan.processes + 1):
        for cell in plan.cells:
            recorded = read_recorded(plan.bank, cell)
            if len(recorded["processes"]) >= number:
                continue
            seconds, accuracy = record_process(replace(cell, epochs=plan.epochs), number, launch)
            recorded["processes"].append(seconds)
            recorded["accuracy"].append(accuracy)
            write_recorded(plan.bank, cell, recorded)
            print(f"process {number:2} of {plan.processes}: {cell.id} {sum(seconds):.2f} s", flush=True)
    for index in range(plan.pairs):
        for cell in plan.alternated:
            recorded = read_recorded(plan.bank, cell)
            if len(recorded["pairs"]) > index:
                continue
            pair = record_pair(replace(cell, epochs=plan.pair_epochs), index, launch)
            recorded["pairs"].append(pair)
            write_recorded(plan.bank, cell, recorded)
            print(f"pair {index + 1:2} of {plan.pairs}: {cell.id} {sum(pair['baseline']):.2f} s", flush=True)


def accuracy_lines(bank: Path, after: tuple[int, ...] = (3, 12)) -> list[str]:
    """Return a line a cell: the smallest accuracy that any seed had after these epochs."""
    lines = [f"{'seeds':>5} " + " ".join(f"{f'after {epochs}':>9}" for epochs in after) + "  smallest accuracy of"]
    for path in sorted(bank.glob("*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        series = found["accuracy"]
        worst = [min((seed[epochs - 1] for seed in series if len(seed) >= epochs), default=None) for epochs in after]
        columns = " ".join(f"{'-' if value is None else format(value, '.4f'):>9}" for value in worst)
        lines.append(f"{len(series):5} {columns}  {found['cell']}")
    return lines


def main() -> None:
    """Record what is missing and print the accuracies."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--bank", type=Path, default=BANK)
    options.add_argument(
        "--cells", nargs="*", default=[""], metavar="PART", help="parts of ids (default: all quick ones)"
    )
    options.add_argument("--alternated", nargs="*", default=ALTERNATED, metavar="PART", help="beginnings of ids")
    options.add_argument("--processes", type=int, default=20)
    options.add_argument("--epochs", type=int, default=12)
    options.add_argument("--pairs", type=int, default=40)
    options.add_argument("--pair-epochs", type=int, default=33, help="as many as a gate's pair has of quick cells")
    options.add_argument("--accuracy", action="store_true", help="record nothing, print the accuracies in the bank")
    asked = options.parse_args()
    if not asked.accuracy:
        known = read_matrix(ROOT / "matrix.toml", load(ROOT / "environments"))
        quick = [cell for cell in known if (cell.tier, cell.device) == ("quick", "cpu")]
        cells = tuple(cell for cell in quick if any(part in cell.id for part in asked.cells))
        alternated = tuple(cell for cell in cells if cell.id.startswith(tuple(asked.alternated)))
        counts = (asked.processes, asked.epochs, asked.pairs, asked.pair_epochs)
        record(Plan(asked.bank, cells, alternated, *counts), launcher())
    print("\n".join(accuracy_lines(asked.bank)))


if __name__ == "__main__":
    main()
