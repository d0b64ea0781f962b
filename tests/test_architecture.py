"""The rules of docs/architecture.md that a reader could break without noticing: who imports whom, and what is named how."""

import ast
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("framegate", "models", "datasets", "frameworks", "worker", "benchmarks", "tests")

# What a framework's own packages are called -> the framework. scikit-learn is not here: the driver may use it for reports.
FRAMEWORK_OF = {
    "cntk": "cntk",
    "flax": "jax",
    "jax": "jax",
    "jaxlib": "jax",
    "keras": "keras",
    "mxnet": "mxnet",
    "onnxruntime": "onnxruntime",
    "optax": "jax",
    "tensorflow": "tensorflow",
    "tf2onnx": "tensorflow",
    "tf_keras": "keras",
    "theano": "theano",
    "torch": "torch",
    "torchvision": "torch",
}
PYTEST = {"pytest", "_pytest", "pytest_benchmark", "pluggy"}


class Row(NamedTuple):
    modules: str
    ours: tuple[str, ...]  # which of our modules they may import
    theirs: frozenset[str] | None = frozenset()  # besides the standard library; None: all but frameworks and pytest


ERRORS = "framegate.errors"
MODEL_LANGUAGE = ("models.layers", "models.shapes", "models.weights", "models.optimizers")
TABLE = (
    Row("framegate", ()),
    Row(ERRORS, ()),
    Row("framegate.stats*", ("framegate.stats.*", ERRORS), frozenset({"numpy", "scipy"})),
    Row("framegate.runner*", ("framegate.runner", "framegate.runner.*", ERRORS), None),
    Row("framegate.reporting", ("framegate.report.*", "framegate.stats.*", "framegate.stored", ERRORS), None),
    Row("framegate.stored", ("framegate.runner.*", "framegate.stats.*", ERRORS), None),
    Row(
        "framegate.report*",
        (
            "framegate.report.*",
            "framegate.stats.*",
            "framegate.runner.cell",
            "framegate.runner.labels",
            "framegate.runner.trials",
            "framegate.stored",
            ERRORS,
        ),
        None,
    ),
    Row("framegate.plugin", ("framegate.*",), None),
    Row("framegate.cli", ("framegate.*",), None),
    Row("framegate.commands*", ("framegate.*",), None),
    Row("framegate.upgrade", ("framegate.runner.*", "framegate.stats", "framegate.stats.*", ERRORS), None),
    Row("framegate.asv*", ("framegate.*",), None),
    Row("framegate.__main__", ("framegate.cli",)),
    Row("models.*", ("models.*",), frozenset({"numpy"})),
    # These run in the driver's interpreter, which has its dependencies; requests is pooch's, whose errors it lets through.
    Row(
        "datasets.*",
        ("datasets", "datasets.*"),
        frozenset({"numpy", "PIL", "filelock", "h5py", "pooch", "requests", "sklearn"}),
    ),
    Row(
        "frameworks.*",
        ("frameworks", "frameworks.*", *MODEL_LANGUAGE),
        frozenset({"numpy", "scipy", "sklearn", "threadpoolctl", "PIL"} | set(FRAMEWORK_OF)),
    ),
    Row("worker.*", ("worker.*", "models.*", "datasets.*", "frameworks.*"), frozenset({"numpy"})),
    Row(
        "tests.toy_framework.*",
        ("tests.toy_framework", "tests.toy_framework.*", *MODEL_LANGUAGE),
        frozenset({"numpy"}),
    ),
)
ENDS = {"framegate.plugin", "framegate.cli", "framegate.asv"}  # nothing imports them
BANNED = {"utils", "helpers", "common", "manager", "base", "info", "handle", "misc"}


class Import(NamedTuple):
    line: int
    target: str  # the module, absolute


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in python_files(*OURS)}
PACKAGES = {".".join(name.split(".")[:depth]) for name in MODULES for depth in range(1, name.count(".") + 1)}


