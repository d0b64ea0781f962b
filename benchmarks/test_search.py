"""Hyperparameter searches as benchmarks, with the engine of framegate search: seconds per trial, and what was found.

pytest benchmarks -m search
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from framegate.errors import DataMissing, FramegateError, LibraryMissing, PythonMissing
from framegate.runner.data import data_home
from framegate.runner.journal import SEARCH
from framegate.runner.progress import Progress
from framegate.runner.run import Run
from framegate.runner.searches import Search
from framegate.runner.trials import Outcome

pytestmark = pytest.mark.search


def test_search(search, run_search, replay_trials):
    replay_trials(run_search(search))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "search" not in metafunc.fixturenames:
        return
    metafunc.parametrize(
        "search",
        [
            pytest.param(
                replace(search, cells=(cell,)),
                id=f"{search.name}-{cell.environment}",
                marks=[getattr(pytest.mark, name) for name in (cell.device, cell.framework)],
            )
            for search in metafunc.config.framegate_searches.values()
            for cell in search.cells
        ],
    )


@pytest.fixture(scope="session")
def searching(request: pytest.FixtureRequest) -> Iterator[Run]:
    """Return the run of all searches of this session."""
    from framegate.runner.draws import check_library

    config = request.config
    if config.option.recover is not None:
        pytest.skip("searches are not recovered; type: pytest benchmarks -m search --resume")
    try:
        check_library()
        run = Run(
            config.rootpath,
            config.framegate_environments,
            data_home=data_home(config.option.data_home),
            resume=config.option.resume,
            kind=SEARCH,
            arguments=config.invocation_params.args,
        )
    except FramegateError as error:
        pytest.exit(str(error), returncode=pytest.ExitCode.USAGE_ERROR)
    yield run
    run.close()


@pytest.fixture
def run_search(searching: Run, progress: Progress) -> Callable[[Search], Outcome]:
    """Run one search in its only environment. Skips where the machine lacks what it needs."""
    from framegate.runner.draws import open_storage
    from framegate.runner.search import Bench, run_search

    def run_or_skip(search: Search) -> Outcome:
        try:
            bench = Bench(searching, search, search.cells[0], progress.say)
            outcome = run_search(bench, open_storage(searching.folder))
        except (PythonMissing, LibraryMissing, DataMissing) as missing:
            pytest.skip(str(missing))
        except FramegateError as error:
            pytest.fail(str(error), pytrace=False)
        if (accuracy := outcome.tested.accuracy) < (floor := search.cells[0].floor):
            pytest.fail(f"{bench.name}: the best has accuracy {accuracy:.4f}; the floor is {floor}", pytrace=False)
        return outcome

    return run_or_skip


@pytest.fixture
def replay_trials(clock, benchmark: BenchmarkFixture) -> Callable[[Outcome], None]:
    """Hand the seconds of the complete trials to pytest-benchmark, with all else that is known as extra_info."""

    def replay(outcome: Outcome) -> None:
        seconds = [trial.cost.seconds for trial in outcome.trials if trial.state == "complete"]
        clock.load(seconds)
        benchmark.group = f"search-{outcome.search}"
        told = {"seconds": outcome.seconds, "seconds_to_target": outcome.seconds_to_target}
        benchmark.extra_info.update(asdict(outcome) | told)
        benchmark.pedantic(lambda: None, rounds=len(seconds), iterations=1)

    return replay
