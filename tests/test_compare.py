"""framegate compare: stored runs, journals, exit statuses, and clear words for bad files."""

import json
import os
import pty
import random
import subprocess
import sys
from pathlib import Path

import pytest
from foreign import BAD, saved

from framegate.cli import main
from framegate.commands.compare import read_side
from framegate.runner.run import machine
from framegate.stats.samples import mismatches


def run_file(path, seed, factor=1.0, name="test_a.py::test_x", rounds=20):
    """Write one process of somebody else's benchmark."""
    noise = random.Random(f"{path} {seed}")
    level = factor * noise.lognormvariate(0, 0.01)
    data = [level * noise.lognormvariate(0, 0.01) for _ in range(rounds)]
    benchmark = {"fullname": name, "stats": {"data": data}, "extra_info": {}}
    Path(path).write_text(json.dumps({"version": "5.3.1", "machine_info": {}, "benchmarks": [benchmark]}))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number in range(5):
        run_file(f"before-{number}.json", 1)
        run_file(f"after-{number}.json", 2)
        run_file(f"slow-{number}.json", 3, 1.2)
    return tmp_path


def test_files_of_one_side_are_replicates_and_unchanged_code_is_green(folder, capsys):
    assert main(["compare", "before-*.json", "after-*.json"]) == 0
    assert "1 same: safe" in capsys.readouterr().out


def test_a_slow_down_has_its_own_status(folder, capsys):
    assert main(["compare", "before-*.json", "slow-*.json"]) == 10
    words = capsys.readouterr().out.splitlines()[2].split()
    assert words[0] == "slower"
    assert float(words[1]) == pytest.approx(1.2, rel=0.02)


def test_each_run_is_compared_with_the_first_and_the_worst_status_counts(folder, capsys):
    assert main(["compare", "before-*.json", "after-*.json", "slow-*.json", "before-0.json"]) == 10
    out = capsys.readouterr().out
    assert out.count("against before-*.json") == 3


def test_one_file_a_side_is_unsure(folder, capsys):
    assert main(["compare", "before-0.json", "slow-0.json"]) == 11
    assert "1 baseline and 1 current processes, policy asks 5 a side" in capsys.readouterr().out
    assert main(["compare", "before-0.json", "slow-0.json", "--fail", "never"]) == 0
    assert main(["compare", "before-0.json", "slow-0.json", "--unit", "round"]) == 10


def test_a_folder_is_one_side(folder):
    (folder / "old").mkdir()
    for path in sorted(folder.glob("before-*.json")):
        path.rename(folder / "old" / path.name)
    assert main(["compare", "old", "slow-*.json"]) == 10


def test_margins_are_for_all_or_for_cells_by_name(folder, capsys):
    assert main(["compare", "before-*.json", "slow-*.json", "--margin", "50%"]) == 0
    assert main(["compare", "before-*.json", "slow-*.json", "--margin", "test_x=0.5"]) == 0
    assert main(["compare", "before-*.json", "slow-*.json", "--margin", "test_y=0.5"]) == 2
    assert "no cell has 'test_y' in its name" in capsys.readouterr().err


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_told_by_name_and_nothing_is_written(tmp_path, monkeypatch, capsys, kind):
    monkeypatch.chdir(tmp_path)
    content, words = BAD[kind]
    Path("bad.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    Path("good.json").write_text(saved())
    for sides in (["good.json", "bad.json"], ["bad.json", "good.json"]):
        assert main(["compare", *sides]) == 2
        out, err = capsys.readouterr()
        assert err.startswith("framegate: bad.json: ")
        assert words in err
        assert out == ""
    assert sorted(path.name for path in Path().iterdir()) == ["bad.json", "good.json"]


@pytest.mark.parametrize("missing", ["gone.json", "gone-*.json", "gone/"])
def test_a_missing_file_is_told(tmp_path, monkeypatch, capsys, missing):
    monkeypatch.chdir(tmp_path)
    assert main(["compare", missing, missing]) == 2
    assert f"framegate: {missing}: no such file; wanted JSON" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("side", "words"), [(".", ".: a folder without *.json; wanted JSON"), ("", "an empty name; wanted")]
)
def test_an_empty_folder_is_told_and_an_empty_name_is_not_the_folder_here(folder, capsys, side, words):
    (folder / "empty").mkdir()
    os.chdir(folder / "empty" if side else folder)
    assert main(["compare", side, side]) == 2
    assert f"framegate: {words}" in capsys.readouterr().err


def test_too_few_processes_are_no_pass_though_their_numbers_are_shown(folder, capsys):
    assert main(["compare", "before-[012].json", "slow-[01].json", "--test", "welch"]) == 11
    assert "3 baseline and 2 current processes, policy asks 5 a side" in capsys.readouterr().out


