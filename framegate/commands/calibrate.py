"""framegate calibrate: measures unchanged code against itself, to say what this machine can tell apart."""

import argparse
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framegate.errors import FramegateError
from framegate.runner.cell import TRAINING, Cell
from framegate.runner.data import data_home
from framegate.runner.declarations import load
from framegate.runner.devices import gpu_reason
from framegate.runner.matrix import read_matrix
from framegate.runner.run import CellResult, Run, machine

if TYPE_CHECKING:
    from framegate.stats.calibration import Calibration

_DESCRIPTION = """Train cells of unchanged code again and again on this machine and compare them with themselves: how often
a shift is seen where there is none, the smallest shift that can be seen, and how many processes and epochs are worth their
time. The result goes to .framegate/calibration.json."""
FEWEST_PROCESSES = 10  # five against five


def add_to(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser("calibrate", help="measure what this machine can tell apart", description=_DESCRIPTION)
    parser.add_argument("parts", nargs="+", metavar="CELL", help="a cell's id, or a part of the ids of several")
    parser.add_argument("--processes", type=int, default=20, metavar="N", help="of each cell (default: 20)")
    parser.add_argument("--epochs", type=int, default=11, metavar="N", help="of each process, the warm-up included")
    parser.add_argument("--data-home", type=Path, metavar="DIR", help="datasets fetched by hand")
    parser.add_argument("--resume", nargs="?", const="latest", metavar="RUN", help="go on where RUN was cut short")
    parser.epilog = "example: framegate calibrate lenet --processes 20"
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Measure, print the table and save it; return 0."""
    if options.processes < FEWEST_PROCESSES or options.epochs < 2:
        raise FramegateError(
            f"{options.processes} processes of {options.epochs} epochs: wanted at least {FEWEST_PROCESSES} of 2"
        )
    environments = load(options.suite / "environments")
    cells = [
        replace(cell, processes=options.processes, epochs=options.epochs, reruns=0)
        for cell in chosen(read_matrix(options.suite / "matrix.toml", environments), options.parts)
    ]
    home = data_home(options.data_home)
    measured = Run(options.suite.resolve(), environments, data_home=home, resume=options.resume)
    try:
        found = [calibration_of(result) for result in measure(measured, cells)]
    finally:
        measured.close()
    print("\n".join(table(found)))
    path = options.suite / ".framegate" / "calibration.json"
    save(path, {one.name: asdict(one) for one in found})
    print(f"saved in {path}")
    return 0


def chosen(cells: Sequence[Cell], parts: Sequence[str]) -> list[Cell]:
    """Return the cells named; a part that names none, or a cell that cannot run here, is an error."""
    for part in parts:
        if not any(part in cell.id for cell in cells):
            raise FramegateError(f"no cell has {part!r} in its id; there are: {', '.join(cell.id for cell in cells)}")
    named = [cell for cell in cells if any(part in cell.id for part in parts)]
    if any(cell.device == "gpu" for cell in named) and (reason := gpu_reason()):
        raise FramegateError(reason)
    return named


def measure(measured: Run, cells: Sequence[Cell]) -> list[CellResult]:
    """Return the results, one process of each cell after the other, so that a drift of the machine hits all alike."""
    results: dict[str, CellResult] = {}
    for process in range(1, cells[0].processes + 1):
        for cell in cells:
            print(f"process {process} of {cell.processes}: {cell.id}", flush=True)
            part = replace(cell, processes=process)  # those before are taken from the journal
            results[cell.id] = measured.run_cell(part, TRAINING, print, lambda task, event: None)
    return list(results.values())


def calibration_of(result: CellResult) -> "Calibration":
    """Return what the cell's processes say about this machine."""
    from framegate.stats.calibration import calibrate
    from framegate.stats.samples import Sample, process_series

    records = [process.record() for process in result.processes]
    sample = Sample(result.cell.id, "seconds", process_series(records, "seconds", result.cell.id))
    start = statistics.median(process.wall_seconds - sum(process.warm_seconds) for process in result.processes)
    return calibrate(sample, start)


def table(found: "Sequence[Calibration]") -> list[str]:
    """Return a line a cell."""
    lines = [f"{'false shifts':20} {'between':>8} {'within':>8} {'sees':>8} {'P':>4} {'E':>4}  cell"]
    for one in found:
        alarms = f"{one.false_alarms / one.comparisons:.1%} (<= {one.upper:.1%})"
        lines.append(
            f"{alarms:20} {one.deviation_between:8.1%} {one.deviation_within:8.1%} {one.detectable - 1:8.1%}"
            f" {one.processes:4} {one.epochs:4}  {one.name}"
        )
    return [
        *lines,
        "between, within: spread of processes, and of epochs about them; sees: smallest shift, at 5 processes a side;",
        "P, E: processes a side and epochs of each that are enough to call unchanged code the same",
    ]


def save(path: Path, cells: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the calibrations beside those of other cells on this machine, those of another machine are dropped."""
    here = machine()
    try:
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        kept = dict(known["cells"]) if known.get("machine") == here else {}
    except (ValueError, KeyError, AttributeError):
        kept = {}  # cut short, or of another version: it is only a summary of what was measured
    content = {"machine": here, "date": datetime.now(UTC).isoformat(timespec="seconds"), "cells": {**kept, **cells}}
    written = path.with_suffix(".tmp")
    written.write_text(json.dumps(content, indent=1), encoding="utf-8")
    written.replace(path)
