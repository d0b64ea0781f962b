"""The pytest plugin: `pytest --shift-baseline=0001` says which benchmarks got slower. For any pytest-benchmark suite.

The only file of the package that imports pytest. Without --shift-baseline it loads nothing and watches nothing.
"""

import os
import shutil
import sys
from argparse import ArgumentTypeError
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from framegate.errors import FramegateError
from framegate.stats import choices
from framegate.stats.metrics import METRICS

if TYPE_CHECKING:
    from framegate.stats.samples import Key, Side
    from framegate.stats.verdict import Policy, Verdict

MARKER = "shift(margin=SHARE, metric=NAME or NAMES): what --shift-baseline compares of this test, and the smallest shift that counts"

ONE_PROCESS = (
    "this session is one process: to have replicates, save several runs of each side and type"
    " framegate compare 'before-*.json' 'after-*.json'; --shift-unit=round takes rounds instead"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    add = parser.getgroup("shift", "significant shifts against a baseline (framegate)").addoption
    add("--shift-baseline", metavar="RUN", help="saved runs: 0001, latest, a file, or names ('nightly-*': replicates)")
    add("--shift-margin", action="append", default=[], type=choices.margin_asked, metavar="[CELL=]SHARE",
        help="smallest shift that counts (default: 0.05), for all or for tests with CELL in their names")  # fmt: skip
    add("--shift-alpha", type=choices.alpha_asked, default=choices.DEFAULT_ALPHA, metavar="LEVEL",
        help="chance of a false shift, one-sided, over the run (default: 0.025)")  # fmt: skip
    add("--shift-test", choices=choices.TEST_NAMES, default="auto", help="default: auto, by the number of processes")
    add("--shift-correction", choices=choices.CORRECTION_NAMES, default="holm", help="for the number of tests")
    add("--shift-unit", choices=choices.UNITS, default="process",
        help="what is a replicate (default: process, one a file; rounds of one process are not independent)")  # fmt: skip
    add("--shift-metric", action="append", choices=tuple(METRICS), help="what to compare (default: seconds)")
    add("--shift-allow", action="append", default=[], choices=choices.CONDITIONS,
        help="what may differ from the baseline")  # fmt: skip
    add("--shift-fail", choices=choices.FAIL_ON, default="slower",
        help="exit 10 if slower (default), also 11 if unsure, or never")  # fmt: skip
    add("--shift-report", type=Path, metavar="DIR", help="write a page about this session, with or without a baseline")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)
    if config.option.shift_baseline is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Gate(config), "framegate-gate")
    if config.option.shift_report is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(session_report(config), "framegate-report")


def session_report(config: pytest.Config) -> Any:
    """Return the plugin that writes the page at the end. Raises UsageError at once where it could not."""
    from framegate.reporting import SessionReport

    try:
        return SessionReport(config.invocation_params.dir / config.option.shift_report)
    except FramegateError as error:
        raise pytest.UsageError(f"--shift-report: {error}") from None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        marks_of(item)  # a wrong marker is told at once, not on the night when something is compared


@dataclass(frozen=True)
class Marked:
    """What one shift marker says; no metrics: all that are compared."""

    margin: float | None
    metrics: tuple[str, ...]


def marks_of(item: pytest.Item) -> list[Marked]:
    """Return the shift markers of a test, the closest first. Raises UsageError in words."""
    return [_marked(mark, item.nodeid) for mark in item.iter_markers("shift")]


def _marked(mark: pytest.Mark, nodeid: str) -> Marked:
    unknown = [*map(repr, mark.args), *sorted(mark.kwargs.keys() - {"margin", "metric"})]
    if unknown:
        raise pytest.UsageError(f"{nodeid}: shift marker: {unknown[0]} is unknown; wanted margin=0.1, metric='seconds'")
    found = mark.kwargs.get("metric", ())
    metrics = (found,) if isinstance(found, str) else tuple(found)
    if wrong := [metric for metric in metrics if metric not in METRICS]:
        raise pytest.UsageError(f"{nodeid}: shift marker: no metric {wrong[0]!r}; there are: {', '.join(METRICS)}")
    try:
        margin = choices.margin_of_number(mark.kwargs["margin"]) if "margin" in mark.kwargs else None
    except ArgumentTypeError as error:
        raise pytest.UsageError(f"{nodeid}: shift marker: {error}") from None
    return Marked(margin, metrics)


