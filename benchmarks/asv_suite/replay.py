"""What asv's benchmarks share. The workers measure; asv gets their durations through a timer that reads them back.

A round of asv is one process of a cell and gives one value, as processes are the replicates. All benchmarks of one call of
asv read the same processes, from the journal of the run that the call is.
"""

import os
import statistics
from pathlib import Path

from framegate.report.measures import MEASURES
from framegate.runner.cell import Cell
from framegate.runner.devices import gpu_reason
from framegate.runner.journal import run_folder
from framegate.runner.release_cells import ReleaseCells, release_cells, works

ROOT = Path(os.environ.get("ASV_CONF_DIR", "."))
RELEASE = os.environ.get("FRAMEGATE_RELEASE", "")
SESSION = os.environ.get("FRAMEGATE_SESSION", "")
# "quick", "nightly" or "all": whose cells asv sees. All are seen where results of other stores are published.
TIER = os.environ.get("FRAMEGATE_TIER", "quick")

# asv's settings of each benchmark: one call of the timed function a round.
rounds = 5
number = 1
repeat = 1
warmup_time = 0
min_run_count = 1
timeout = 24 * 3600
version = "1"
param_names = ["cell"]


class ReplayedTimer:
    """A timer for asv: 0 before the timed function, and behind it the duration that the function was told."""

    reading = 0.0

    def __call__(self) -> float:
        reading, self.reading = self.reading, 0.0
        return reading


timer = ReplayedTimer()


def works_of(purpose: str, stepwise: bool = False) -> list[str]:
    """Return the works that asv can ask for; stepwise leaves out those of solvers, which take no steps."""
    tiers = ("quick", "nightly") if TIER == "all" else (TIER,)
    devices = ("cpu",) if TIER != "all" and gpu_reason() else ("cpu", "gpu")
    return [cell.work for cell in works(ROOT, purpose, tiers, devices) if cell.optimizer or not stepwise]


def setup(work: str) -> None:
    """Raise NotImplementedError, which asv shows as n/a, where the release has no such cell."""
    _found(work)


def replay(name: str, work: str) -> None:
    """Let the timer read the duration of the process of this round, run here or by another benchmark of this round."""
    measure = MEASURES[name]
    release, cell = _found(work)
    rounds_begun = _folder(cell) / f"{measure.purpose}.{name}"
    rounds_begun.parent.mkdir(parents=True, exist_ok=True)
    with rounds_begun.open("ab") as file:
        file.write(b".")
    count = rounds_begun.stat().st_size
    process = release.processes(cell, measure.purpose, count, SESSION, _silent)[-1]
    value = measure.value(process.record())
    if value is None:
        raise NotImplementedError(f"{cell.id} does not record what {name} asks for")
    timer.reading = value


def tracked(name: str, work: str) -> float:
    """Return the median over the processes that this call of asv has run of a cell; one is run where there is none."""
    measure = MEASURES[name]
    release, cell = _found(work)
    counts = [path.stat().st_size for path in _folder(cell).glob(f"{measure.purpose}.*")]
    processes = release.processes(cell, measure.purpose, max(counts, default=1), SESSION, _silent)
    values = [measure.value(process.record()) for process in processes]
    return statistics.median(value for value in values if value is not None)


def _found(work: str) -> tuple[ReleaseCells, Cell]:
    release = release_cells(RELEASE, "gpu" if work.startswith("gpu/") else "cpu", ROOT, _silent)
    cell = release.cell(work)
    if cell is None:
        raise NotImplementedError(f"{RELEASE} has no cell {work}")
    return release, cell


def _silent(line: str) -> None:
    """asv would show what is printed as an error of the benchmark."""


def _folder(cell: Cell) -> Path:
    """Return where this call of asv counts the rounds of a cell's benchmarks."""
    return run_folder(ROOT / ".framegate" / "journal" / f"{SESSION}.jsonl") / "asv" / cell.id.replace("/", "--")
