"""A trained model written in a form that others read, read there, and asked for the same predictions."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from framegate.errors import WorkerFailed
from framegate.runner.cell import INFERENCE, TRAINING, Cell
from framegate.runner.declarations import Environment
from framegate.runner.environments import folder_bytes
from framegate.runner.journal import ProcessResult, Record, Task
from framegate.runner.run import CellResult, Run, Watch, wrong_accuracy

_WORDS = 300  # letters of a reason that a table shows
LARGEST_DIFFERENCE = 1e-5  # of a probability, between the framework's own and the exported model's


@dataclass(frozen=True)
class NoExport:
    """An export of which there is nothing to measure, and why: a row of the table all the same."""

    cell: Cell
    form: str
    why: str  # "refused: " and what the exporter said, or which of the two processes failed, and how
    failure: WorkerFailed | None = None  # None: the exporter refused


@dataclass(frozen=True)
class Export:
    """What came of one export."""

    cell: Cell
    form: str
    written: ProcessResult
    read: ProcessResult
    size_bytes: int
    difference: float  # the largest of any probability of the test split

    def problem(self) -> str | None:
        """Return in words why its times are worth nothing, or None."""
        if wrong := wrong_accuracy(CellResult(self.cell, (self.written,))):
            return wrong
        if self.difference <= LARGEST_DIFFERENCE:
            return None
        return (
            f"{self.cell.id}: the exported model's probabilities are up to {self.difference:.2g} away from its framework's,"
            f" {LARGEST_DIFFERENCE:g} is allowed; its files: {self.written.directory}"
        )

    @property
    def accuracy(self) -> float:
        """Of the framework's own model, on the test split."""
        return float(self.written.epochs[-1]["test_accuracy"])

    @property
    def seconds(self) -> float:
        return self.written.phases["export"]

    @property
    def framework_seconds(self) -> float:
        """Seconds of a pass over the test split in the framework itself: the median of its warm ones."""
        return float(median(epoch["evaluate_seconds"] for epoch in self.written.epochs[1:]))

    @property
    def reader_seconds(self) -> float:
        """The same of the exported model."""
        return median(self.read.warm_seconds)

    def record(self) -> Record:
        """Return what pytest-benchmark's JSON holds of it."""
        told = {"form": self.form, "seconds": self.seconds, "bytes": self.size_bytes, "difference": self.difference}
        told |= {"accuracy": self.accuracy}
        return told | {"framework_seconds": self.framework_seconds, "reader_seconds": self.reader_seconds}


def export(run: Run, cell: Cell, form: str, say: Callable[[str], None], watch: Watch) -> Export | NoExport:
    """Return a cell's model, trained and exported in a form of its environment, beside what the form's reader makes of it.

    Processes that the run's journal holds are not run again. Raises what Run.place raises.
    """

    def process(environment: Environment, name: str, purpose: str, **changes: object) -> ProcessResult:
        task, place = Task(cell.id, f"{name}-{form}", 1), run.place(cell, environment, say)
        work = run.work(place, purpose, 1, save=["probabilities"], **changes)
        return run.known(task, work) or run.run_process(task, work, watch)

    own, role = run.environments[cell.environment], "the writer"
    try:
        written = process(own, "export", TRAINING, export=form)
        folder = Path(written.directory)
        if (words := folder / "refused.txt").exists():
            return NoExport(cell, form, f"refused: {words.read_text(encoding='utf-8')}")
        path, role = folder / f"exported.{form}", "the reader"
        read = process(run.environments[own.exports[form]], "exported", INFERENCE, exported=str(path))
    except WorkerFailed as failure:
        return NoExport(cell, form, f"{role} failed: {failure.ended}", failure)
    size_bytes = folder_bytes(path) if path.is_dir() else path.stat().st_size
    return Export(cell, form, written, read, size_bytes, _difference(written, read))


def _difference(one: ProcessResult, other: ProcessResult) -> float:
    """Return the largest difference of any probability; infinite where the answers have not the same shape."""
    import numpy as np  # whoever collects the benchmarks imports this module, and seldom exports

    first, second = (np.load(Path(result.directory, "probabilities.npy")) for result in (one, other))
    return float(np.abs(first - second).max()) if first.shape == second.shape else float("inf")


def table(exports: Iterable[Export | NoExport]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield "| cell | form | accuracy | export | size | largest difference | a pass: framework | exported |"
    yield "|---|---|---|---|---|---|---|---|"
    for one in exports:
        if isinstance(one, NoExport):
            words = " ".join(one.why.split())[:_WORDS].replace("|", "\\|")
            yield f"| `{one.cell.id}` | {one.form} | {words} | | | | | |"
            continue
        yield (
            f"| `{one.cell.id}` | {one.form} | {one.accuracy:.3f} | {one.seconds:.2f} s | {one.size_bytes / 1e3:,.0f} kB"
            f" | {one.difference:.1e} | {one.framework_seconds * 1e3:.1f} ms | {one.reader_seconds * 1e3:.1f} ms |"
        )
