"""A suite of toy cells in a folder of its own, for tests of the whole way from pytest to the journal."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from foreign import Suite

from benchmarks.harness.scale import write_run
from framegate.runner.declarations import Environment, load
from framegate.runner.environments import built_folder, is_built
from framegate.runner.jobs import Launch
from framegate.runner.journal import Record, read_journal
from framegate.runner.matrix import read_matrix
from framegate.runner.run import launch_outside

ROOT = Path(__file__).parent.parent
COPIED = ("benchmarks", "models", "datasets", "frameworks", "worker", "tests/toy_framework")

MATRIX = """
[defaults]
seed = 1
threads = 1
limit_seconds = 60
[tiers.quick]
processes = 2
epochs = 3
reruns = 0
[tiers.nightly]
processes = 2
epochs = 3
reruns = 1

[[cells]]
model = "logistic_regression"
dataset = "digits"
environments = ["toy"]
batch_size = 32
optimizer = { name = "sgd", learning_rate = 0.1, momentum = 0.9 }
floor = 0.85
inference = true

[[cells]]
model = "logistic_regression"
dataset = "digits"
environments = ["toy"]
batch_size = 32
variant = "adam"
optimizer = { name = "adam", learning_rate = 0.01 }
floor = 0.85
"""


@dataclass(frozen=True)
class ToySuite:
    """The folder, and what a user does there."""

    root: Path

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "benchmarks", *arguments]

    def pytest(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*arguments), cwd=self.root, capture_output=True, text=True, check=False)

    def journal(self) -> Path:
        """Return the path of the only run's journal."""
        (path,) = (self.root / ".framegate" / "journal").glob("*.jsonl")
        return path

    def records(self) -> list[Record]:
        return read_journal(self.journal())[0]

    def environment(self, **variables: str) -> Environment:
        return replace(load(self.root / "environments")["toy"], variables=variables)

    def fault(self, fault: str) -> None:
        """Let the toy framework fail: "crash@2"."""
        with (self.root / "environments" / "toy.toml").open("a") as file:
            file.write(f'\n[variables]\nTOY_FAULT = "{fault}"\n')

    def launch(self, name: str, **variables: str) -> Launch:
        """Return a launch of the first cell's first process, with its files in a folder of that name."""
        environment = self.environment(**variables)
        cell = read_matrix(self.root / "matrix.toml", {"toy": environment})[0]
        return launch_outside(cell, environment, self.root, self.root / name)


@pytest.fixture(scope="session")
def toy_stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of built environments and decoded data that all toy suites of a session share."""
    return tmp_path_factory.mktemp("stores")


@pytest.fixture(scope="session")
def toy_suite_of(toy_stores: Path) -> Callable[[Path], ToySuite]:
    """Return what makes a suite of toy cells in a folder."""
    return lambda root: _toy_suite(root, toy_stores)


@pytest.fixture
def toy_suite(tmp_path: Path, toy_stores: Path) -> ToySuite:
    return _toy_suite(tmp_path / "suite", toy_stores)


def _toy_suite(root: Path, toy_stores: Path) -> ToySuite:
    for folder in COPIED:
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__", "harness"))
    for name in ("conftest.py", "pytest.ini"):
        shutil.copy(ROOT / name, root / name)
    (root / "environments").mkdir()
    for name in ("toy.toml", "toy.cpu.lock"):
        shutil.copy(ROOT / "tests/toy_framework/environments" / name, root / "environments" / name)
    (root / "matrix.toml").write_text(MATRIX, encoding="utf-8")
    (root / ".framegate").mkdir()
    for store in ("envs", "data"):
        (toy_stores / store).mkdir(exist_ok=True)
        os.symlink(toy_stores / store, root / ".framegate" / store)
    return ToySuite(root)


@pytest.fixture
def built_environment(request: pytest.FixtureRequest) -> Callable[[str], Environment]:
    """Return what returns a built environment; others are skipped, those of the quick tier fail under --strict-environments."""

    def environment_of(name: str) -> Environment:
        environment = load(ROOT / "environments")[name]
        if not is_built(built_folder(environment, "cpu", ROOT / ".framegate" / "envs")):
            missing = f"{name} is not built; build it with: framegate envs build {name}"
            quick = {cell.environment for cell in request.config.framegate_cells if cell.tier == "quick"}
            is_wanted = request.config.option.strict_environments and name in quick
            (pytest.fail if is_wanted else pytest.skip)(missing)
        return environment

    return environment_of


@pytest.fixture
def framegate(toy_suite):
    """Return what runs the framegate command in the toy suite."""

    def run(*arguments):
        command = [sys.executable, "-m", "framegate", *arguments]
        return subprocess.run(command, cwd=toy_suite.root, capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """Return somebody else's suite, in a folder of its own."""
    return Suite(pytester, monkeypatch)


@pytest.fixture
def invented_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with two invented runs, of which the second has TensorFlow 2.20 and 2.21 a fifth slower."""
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path / ".framegate", "before", works=1, processes=5, epochs=4)
    write_run(tmp_path / ".framegate", "after", works=1, processes=5, epochs=4, slower=1.2, seed=2)
    return tmp_path
