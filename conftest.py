"""Makes pytest items of the cells in matrix.toml: options, markers, selection. What runs them is in benchmarks/conftest.py."""

from dataclasses import replace
from pathlib import Path

import pytest

from framegate.errors import FramegateError
from framegate.runner.cell import INFERENCE, Cell
from framegate.runner.declarations import load
from framegate.runner.devices import gpu_reason
from framegate.runner.matrix import read_matrix


def pytest_addoption(parser: pytest.Parser) -> None:
    add = parser.getgroup("framegate").addoption
    add("--resume", nargs="?", const="latest", metavar="RUN", help="run only what RUN (default: the latest) lacks")
    add("--recover", metavar="RUN", help="run nothing: report what RUN (or latest) had finished when it was cut short")
    add("--require-gpu", action="store_true", help="fail, instead of skipping, where there is no GPU")
    add("--strict-environments", action="store_true", help="fail, instead of skipping, where a Python is missing")
    add("--data-home", type=Path, metavar="DIR", help="datasets fetched by hand (default: $FRAMEGATE_DATA)")
    add("--processes", type=int, metavar="N", help="replicates of each cell, instead of what matrix.toml says")


def pytest_configure(config: pytest.Config) -> None:
    if config.option.resume and Path(config.option.resume).exists():
        raise pytest.UsageError(
            f"--resume {config.option.resume}: that is a path; wanted --resume=RUN, or --resume last"
        )
    try:
        environments = load(config.rootpath / "environments")
        cells = read_matrix(config.rootpath / "matrix.toml", environments)
    except FramegateError as error:
        raise pytest.UsageError(str(error)) from None
    if (processes := config.option.processes) is not None:
        if processes < 1:
            raise pytest.UsageError(f"--processes {processes}: at least 1 is wanted")
        cells = tuple(replace(cell, processes=processes) for cell in cells)
    config.framegate_environments = environments
    config.framegate_cells = cells
    config.framegate_measured = []
    for name in sorted({"cpu", "gpu", "quick", "nightly"}.union(*(cell.marks for cell in cells))):
        config.addinivalue_line("markers", f"{name}: cells of this device, tier, model, framework or dataset")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "cell" not in metafunc.fixturenames:
        return
    cells = [cell for cell in metafunc.config.framegate_cells if metafunc.module.PURPOSE != INFERENCE or cell.inference]
    metafunc.parametrize(
        "cell",
        [pytest.param(cell, id=cell.id, marks=[getattr(pytest.mark, name) for name in cell.marks]) for cell in cells],
    )


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
    if exitstatus == pytest.ExitCode.INTERRUPTED and terminalreporter.config.framegate_measured:
        terminalreporter.write_line("go on with: pytest benchmarks --resume")


def cell_of(item: pytest.Item) -> Cell | None:
    """Return the cell that an item measures, or None if it is another kind of test."""
    cell = item.callspec.params.get("cell") if hasattr(item, "callspec") else None
    return cell if isinstance(cell, Cell) else None  # pytest gives a test without parameters one that is none


def _wanted(item: pytest.Item) -> bool:
    cell = cell_of(item)
    return cell is None or (cell.tier == "quick" and cell.device == "cpu")