def test_a_commit_that_is_no_object_does_not_stop_a_comparison(folder):
    for path in folder.glob("*.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"commit_info": "abc"}))
    assert main(["compare", "before-*.json", "slow-*.json"]) == 10


def test_a_million_rounds_and_any_name_are_compared(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    name = "test_ü.py::test_日本語[🦀\N{RIGHT-TO-LEFT OVERRIDE}\ud800\n]"
    run_file("a.json", 1, name=name, rounds=1_000_000)
    run_file("b.json", 2, 1.2, name=name, rounds=1000)
    assert main(["compare", "a.json", "b.json", "--unit", "round"]) == 10
    out = capsys.readouterr().out
    assert "日本語" in out
    assert max(map(len, out.splitlines())) <= 100


def test_a_journal_of_something_else_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for content in ('{"event": "process", "process": 1}\n', '["event"]\n{}\n{}\n', "{}\n{}\n"):
        Path("x.jsonl").write_text(content)
        assert main(["compare", "x.jsonl", "x.jsonl"]) == 2
        assert capsys.readouterr().err.startswith("framegate: x.jsonl")


def test_what_a_run_really_stores_is_read_from_its_json_and_from_its_journal(toy_suite):
    assert toy_suite.pytest("--benchmark-json=out.json").returncode == 0
    (journal,) = (toy_suite.root / ".framegate" / "journal").glob("*.jsonl")
    metrics = ("seconds", "first_step_seconds", "peak_bytes", "accuracy", "loss")
    stored = read_side(str(toy_suite.root / "out.json"), metrics, frozenset(), Path())
    told = read_side(str(journal), metrics, frozenset(), Path())
    assert {(name.rpartition("::")[2], metric) for name, metric in stored.samples} == {
        *(("test_training[toy/logistic_regression/digits/b32]", metric) for metric in metrics),
        *(("test_training[toy/logistic_regression/digits/b32/adam]", metric) for metric in metrics),
        ("test_inference[toy/logistic_regression/digits/b32]", "inference_seconds"),
        ("test_inference[toy/logistic_regression/digits/b32]", "peak_bytes"),
    }
    assert stored.left_out == told.left_out == {}
    assert stored.samples.keys() == told.samples.keys()
    for key, sample in stored.samples.items():
        assert [series.tolist() for series in sample.processes] == [s.tolist() for s in told.samples[key].processes]
        assert len(sample.processes) == 2
        assert {"machine", "model", "device", "fingerprint", "settings.batch_size"} <= sample.conditions.keys()
        assert mismatches(sample, told.samples[key], frozenset({"machine"})) == []
    too_few = main(["compare", str(journal), str(toy_suite.root / "out.json"), "--allow", "machine"])
    assert too_few == 11  # 2 processes a side


def test_calibrate_says_what_this_machine_can_tell_apart(toy_suite, capsys):
    suite = ["--suite", str(toy_suite.root), "calibrate"]
    assert main([*suite, "b32/adam", "--processes", "10", "--epochs", "4"]) == 0
    out = capsys.readouterr().out
    assert "saved in" in out
    stored = json.loads((toy_suite.root / ".framegate" / "calibration.json").read_text())
    (cell,) = stored["cells"].values()
    assert cell["name"] == "toy/logistic_regression/digits/b32/adam"
    assert cell["upper"] >= cell["false_alarms"] / cell["comparisons"]
    assert cell["detectable"] > 1
    assert cell["processes"] >= 2
    assert stored["machine"]["processors"] >= 1


def test_what_was_calibrated_here_is_shown_below_the_table_and_another_machines_is_not(folder, capsys):
    Path(".framegate").mkdir()
    path = Path(".framegate/calibration.json")
    cell = {"false_alarms": 30, "comparisons": 2000, "upper": 0.0213, "detectable": 1.061}
    stored = {"machine": machine(), "date": "2026-11-21T06:00", "cells": {"a": cell, "b": cell | {"detectable": 1.08}}}
    path.write_text(json.dumps(stored))
    main(["compare", "before-*.json", "after-*.json"])
    told = " ".join(capsys.readouterr().out.split())
    assert "On this machine unchanged cells were called shifted in 1.5% of 4,000 comparisons (at most 2.1%" in told
    for other in (stored | {"machine": {"processors": 64}}, {}, [], stored | {"cells": {"a": {}}}):
        path.write_text(json.dumps(other))
        assert main(["compare", "before-*.json", "after-*.json"]) == 0
        assert "On this machine" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nope"], "no cell has 'nope' in its id; there are: toy/"),
        (["adam", "--processes", "9"], "9 processes of 11 epochs: wanted at least 10 of 2"),
        (["adam", "--epochs", "1"], "20 processes of 1 epochs: wanted at least 10 of 2"),
    ],
)
def test_calibrate_refuses_in_words(toy_suite, capsys, arguments, words):
    assert main(["--suite", str(toy_suite.root), "calibrate", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_colours_are_for_terminals(folder):
    command = [sys.executable, "-m", "framegate", "compare", "before-*.json", "slow-*.json"]
    main_end, terminal = pty.openpty()
    with subprocess.Popen(command, stdout=terminal, env=os.environ | {"NO_COLOR": ""}) as process:
        assert process.wait() == 10
    os.close(terminal)
    assert b"\x1b[31mslower" in os.read(main_end, 10_000)
    os.close(main_end)
    piped = subprocess.run(
        [*command, "--quiet"], capture_output=True, env=os.environ | {"PYTHONIOENCODING": "ascii"}, check=False
    )
    assert b"\x1b" not in piped.stdout
    assert b"slower" in piped.stdout
