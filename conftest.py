"""Makes pytest items of the cells in matrix.toml: options, markers, selection. What runs them is in benchmarks/conftest.py."""

import signal
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from framegate.errors import FramegateError, SideError
from framegate.runner.cell import EXPORT, INFERENCE, PIPELINE, Cell
from framegate.runner.data import data_home
from framegate.runner.declarations import DEVICES, Environment, load
from framegate.runner.devices import gpu_reason
from framegate.runner.matrix import read_matrix
from framegate.runner.pipelines import read_pipelines
from framegate.runner.searches import read_searches
from framegate.runner.sides import nothing_fits, read_side, templates
from framegate.stats import choices


def pytest_addoption(parser: pytest.Parser) -> None:
    add = parser.getgroup("framegate").addoption
    add("--resume", nargs="?", const="latest", metavar="RUN", help="run only what RUN (default: the latest) lacks")
    add("--recover", metavar="RUN", help="run nothing: report what RUN (or latest) had finished when it was cut short")
    add("--require-gpu", action="store_true", help="fail, instead of skipping, where there is no GPU")
    add("--strict-environments", action="store_true", help="fail, instead of skipping, where a Python is missing")
    add("--data-home", type=Path, metavar="DIR", help="datasets fetched by hand (default: $FRAMEGATE_DATA)")
    add(
        "--upgrade",
        nargs=2,
        metavar=("BASELINE", "CANDIDATE"),
        help="what test_upgrade.py gates: see framegate gate -h",
    )
    add("--upgrade-margin", type=choices.margin_of_number, default=choices.DEFAULT_MARGIN, metavar="SHARE")
    add("--upgrade-budget", type=choices.seconds_asked, default=1800.0, metavar="TIME", help="such as 30m, the default")
    add("--processes", type=int, metavar="N", help="replicates of each cell, instead of what matrix.toml says")


def pytest_configure(config: pytest.Config) -> None:
    if config.option.collectonly:  # a list piped into head ends there, without pytest's traceback of a broken pipe
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if config.option.resume and Path(config.option.resume).exists():
        raise pytest.UsageError(
            f"--resume {config.option.resume}: that is a path; wanted --resume=RUN, or --resume behind all paths"
        )
    if (
        out := config.option.benchmark_json
    ) and not out.absolute().parent.is_dir():  # it is written when all is measured
        raise pytest.UsageError(f"--benchmark-json {out}: no folder {out.parent}; make it with: mkdir -p {out.parent}")
    if not config.option.upgrade and any("test_upgrade.py" in argument for argument in config.args):
        raise pytest.UsageError("test_upgrade.py: wanted --upgrade BASELINE CANDIDATE")
    try:
        data_home(config.option.data_home)  # now, not after environments were built
        environments = load(config.rootpath / "environments")
        cells = read_matrix(config.rootpath / "matrix.toml", environments)
        pipelines = read_pipelines(config.rootpath / "matrix.toml", environments)
        config.framegate_searches = read_searches(config.rootpath / "matrix.toml", environments)
        config.framegate_upgraded = upgraded_cells(config, cells, environments)
    except FramegateError as error:
        raise pytest.UsageError(str(error)) from None
    if (processes := config.option.processes) is not None:
        if processes < 1:
            raise pytest.UsageError(f"--processes {processes}: at least 1 is wanted")
        cells, pipelines = (tuple(replace(cell, processes=processes) for cell in own) for own in (cells, pipelines))
    config.framegate_environments = environments
    config.framegate_cells = cells
    config.framegate_pipelines = pipelines
    config.framegate_planned, config.framegate_measured, config.framegate_begun = 0, [], False
    for name in sorted({"cpu", "gpu", "quick", "nightly"}.union(*(cell.marks for cell in cells + pipelines))):
        config.addinivalue_line("markers", f"{name}: cells of this device, tier, model, framework or dataset")
    config.addinivalue_line("markers", "search: hyperparameter searches")