def imports_of(source: str, module: str, is_package: bool = False) -> Iterator[Import]:
    """Yield what a module imports, wherever in it. "suite" is the private package that the worker mounts the root as."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (Import(node.lineno, alias.name.removeprefix("suite.")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = module.split(".")[: -node.level or None] if not is_package else module.split(".")
            if is_package and node.level > 1:
                start = start[: 1 - node.level]
            named = (start if node.level else []) + (node.module.split(".") if node.module else [])
            named = named[1:] if named[:1] == ["suite"] else named
            for alias in node.names:
                longer = ".".join([*named, alias.name])
                yield Import(node.lineno, longer if longer in MODULES else ".".join(named))


def imports(module: str) -> list[Import]:
    path = MODULES[module]
    return list(imports_of(path.read_text(encoding="utf-8"), module, path.name == "__init__.py"))


def root_of(target: str) -> str:
    return target.partition(".")[0]


def is_ours(target: str) -> bool:
    return target in MODULES or target in PACKAGES or root_of(target) in OURS


def may_import(row: Row, target: str) -> bool:
    if is_ours(target):
        return any(fnmatchcase(target, pattern) for pattern in row.ours)
    if root_of(target) in sys.stdlib_module_names:
        return True
    if row.theirs is None:
        return root_of(target) not in FRAMEWORK_OF.keys() | PYTEST
    return root_of(target) in row.theirs


def complaint(place: str, line: int, module: str, target: str, row: Row) -> str:
    ours = " ".join(row.ours) or "nothing"
    theirs = "all but frameworks and pytest" if row.theirs is None else " ".join(sorted(row.theirs)) or "nothing"
    return (
        f"{place}:{line}: {module} imports {target}; of ours it may import {ours}; of others, besides the standard library,"
        f" {theirs}. Move the code, or change the table here and in docs/architecture.md and say why"
    )


def broken(module: str, found: list[Import], row: Row, place: str) -> list[str]:
    allowed = PYTEST if module == "framegate.plugin" else set()
    return [
        complaint(place, line, module, target, row)
        for line, target in found
        if not may_import(row, target) and root_of(target) not in allowed
    ]


def row_of(module: str) -> Row | None:
    return next((row for row in TABLE if fnmatchcase(module, row.modules)), None)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.modules)
def test_modules_import_only_what_their_row_of_the_table_allows(row):
    modules = [module for module in MODULES if row_of(module) is row]
    assert modules, f"{row.modules} holds for no module; is it behind a row that takes them?"
    complaints = []
    for module in modules:
        complaints += broken(module, imports(module), row, str(MODULES[module].relative_to(ROOT)))
    assert not complaints, "\n" + "\n".join(complaints)


def test_every_module_of_the_two_worlds_has_a_row():
    measured = [
        module for module in MODULES if root_of(module) in OURS[:5] or module.startswith("tests.toy_framework.")
    ]
    assert [module for module in measured if row_of(module) is None] == []


def test_a_broken_rule_is_told_with_file_line_and_what_is_allowed():
    source = "import json\n\ndef load():\n    from framegate.stats import verdict\n    import torch.nn\n"
    row = Row("framegate.runner.*", ("framegate.runner.*", ERRORS), None)
    found = broken("framegate.runner.cell", list(imports_of(source, "framegate.runner.cell")), row, "cell.py")
    assert [text.partition(" Move")[0] for text in found] == [
        "cell.py:4: framegate.runner.cell imports framegate.stats.verdict; of ours it may import framegate.runner.*"
        " framegate.errors; of others, besides the standard library, all but frameworks and pytest.",
        "cell.py:5: framegate.runner.cell imports torch.nn; of ours it may import framegate.runner.*"
        " framegate.errors; of others, besides the standard library, all but frameworks and pytest.",
    ]


@pytest.mark.parametrize(
    ("module", "is_package", "line", "target"),
    [
        ("frameworks.mxnet_session", False, "from ..models.layers import Conv", "models.layers"),
        ("frameworks.mxnet_session", False, "from ..models import layers", "models.layers"),
        ("tests.toy_framework.session", False, "from ...models import optimizers", "models.optimizers"),
        ("tests.toy_framework.session", False, "from . import faults", "tests.toy_framework.faults"),
        ("framegate.stats", True, "from .verdict import Verdict", "framegate.stats.verdict"),
        ("framegate.stats", True, "from ..errors import FramegateError", "framegate.errors"),
        ("worker.main", False, "import suite.models.layers", "models.layers"),
        ("worker.main", False, "from suite.models import layers", "models.layers"),
    ],
)
def test_relative_imports_are_understood(module, is_package, line, target):
    assert [found.target for found in imports_of(line, module, is_package)] == [target]


def test_nothing_imports_the_plugin_the_commands_or_asvs_part():
    found = [
        f"{module}:{line} imports {target}"
        for module in MODULES
        if module.startswith("framegate.") and module != "framegate.__main__"
        for line, target in imports(module)
        if target in ENDS
    ]
    assert found == []


def test_the_modules_of_stats_import_downwards_only():
    graph = {module: [i.target for i in imports(module)] for module in MODULES if module.startswith("framegate.stats.")}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("these import each other in a circle: " + " -> ".join(error.args[1]))


def test_only_the_plugin_imports_pytest():
    importers = {
        module
        for module in MODULES
        if root_of(module) not in ("tests", "benchmarks")
        and any(root_of(found.target) in PYTEST for found in imports(module))
    }
    assert importers <= {"framegate.plugin"}


def test_collecting_imports_no_framework():
    collected = [ROOT / "conftest.py", *sorted((ROOT / "benchmarks").glob("*.py"))]
    found = [
        f"{path.name}:{line} imports {target}"
        for path in collected
        for line, target in imports_of(path.read_text(encoding="utf-8"), module_of(path))
        if root_of(target) in FRAMEWORK_OF
    ]
    assert len(collected) >= 3
    assert found == []


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith("frameworks.")])
def test_an_adapter_imports_one_framework_and_is_not_named_like_it(module):
    roots = {root_of(found.target) for found in imports(module)}
    used = {FRAMEWORK_OF.get(root, root) for root in roots & (FRAMEWORK_OF.keys() | {"sklearn"})}
    assert len(used) <= 1, f"{module} imports {sorted(used)}; split it into one file each"
    assert module.rpartition(".")[2] not in roots


def test_no_module_has_a_name_that_says_nothing():
    parts = {module: set(module.replace("_", ".").split(".")) & BANNED for module in MODULES}
    assert {module: found for module, found in parts.items() if found} == {}


def test_no_function_is_named_as_if_asv_should_collect_it():
    found = [
        f"{module}:{node.lineno}: {node.name}"
        for module, path in MODULES.items()
        if not module.startswith("benchmarks.asv_suite")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith(("time_", "track_", "mem_", "peakmem_"))
    ]
    assert found == []
