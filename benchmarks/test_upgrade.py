"""The verdict on an upgrade of each cell, with the engine of framegate gate:

pytest benchmarks/test_upgrade.py --upgrade BASELINE CANDIDATE
"""

from collections.abc import Callable

import pytest

from framegate.errors import FramegateError
from framegate.runner.cell import Cell
from framegate.runner.data import data_home
from framegate.runner.progress import Progress
from framegate.stats.choices import status_of_error
from framegate.stats.gating import Answer, counted
from framegate.stats.metrics import WORSE_WORDS
from framegate.stats.verdict import importance
from framegate.upgrade import Request, gate_upgrade

PURPOSE = "upgrade"


def test_upgrade(cell, judge_upgrade):
    judge_upgrade(cell)


@pytest.fixture(scope="session")
def upgrade(request: pytest.FixtureRequest, progress: Progress) -> Answer:
    """Return the answer on all cells that were selected: pairs are taken from all of them in turn, not item by item."""
    config, option = request.config, request.config.option
    sides = tuple(option.upgrade)
    asked = Request(
        root=config.rootpath,
        sides=sides,
        margin=option.upgrade_margin,
        budget_seconds=option.upgrade_budget,
        data_home=data_home(option.data_home),
        resume=option.resume,
        arguments=tuple(config.invocation_params.args),
    )
    cells = [item.callspec.params["cell"] for item in request.session.items if item.path.name == "test_upgrade.py"]
    try:
        config.framegate_answer = gate_upgrade(asked, cells, config.framegate_environments, progress.say)
    except FramegateError as error:
        pytest.exit(str(error), returncode=status_of_error(error))
    return config.framegate_answer


@pytest.fixture
def judge_upgrade(request: pytest.FixtureRequest, upgrade: Answer) -> Callable[[Cell], None]:
    """Fail a cell that something got worse of, skip one that is not known."""

    def judge(cell: Cell) -> None:
        own = [verdict for verdict in counted(upgrade.verdicts) if verdict.name == upgrade.names.get(cell.id)]
        if not own:
            pytest.skip("no environment can hold both sides")
        request.config.framegate_measured.append(cell.id)
        worst = min(own, key=importance)
        told = f"{worst.metric}: {worst.word}: {worst.why}"
        if worst.word in WORSE_WORDS | {"broken"}:
            pytest.fail(told, pytrace=False)
        if worst.word == "unsure":
            pytest.skip(told)

    return judge
