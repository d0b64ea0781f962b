"""A trained model written in a form that others read, read there, and asked for the same predictions."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from framegate.runner.cell import INFERENCE, TRAINING, Cell
from framegate.runner.declarations import Environment
from framegate.runner.environments import folder_bytes
from framegate.runner.journal import ProcessResult, Record, Task
from framegate.runner.run import Run, Watch

_WORDS = 300  # letters of a refusal that a table shows
LARGEST_DIFFERENCE = 1e-5  # of a probability, between the framework's own and the exported model's


@dataclass(frozen=True)
class Export:
    """What came of one export; without `read` the exporter refused, and `refused` is what it said."""

    cell: Cell
    form: str
    written: ProcessResult
    refused: str = ""
    size_bytes: int = 0
    read: ProcessResult | None = None
    difference: float = float("nan")  # the largest of any probability of the test split

    @property
    def agrees(self) -> bool:
        return self.difference <= LARGEST_DIFFERENCE

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
        assert self.read
        return median(self.read.warm_seconds)

    def record(self) -> Record:
        """Return what pytest-benchmark's JSON holds of it."""
        told = {"form": self.form, "seconds": self.seconds, "bytes": self.size_bytes, "difference": self.difference}
        return told | {"framework_seconds": self.framework_seconds, "reader_seconds": self.reader_seconds}


def export(run: Run, cell: Cell, form: str, say: Callable[[str], None], watch: Watch) -> Export:
    """Return a cell's model, trained and exported in a form of its environment, beside what the form's reader makes of it.

    Processes that the run's journal holds are not run again. Raises what Run.place and Run.run_process raise.
    """

    def process(environment: Environment, name: str, purpose: str, **changes: object) -> ProcessResult:
        task, place = Task(cell.id, f"{name}-{form}", 1), run.place(cell, environment, say)
        work = run.work(place, purpose, 1, save=["probabilities"], **changes)
        return run.known(task, work) or run.run_process(task, work, watch)

    own = run.environments[cell.environment]
    written = process(own, "export", TRAINING, export=form)
    folder = Path(written.directory)
    if (words := folder / "refused.txt").exists():
        return Export(cell, form, written, words.read_text(encoding="utf-8"))
    path = folder / f"exported.{form}"
    read = process(run.environments[own.exports[form]], "exported", INFERENCE, exported=str(path))
    size_bytes = folder_bytes(path) if path.is_dir() else path.stat().st_size
    return Export(cell, form, written, "", size_bytes, read, _difference(written, read))


def _difference(one: ProcessResult, other: ProcessResult) -> float:
    """Return the largest difference of any probability; infinite where the answers have not the same shape."""
    import numpy as np  # whoever collects the benchmarks imports this module, and seldom exports

    first, second = (np.load(Path(result.directory, "probabilities.npy")) for result in (one, other))
    return float(np.abs(first - second).max()) if first.shape == second.shape else float("inf")


def table(exports: Iterable[Export]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield "| cell | form | export | size | largest difference | a pass: framework | exported |"
    yield "|---|---|---|---|---|---|---|"
    for one in exports:
        if one.refused:
            yield f"| `{one.cell.id}` | {one.form} | refused: {' '.join(one.refused.split())[:_WORDS]} | | | | |"
            continue
        yield (
            f"| `{one.cell.id}` | {one.form} | {one.seconds:.2f} s | {one.size_bytes / 1e3:,.0f} kB"
            f" | {one.difference:.1e} | {one.framework_seconds * 1e3:.1f} ms | {one.reader_seconds * 1e3:.1f} ms |"
        )
