"""From stored runs, or from a session of pytest that has just ended, to the document that a report is made of."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framegate.errors import FramegateError
from framegate.stored import (
    StoredFile,
    calibration_in,
    labels_in,
    locked_packages,
    of_content,
    side_of,
    stored_json,
)

if TYPE_CHECKING:
    from framegate.stats.samples import Key
    from framegate.stats.verdict import Policy, Verdict

NamedRun = tuple[str, Sequence[StoredFile]]


def describe(
    runs: Sequence[NamedRun],
    metrics: Sequence[str],
    policy_for: "Callable[[list[Key]], Policy]",
    store: Path,
    allowed: frozenset[str] = frozenset(),
    verdicts: "Sequence[Verdict] | None" = None,
) -> dict[str, Any]:
    """Return the document of runs, oldest first; store is the suite's .framegate.

    policy_for: the policy for comparing these cells and metrics. verdicts: where somebody has judged already.
    allowed: what may differ between the files of one run. Raises SamplesError.
    """
    from framegate.report.cells import Beside
    from framegate.report.document import METRICS, Measured, document

    wanted = tuple(dict.fromkeys([*METRICS, *metrics]))
    measured = [Measured(name, files, side_of(files, wanted, allowed)) for name, files in runs]
    keys = [list(run.side.samples) for run in measured]
    policies = [policy_for([*keys[k], *keys[k + 1]]) for k in range(len(keys) - 1)] or [policy_for(keys[0])]
    beside = Beside(labels_in, lambda name: locked_packages(store / "envs", name))
    return document(measured, policies, metrics, beside, calibration_in(store), verdicts)


class SessionReport:
    """A plugin of pytest that writes the report of its session: --shift-report=DIR. Raises ReportError at once."""

    def __init__(self, folder: Path) -> None:
        from framegate.report.folder import refuse

        refuse(folder)
        self.folder = folder

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Write it: the verdicts are known, as this comes after every pytest_sessionfinish."""
        try:
            line, failed = self.write(terminalreporter.config), False
        except FramegateError as error:
            line, failed = str(error), True
        terminalreporter.write_line(f"--shift-report: {line}", red=failed)

    def write(self, config: Any) -> str:
        """Return what was written. Raises SamplesError, ReportError."""
        from framegate.report.folder import PAGE, write_folder

        content = session_content(config)
        if content is None:
            return "nothing was measured, so nothing was written"
        gate = config.pluginmanager.get_plugin("framegate-gate")
        write_folder(self.folder, session_document(content, gate, config.rootpath))
        return f"{self.folder / PAGE} written"


def session_document(content: dict[str, Any], gate: Any, root: Path) -> dict[str, Any]:
    """Return the document of a session, against its baseline where it has one: then with the verdicts of its gate."""
    from framegate.stats.verdict import DEFAULT_POLICY

    current = ("this run", [of_content(content, "this run")])
    store = root / ".framegate"
    if gate is None:
        return describe([current], ["seconds"], lambda keys: DEFAULT_POLICY, store)
    baseline = (gate.config.option.shift_baseline, [stored_json(path) for path in gate.files])
    policy = gate.policy or DEFAULT_POLICY
    allowed = frozenset(gate.config.option.shift_allow)
    return describe([baseline, current], gate.metrics(), lambda keys: policy, store, allowed, gate.verdicts)


def session_content(config: Any, left_out: Collection[str] = ()) -> dict[str, Any] | None:
    """Return what pytest-benchmark's JSON of this session holds, as far as we need it; None where it measured nothing."""
    session: Any = config.pluginmanager.get_plugin("pytest-benchmark")
    latest = {found.fullname: found for found in session.benchmarks if found} if session else {}  # if a test ran again
    measured = [found for name, found in latest.items() if name not in left_out]
    if not measured:
        return None
    content: dict[str, Any] = config.hook.pytest_benchmark_generate_json(
        config=config, benchmarks=measured, include_data=True, machine_info=session.get_machine_info(), commit_info={}
    )
    return content


def why_disabled(benchmarks: Any) -> str:
    """Return why pytest-benchmark measures nothing, to be put behind that."""
    if benchmarks.xdist_warning:
        return ": pytest-xdist is active, and benchmarks side by side would disturb each other; run with -n 0"
    if benchmarks.disabled:
        return ": --benchmark-disable"
    return ": --benchmark-skip" if benchmarks.skip else ""