@dataclass
class Gate:
    """One session with a baseline: what is to be compared, what happened to each test, and the verdicts."""

    config: pytest.Config
    files: list[Path] = field(default_factory=list)
    marks: dict[str, list[Marked]] = field(default_factory=dict)  # of all tests that were collected and selected
    deselected: set[str] = field(default_factory=set)
    absent: dict[str, str] = field(default_factory=dict)  # why a test has no valid time
    verdicts: "list[Verdict]" = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    policy: "Policy | None" = None
    junit: Path | None = None
    baseline: "Side" = field(init=False)

    @property
    def benchmarks(self) -> Any:
        """pytest-benchmark's session, which it registers under this name."""
        return self.config.pluginmanager.get_plugin("pytest-benchmark")

    def metrics(self) -> tuple[str, ...]:
        """Return all metrics that any test asks for."""
        marked = (metric for marks in self.marks.values() for mark in marks for metric in mark.metrics)
        return tuple(dict.fromkeys([*(self.config.option.shift_metric or ["seconds"]), *marked]))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        """Find and read the baseline before anything is measured: `latest` is from before, errors come at once."""
        if self.benchmarks is None:
            raise pytest.UsageError("--shift-baseline needs pytest-benchmark, which is not active (-p no:benchmark?)")
        self.read_baseline()

    def read_baseline(self) -> None:
        from framegate.stats.samples import read_files
        from framegate.stored import baseline_files

        try:
            self.files = self.files or baseline_files(self.config.option.shift_baseline, self.benchmarks.storage)
            self.baseline = read_files(self.files, self.metrics(), frozenset(self.config.option.shift_allow))
        except FramegateError as error:
            raise pytest.UsageError(f"--shift-baseline={self.config.option.shift_baseline}: {error}") from None

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self.deselected.update(item.nodeid for item in items)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        from framegate.report.junit import PLACE

        known = self.metrics()
        self.marks = {item.nodeid: marks_of(item) for item in session.items}
        if self.metrics() != known:
            self.read_baseline()
        self.refuse_unknown_margins()
        if path := self.config.getoption("xmlpath", None):
            self.junit = Path(os.path.expandvars(path)).expanduser().absolute()
            for number, item in enumerate(session.items):
                item.user_properties.append((PLACE, str(number)))

    def refuse_unknown_margins(self) -> None:
        """Raise UsageError for a margin of no test, before a night is measured in vain."""
        for one in self.config.option.shift_margin:
            if one.part and not any(one.part in name for name in self.known_names()):
                raise pytest.UsageError(
                    f"--shift-margin={one.part}={one.margin:g}: no test has {one.part!r} in its name"
                )

    def known_names(self) -> set[str]:
        """Return all tests of the baseline and of this session, whether they will be run and measured or not."""
        return {*self.marks, *self.deselected, *(name for name, _ in self.baseline.samples)}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "setup":
            self.absent.pop(report.nodeid, None)  # run again, by a plugin for that
        if report.failed:
            self.absent[report.nodeid] = "its test failed: it has no valid time"
        elif report.skipped:
            self.absent[report.nodeid] = report.longrepr[2] if isinstance(report.longrepr, tuple) else "skipped"

    @pytest.hookimpl(trylast=True)  # after the JUnit file and all statuses of others
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        from framegate.report.junit import add_verdicts
        from framegate.stats.verdict import exit_status

        if not self.is_over(session.exitstatus):
            return
        try:
            self.verdicts = self.judge()
        except FramegateError as error:
            self.notes.append(str(error))
        status = exit_status(self.verdicts, self.config.option.shift_fail)
        if session.exitstatus == pytest.ExitCode.OK and status:
            session.exitstatus = status
        if self.junit:
            add_verdicts(self.junit, list(self.marks), self.verdicts)

    def is_over(self, exitstatus: int) -> bool:
        """Return whether tests were run, or could have been: only then is there something to say."""
        broken = (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.INTERNAL_ERROR)
        return not self.config.option.collectonly and exitstatus not in broken

    def judge(self) -> "list[Verdict]":
        from framegate.stats.judging import judge
        from framegate.stats.samples import narrowed

        baseline, current = self.baseline, self.this_run()
        self.policy = self.policy_for({**baseline.samples, **current.samples})
        aside = {key for key in {**baseline.samples, **baseline.left_out} if self.is_left_aside(key[0])}
        if aside:
            self.notes.append(f"{len(aside)} of the baseline left aside: this session was told not to run them")
        wanted = narrowed(baseline, lambda key: key not in aside and self.is_wanted(key))
        verdicts = judge(wanted, narrowed(current, self.is_wanted), self.policy)
        why = self.absent
        return [replace(v, why=why[v.name]) if v.word == "missing" and v.name in why else v for v in verdicts]

    def this_run(self) -> "Side":
        """Return the samples that this session measured; a failed test has none."""
        from framegate.reporting import session_content, why_disabled
        from framegate.stats.samples import Side, samples_of

        content = session_content(self.config, self.absent)
        if content is None:
            self.notes.append(f"nothing was measured{why_disabled(self.benchmarks)}")
            return Side({}, {})
        current = samples_of(content, "this run", self.metrics())
        single = any(len(sample.processes) == 1 for sample in current.samples.values())
        if single and self.config.option.shift_unit == "process":
            self.notes.append(ONE_PROCESS)
        return current

    def policy_for(self, keys: "Iterable[Key]") -> "Policy":
        from framegate.stats.verdict import Policy, with_margins

        asked = self.config.option
        policy = Policy(
            alpha=asked.shift_alpha, test=asked.shift_test, correction=asked.shift_correction,
            unit=asked.shift_unit, allowed_mismatches=frozenset(asked.shift_allow),
        )  # fmt: skip
        known = {*keys, *((name, "seconds") for name in self.known_names())}  # a failed test has no sample
        policy = with_margins(policy, asked.shift_margin, known)
        marked = {key: margin for key in keys if (margin := self.marked_margin(key)) is not None}
        return replace(policy, margins={**policy.margins, **marked})

    def marked_margin(self, key: "Key") -> float | None:
        name, metric = key
        for mark in self.marks.get(name, []):
            meant = metric in mark.metrics if mark.metrics else METRICS[metric].margin is None
            if mark.margin is not None and meant:
                return mark.margin
        return None

    def is_wanted(self, key: "Key") -> bool:
        """Return whether this test asks for this metric: by its markers, or else as all do."""
        name, metric = key
        marked = [own for mark in self.marks.get(name, []) for own in mark.metrics]
        asked = marked or self.config.option.shift_metric or ["seconds"]
        return metric in asked or (metric == "inference_seconds" and "seconds" in asked)

    def is_left_aside(self, name: str) -> bool:
        """Return whether this session was told to run only other tests: by -k, -m, --lf, or the paths given."""
        if name in self.marks or name in self.deselected:
            return name in self.deselected
        return bool(self.config.getoption("lf", False)) or not any(
            not place or name == place or name.startswith((f"{place}/", f"{place}::", f"{place}["))
            for place in places_asked(self.config)
        )

    @pytest.hookimpl(trylast=True)  # below the tables of times
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
        from framegate.report.terminal import Screen, shift_section
        from framegate.report.words import calibration_line
        from framegate.stored import calibration_in

        if not self.is_over(exitstatus):
            return
        self.notes += calibration_line(calibration_in(self.config.rootpath / ".framegate"))
        sources = ", ".join(path.name for path in self.files[:3]) + ", ..." * (len(self.files) > 3)
        terminalreporter.section(f"shift against {sources}")
        quiet, encoding = self.config.option.verbose < 0, getattr(sys.stdout, "encoding", None) or "utf-8"
        screen = Screen(shutil.get_terminal_size().columns, encoding, quiet)
        for line, markup in shift_section(self.verdicts, self.policy, self.notes, screen):
            terminalreporter.write_line(line, **markup)


def places_asked(config: pytest.Config) -> Iterator[str]:
    """Yield the beginnings of the node ids that the command line asks for; an empty one stands for all."""
    for argument in config.args:
        path, separator, inside = argument.partition("::")
        place = (config.invocation_params.dir / path).resolve()
        below = place.exists() and place.is_relative_to(config.rootpath)
        start = place.relative_to(config.rootpath).as_posix() if below else "."
        yield "" if start == "." else start + separator + inside