def upgraded_cells(config: pytest.Config, cells: Sequence[Cell], environments: Mapping[str, Environment]) -> list[Cell]:
    """Return the cells that both sides of --upgrade fit. Raises SideError."""
    if not config.option.upgrade:
        return []
    one, other = (read_side(text, environments) for text in config.option.upgrade)
    groups = [group for device in DEVICES for group in templates((one, other), environments.values(), device)]
    fitting = {template.name for group in groups for template in group}
    if not fitting:
        raise SideError(nothing_fits((one, other), environments))
    return [cell for cell in cells if cell.environment in fitting]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Without --upgrade there is nothing to gate, without exporters nothing to export, and a matrix may have no pipelines."""
    is_exporting = any(one.exports for one in config.framegate_environments.values())
    nothing = {"test_upgrade.py": not config.option.upgrade, "test_exports.py": not is_exporting}
    nothing["test_pipeline.py"] = not config.framegate_pipelines
    return nothing.get(collection_path.name) or None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "cell" not in metafunc.fixturenames:
        return
    purpose, cells = metafunc.module.PURPOSE, metafunc.config.framegate_cells
    if purpose == "upgrade":
        cells = metafunc.config.framegate_upgraded
    if purpose == PIPELINE:
        cells = metafunc.config.framegate_pipelines
    if purpose == INFERENCE:
        cells = [cell for cell in cells if cell.inference]
        cells += [replace(cell, batch_size=1) for cell in cells if cell.latency]
    exports = {name: one.exports for name, one in metafunc.config.framegate_environments.items()}
    if purpose == EXPORT:
        pairs = [(cell, form) for cell in cells for form in exports[cell.environment]]
        metafunc.parametrize(("cell", "form"), [parameter(cell, form) for cell, form in pairs])
    else:  # an environment with exporters is another one, and they: it is measured nowhere else
        metafunc.parametrize("cell", [parameter(cell) for cell in cells if not exports[cell.environment]])


def parameter(cell: Cell, *forms: str) -> Any:
    """Return what one item is given."""
    marks = [getattr(pytest.mark, name) for name in cell.marks]
    return pytest.param(cell, *forms, id="/".join([cell.id, *forms]), marks=marks)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without -m, keep the quick CPU cells and those that are named in full."""
    if not config.option.markexpr:
        named = {argument.partition("::")[2] for argument in config.args}
        kept = [item for item in items if _wanted(item) or item.nodeid.partition("::")[2] in named]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
        items[:] = kept
    if config.option.require_gpu and (reason := gpu_reason()):
        raise pytest.UsageError(f"--require-gpu: {reason}")


def pytest_collection_finish(session: pytest.Session) -> None:
    session.config.framegate_planned = sum(cell_of(item) is not None for item in session.items)


def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    nothing = config.framegate_planned and not config.framegate_measured and not config.option.collectonly
    if nothing and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED  # nothing measured is never green


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
    config = terminalreporter.config
    if exitstatus == pytest.ExitCode.INTERRUPTED and config.framegate_begun:
        terminalreporter.write_line("go on with: pytest benchmarks --resume")
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and not config.option.markexpr and config.option.keyword:
        terminalreporter.write_line("without -m only the quick cells on the CPU are looked at; all are listed by:")
        terminalreporter.write_line("    pytest benchmarks --collect-only -q -m 'cpu or gpu'")


def cell_of(item: pytest.Item) -> Cell | None:
    """Return the cell that an item measures, or None if it is another kind of test."""
    cell = item.callspec.params.get("cell") if hasattr(item, "callspec") else None
    return cell if isinstance(cell, Cell) else None  # pytest gives a test without parameters one that is none


def _wanted(item: pytest.Item) -> bool:
    cell = cell_of(item)
    if item.get_closest_marker("search"):
        return False
    return cell is None or (cell.tier == "quick" and cell.device == "cpu")
