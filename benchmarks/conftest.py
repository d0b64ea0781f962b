"""Runs a cell for a benchmark and hands its durations to pytest-benchmark."""

import shutil
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from framegate.errors import DataMissing, FramegateError, LibraryMissing, PythonMissing
from framegate.runner.cell import Cell
from framegate.runner.data import data_home
from framegate.runner.devices import gpu_reason
from framegate.runner.exports import table
from framegate.runner.progress import Progress
from framegate.runner.run import CellResult, Run, wrong_accuracy

T = TypeVar("T")


@pytest.fixture(scope="session")
def progress(request: pytest.FixtureRequest) -> Progress:
    reporter = request.config.pluginmanager.getplugin("terminalreporter")
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def write(line: str, overwritten: bool) -> None:
        with capture.global_and_fixture_disabled():
            if overwritten:
                reporter.rewrite(line, erase=True)
            else:
                reporter.write_line(line)

    planned = request.config.framegate_planned
    return Progress(planned, write, interactive=reporter.isatty, clock=time.monotonic)


@pytest.fixture(scope="session")
def run(request: pytest.FixtureRequest, progress: Progress) -> Iterator[Run]:
    option = request.config.option
    try:
        run = Run(
            request.config.rootpath,
            request.config.framegate_environments,
            data_home=data_home(option.data_home),
            resume=option.recover or option.resume,
            arguments=request.config.invocation_params.args,
        )
    except (FramegateError, OSError) as error:
        pytest.exit(str(error), returncode=pytest.ExitCode.USAGE_ERROR)
    request.config.framegate_begun = True
    if option.recover or option.resume:
        progress.say(f"run {run.journal.run}")
    if run.journal.torn:
        progress.say(run.journal.torn)
    if run.saved_epochs:
        progress.say(f"{run.saved_epochs} epochs found that a killed run had not written down")
    yield run
    disturbed, again = run.disturbed()
    if disturbed or again:
        progress.say(f"\n{again} disturbed attempts were made again; {disturbed} processes were disturbed to the last")
    run.close()


@pytest.fixture
def attempt(request: pytest.FixtureRequest, progress: Progress) -> Callable[[Cell, Callable[[], T | None]], T]:
    """Return what a cell's work returns. Skips where the machine lacks what it needs, or where there is nothing to return."""
    option = request.config.option

    def attempt_or_skip(cell: Cell, work: Callable[[], T | None]) -> T:
        if cell.device == "gpu" and option.recover is None and (reason := gpu_reason()):
            pytest.skip(reason)
        progress.begin(cell)
        result, skip, problem = None, "no process had finished in that run", None
        try:
            result = work()
        except (PythonMissing, LibraryMissing, DataMissing) as missing:
            skip = str(missing)
            problem = skip if option.strict_environments and not isinstance(missing, DataMissing) else None
        except FramegateError as error:
            problem = str(error)
        except OSError as error:  # a full or read-only disk: no other cell would fare better
            pytest.exit(
                f"{cell.id}: {error}; mend that, then: pytest benchmarks --resume", pytest.ExitCode.INTERNAL_ERROR
            )
        if problem:
            pytest.fail(problem, pytrace=False)
        if result is None:
            pytest.skip(skip)
        return result

    return attempt_or_skip


@pytest.fixture
def run_cell(
    request: pytest.FixtureRequest, run: Run, progress: Progress, attempt: Callable[..., CellResult]
) -> Callable[[Cell, str], CellResult]:
    """Run a cell's processes, or take them from a resumed run's journal."""
    is_recovered = request.config.option.recover is not None

    def run_or_skip(cell: Cell, purpose: str) -> CellResult:
        def work() -> CellResult | None:
            if is_recovered:
                return run.finished(cell, purpose)
            return run.run_cell(cell, purpose, progress.say, progress.watch)

        result = attempt(cell, work)
        if wrong := wrong_accuracy(result):
            run.void(cell, purpose, wrong)
            pytest.fail(wrong, pytrace=False)  # before the durations are handed on: no store gets them
        request.config.framegate_measured.append(cell.id)
        return result

    return run_or_skip


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Give an upgrade's answer its own exit status, unless some other test failed."""
    answer = getattr(session.config, "framegate_answer", None)
    if answer is None:
        return
    from framegate.upgrade import exit_status  # loads scipy, which no other benchmark needs

    failed = {report.nodeid for report in reports(session.config, "failed") + reports(session.config, "error")}
    if all("test_upgrade.py::" in nodeid for nodeid in failed):
        session.exitstatus = exit_status(answer)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if exports := getattr(config, "framegate_exports", None):
        terminalreporter.section("exports")
        for line in table(exports):
            terminalreporter.write_line(line)
    answer = getattr(config, "framegate_answer", None)
    if answer is not None:
        from framegate.report.gate import gate_lines

        terminalreporter.section("upgrade")
        for line in gate_lines(answer, shutil.get_terminal_size().columns):
            terminalreporter.write_line(line)


def reports(config: pytest.Config, outcome: str) -> list[pytest.TestReport]:
    """Return the reports of an outcome."""
    return list(config.pluginmanager.getplugin("terminalreporter").stats.get(outcome, []))


class ReplayedClock:
    """A timer for pytest-benchmark that reads 0 and a recorded duration in turn, so that it stores just those durations."""

    __name__ = "worker_clock"  # pytest-benchmark writes the timer's name into its JSON

    def __init__(self) -> None:
        self.readings: list[float] = []

    def load(self, durations: list[float]) -> None:
        self.readings = [reading for duration in durations for reading in (0.0, duration)]

    def __call__(self) -> float:
        return self.readings.pop(0)


@pytest.fixture(autouse=True)
def clock(request: pytest.FixtureRequest) -> ReplayedClock:
    """Put the clock on the item before pytest-benchmark's own fixture looks for it."""
    clock = ReplayedClock()
    request.node.add_marker(pytest.mark.benchmark(timer=clock))
    return clock


@pytest.fixture
def replay(clock: ReplayedClock, benchmark: BenchmarkFixture) -> Callable[[CellResult], None]:
    """Hand a cell's warm epochs to pytest-benchmark, with all else that was recorded as extra_info."""

    def replay_result(result: CellResult) -> None:
        clock.load(result.warm_seconds)
        benchmark.group = result.group
        benchmark.extra_info.update(result.extra_info())
        benchmark.pedantic(_nothing, rounds=len(result.warm_seconds), iterations=1)

    return replay_result


def _nothing() -> None:
    """What pytest-benchmark believes to measure: the worker has measured already."""
