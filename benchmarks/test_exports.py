"""Each model of tier export, trained, exported in each form that its environment can write, read again, and asked for the same
predictions: pytest benchmarks -m export. What is measured is the reader's pass over the test split.
"""

from collections.abc import Callable

import pytest

from framegate.runner.cell import EXPORT, Cell
from framegate.runner.exports import LARGEST_DIFFERENCE, Export, export
from framegate.runner.progress import Progress
from framegate.runner.run import CellResult, Run

PURPOSE = EXPORT


def test_export(cell, form, export_cell, replay, benchmark):
    found = export_cell(cell, form)
    if found.refused:
        pytest.skip(f"the exporter refused: {found.refused}")
    if not found.agrees:
        pytest.fail(
            f"{cell.id}: the exported model's probabilities are up to {found.difference:.2g} away from its framework's,"
            f" {LARGEST_DIFFERENCE:g} is allowed; its files: {found.written.directory}",
            pytrace=False,
        )
    benchmark.extra_info["export"] = found.record()
    replay(CellResult(cell, (found.read,)))


@pytest.fixture
def export_cell(
    request: pytest.FixtureRequest, run: Run, progress: Progress, attempt: Callable[..., Export]
) -> Callable[[Cell, str], Export]:
    """Export a cell's model, and tell of it at the run's end."""
    config = request.config
    if config.option.recover is not None:
        pytest.skip("exports are not recovered; type: pytest benchmarks -m export --resume")
    if not hasattr(config, "framegate_exports"):
        config.framegate_exports = []

    def export_or_skip(cell: Cell, form: str) -> Export:
        found = attempt(cell, lambda: export(run, cell, form, progress.say, progress.watch))
        config.framegate_exports.append(found)
        config.framegate_measured.append(cell.id)
        return found

    return export_or_skip
