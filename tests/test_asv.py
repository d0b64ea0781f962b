"""asv over releases, with its own commands: each release in its cached environment, its workers' durations bit for bit."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from framegate.report.measures import MEASURES
from framegate.runner.journal import read_journal, results_of

ROOT = Path(__file__).parent.parent
CELL = "logistic_regression/digits/b32/adam"
# The toy framework computes with numpy: its releases stand for the framework's. One is what the environment toy declares;
# the other is solved and built on the way; the third does not exist.
RELEASES = "numpy==2.2.6 2025-05-17\nnumpy==2.4.6 2026-05-18\nnumpy==2.99.0 2026-06-01\n"


@pytest.fixture(scope="module")
def measured(toy_suite_of, tmp_path_factory):
    """Return a suite in which asv has run its quickest over three releases, and what it printed."""
    suite = toy_suite_of(tmp_path_factory.mktemp("asv") / "suite")
    text = (ROOT / "asv.conf.json").read_text()
    (suite.root / "asv.conf.json").write_text(re.sub(r'"branches": \[.*\]', '"branches": ["numpy"]', text))
    (suite.root / "list.txt").write_text(RELEASES)
    command = [sys.executable, "-m", "framegate", "releases", "--list", "list.txt"]
    assert subprocess.run(command, cwd=suite.root, capture_output=True, check=False).returncode == 0
    (suite.root / "chosen.txt").write_text("numpy-2.2.6\nnumpy-2.4.6\nnumpy-2.99.0\n")
    asv(suite, "machine", "--yes")
    options = ("--record-samples", "-a", "rounds=2", "-b", r"time_(epoch|first_step).*b32.?.?(adam|$)|test_error")
    done = asv(suite, "run", *options, "HASHFILE:chosen.txt")
    return suite, done.stdout + done.stderr


def asv(suite, *arguments):
    command = [sys.executable, "-m", "asv", *arguments]
    home = {"HOME": str(suite.root)}  # asv keeps its description of the machine there
    return subprocess.run(command, cwd=suite.root, capture_output=True, text=True, check=False, env=os.environ | home)


def results(suite):
    """Return, by commit, what asv stored of each benchmark: its columns by name."""
    found = {}
    for path in (suite.root / ".framegate/asv/results").glob("*/*-framegate-pyown.json"):
        content = json.loads(path.read_text())
        columns = content["result_columns"]
        rows = {name: dict(zip(columns, row, strict=False)) for name, row in content["results"].items()}
        found[content["commit_hash"]] = rows
    return found


def commit(suite, tag):
    command = ["git", "--git-dir", str(suite.root / ".framegate/releases"), "rev-parse", f"{tag}^{{commit}}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def processes(suite, part):
    """Return the records of a cell's processes from the journal of asv's run."""
    (journal,) = (suite.root / ".framegate/journal").glob("asv-*.jsonl")
    found = results_of(read_journal(journal)[0])
    return [one.record() for (cell, _, _), one in sorted(found.items()) if part in cell and cell.endswith("/adam")]


@pytest.mark.parametrize(("release", "part"), [("numpy-2.4.6", "toy/"), ("numpy-2.2.6", "numpy-2.2.6/")])
@pytest.mark.parametrize("name", ["training.time_epoch", "training.time_first_step"])
def test_asvs_samples_are_the_workers_own_durations_one_a_process(measured, release, part, name):
    suite, printed = measured
    row = results(suite)[commit(suite, release)][name]
    sample = row["samples"][row["params"][0].index(f"'{CELL}'")]
    own = [MEASURES[name].value(record) for record in processes(suite, part)]
    assert len(own) == 2, printed
    assert sorted(sample) == sorted(own)


def test_the_workers_of_each_release_had_that_release(measured):
    suite, _ = measured
    versions = {
        part: {one["about"]["versions"]["numpy"] for one in processes(suite, part)} for part in ("toy/", "2.2.6/")
    }
    assert versions == {"toy/": {"2.4.6"}, "2.2.6/": {"2.2.6"}}


def test_a_release_that_cannot_be_had_is_told_in_words_and_the_others_are_measured(measured):
    suite, printed = measured
    assert "no version of numpy==2.99.0" in printed
    assert "Traceback" not in printed
    row = results(suite)[commit(suite, "numpy-2.99.0")]["training.time_epoch"]
    assert (row["result"], row.get("samples")) == (None, None)


def test_asv_compares_and_publishes_what_it_ran(measured):
    suite, _ = measured
    compared = asv(suite, "compare", "numpy-2.2.6", "numpy-2.4.6")
    assert f"training.time_epoch('{CELL}')" in compared.stdout
    assert asv(suite, "publish").returncode == 0
    index = json.loads((suite.root / ".framegate/asv/html/index.json").read_text())
    assert set(index["tags"]) == {"numpy-2.2.6", "numpy-2.4.6", "numpy-2.99.0"}
