"""Somebody else's pytest-benchmark suite, its durations drawn from a seed: noise where nothing changed, a shift where planted."""

import json
from importlib.metadata import entry_points
from pathlib import Path

CONFTEST = """
import os
import random

import pytest


def pytest_benchmark_generate_machine_info():
    cpu = {"brand_raw": os.environ.get("PROCESSOR", "EPYC"), "count": 2}
    return {"system": "Linux", "machine": "x86_64", "cpu": cpu}


def pytest_benchmark_generate_commit_info():
    return {}  # without asking git


class Clock:
    __name__ = "clock"

    def __init__(self, name):
        self.random = random.Random(name + os.environ.get("SEED", "1"))
        self.now, self.running = 0.0, False
        self.scale = float(os.environ.get("FACTOR", "1")) if "parse" in name else 1.0

    def __call__(self):
        if self.running:
            self.now += 0.01 * self.scale * self.random.lognormvariate(0, 0.02)
        self.running = not self.running
        return self.now


@pytest.fixture(autouse=True)
def clock(request):
    request.node.add_marker(pytest.mark.benchmark(timer=Clock(request.node.name)))
"""

SUITE = """
import pytest


def test_parse(benchmark):
    benchmark.pedantic(lambda: None, rounds=20)


@pytest.mark.parametrize("size", [1, 2])
def test_write(benchmark, size):
    benchmark.pedantic(lambda: None, rounds=20)


def test_plain():
    pass
"""

# What Framegate's own benchmarks hand to pytest-benchmark: processes of epochs, the first being warm-up.
CELLS = """
import os
import random

import pytest


def record(cell, process):
    noise = random.Random(f"{cell} {process} {os.environ.get('SEED', '1')}")
    scale = float(os.environ.get("FACTOR", "1")) * noise.lognormvariate(0, 0.01)
    seconds = [2.0] + [scale * noise.lognormvariate(0, 0.01) for _ in range(6)]
    return {"epochs": [{"number": k, "seconds": s, "test_accuracy": 0.9} for k, s in enumerate(seconds, 1)]}


@pytest.mark.parametrize("cell", ["mxnet-1.9/lenet/digits/b32"])
def test_training(benchmark, cell):
    settings = {"model": os.environ.get("MODEL", "lenet"), "device": "cpu", "batch_size": 32}
    processes = [record(cell, process) for process in range(5)]
    benchmark.extra_info.update(cell=cell, settings=settings, dataset={"fingerprint": "aa"}, processes=processes)
    benchmark.pedantic(lambda: None, rounds=5)
"""


ROUNDS = "--shift-unit=round"


def plugin_options():
    """Return what loads the plugin where the package is not installed."""
    installed = any(point.value == "framegate.plugin" for point in entry_points(group="pytest11"))
    return [] if installed else ["-p", "framegate.plugin"]


def saved(**changes):
    """Return the text of a saved run of test_parse."""
    stats = {"median": 0.01, "rounds": 3, "data": [0.01, 0.011, 0.012]} | changes.pop("stats", {})
    benchmark = {"fullname": "test_foreign.py::test_parse", "stats": stats, "extra_info": {}}
    return json.dumps({"benchmarks": [benchmark], "machine_info": {}, "version": "5.3.1"} | changes)


BAD = {
    "empty": ("", "empty"),
    "truncated": (saved()[:-20], "not JSON, or cut short"),
    "not JSON": ("<html>", "not JSON"),
    "another JSON": ("[1]", "no list `benchmarks`"),
    "another version": (saved(version="99.1"), "version is '99.1'"),
    "NaN": (saved(stats={"data": [0.1, float("nan")]}), "test_parse: stats.data: value 1 is nan"),
    "zero": (saved(stats={"data": [0.0]}), "stats.data: value 0 is 0; wanted more than zero"),
    "negative": (saved(stats={"data": [-0.1]}), "stats.data: value 0 is -0.1"),
    "infinite": (saved(stats={"data": [float("inf")]}), "stats.data: value 0 is inf"),
    "not UTF-8": (b"\xff\xfe", "not text in UTF-8"),
}


class Suite:
    """A folder with a suite, and what its owner does there."""

    def __init__(self, pytester, monkeypatch):
        self.pytester, self.monkeypatch = pytester, monkeypatch
        pytester.makeconftest(CONFTEST)
        pytester.makepyfile(test_foreign=SUITE)

    def pytest(self, *arguments, **variables):
        for name, value in variables.items():
            self.monkeypatch.setenv(name, str(value))
        # hypothesis would be loaded anew, rewritten, in each run
        options = ["--benchmark-quiet", "-p", "no:hypothesispytest", *plugin_options()]
        found = self.pytester.runpytest_inprocess(*options, *arguments)
        for name in variables:
            self.monkeypatch.delenv(name)
        return found

    def save(self, name="before", *arguments, **variables):
        assert self.pytest(f"--benchmark-save={name}", "--benchmark-save-data", *arguments, **variables).ret == 0

    def files(self):
        return {path: path.read_bytes() for path in Path().rglob("*.json")}


def row(result, cell):
    """Return the words of a cell's line in the section."""
    lines = [line.split() for line in result.outlines if f" {cell}" in line]
    return next(words for words in lines if words[0] in ("slower", "faster", "same", "unsure", "missing", "new"))


def text(result):
    return result.stdout.str() + result.stderr.str()
