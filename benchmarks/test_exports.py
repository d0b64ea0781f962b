"""Each model of tier export, trained, exported in each form that its environment can write, read again, and asked for the same
predictions: pytest benchmarks -m export. What is measured is the reader's pass over the test split.
"""

from collections.abc import Callable

import pytest

from framegate.runner.cell import EXPORT, Cell
from framegate.runner.exports import Export, NoExport, export
from framegate.runner.progress import Progress
from framegate.runner.run import CellResult, Run

PURPOSE = EXPORT


def test_export(cell, form, export_cell, replay, benchmark):
    found = export_cell(cell, form)
    benchmark.extra_info["export"] = found.record()
    replay(CellResult(cell, (found.read,)))


@pytest.fixture
def export_cell(
    request: pytest.FixtureRequest, run: Run, progress: Progress, attempt: Callable[..., Export | NoExport]
) -> Callable[[Cell, str], Export]:
    """Export a cell's model, and tell of it at the run's end, whatever came of it."""
    config = request.config
    if config.option.recover is not None:
        pytest.skip("exports are not recovered; type: pytest benchmarks -m export --resume")
    if not hasattr(config, "framegate_exports"):
        config.framegate_exports = []

    def work(cell: Cell, form: str) -> Export | NoExport:
        found = export(run, cell, form, progress.say, progress.watch)
        config.framegate_exports.append(found)
        if isinstance(found, NoExport) and found.failure:
            raise found.failure
        return found

    def export_or_skip(cell: Cell, form: str) -> Export:
        found = attempt(cell, lambda: work(cell, form))
        if isinstance(found, NoExport):
            pytest.skip(f"the exporter {found.why}")
        config.framegate_measured.append(cell.id)
        if problem := found.problem():
            for process in (found.written, found.read):
                run.void(cell, process.task.purpose, problem)
            pytest.fail(problem, pytrace=False)
        return found

    return export_or_skip
