"""Every epoch as CSV and Parquet, and the list of runs."""

import csv
import json
from pathlib import Path

import pytest

from framegate.cli import main


def test_every_epoch_is_exported_with_all_its_digits(invented_runs):
    assert main(["report", "before", "--data", "csv", "--data", "json"]) == 0
    document = json.loads(Path("report/report.json").read_text())
    with open("report/epochs.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 10 * 5 * 4
    seconds = [s for c in document["cells"] for p in c["processes"] for s in p["epochs"]["seconds"]]
    assert [float(row["seconds"]) for row in rows] == seconds
    assert [row["warm_up"] for row in rows[:4]] == ["True", "False", "False", "False"]
    assert {row["cell"] for row in rows[-20:]} == {"torch-2.13/lenet/dataset-0/b32"}


def test_parquet_holds_the_same_rows(invented_runs):
    parquet = pytest.importorskip("pyarrow.parquet")
    assert main(["report", "before", "--data", "csv", "--data", "parquet"]) == 0
    table = parquet.read_table("report/epochs.parquet").to_pydict()
    with open("report/epochs.csv", newline="") as file:
        assert [float(row["seconds"]) for row in csv.DictReader(file)] == table["seconds"]
    assert table["device_peak_bytes"] == [None] * 200


def test_a_formula_in_a_name_is_disarmed_in_csv(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    benchmark = {"fullname": "=cmd()", "stats": {"data": [0.01]}, "extra_info": {}}
    Path("a.json").write_text(json.dumps({"version": "5.3.1", "benchmarks": [benchmark]}))
    assert main(["report", "a.json", "--data", "csv"]) == 0
    assert "'=cmd()" in Path("report/epochs.csv").read_text()


def test_the_history_is_a_line_a_run(invented_runs, capsys):
    journal = invented_runs / ".framegate/journal/after.jsonl"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-30]))
    assert main(["runs"]) == 0
    _, after, before = capsys.readouterr().out.splitlines()
    assert before.split() == ["before", "50", "0", "0"]
    assert after.split() == ["after", "46", "0", "0", "cut", "short,", "or", "still", "running"]


def test_no_history_says_how_to_start_one(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["runs"]) == 2
    assert "no runs; start one with: pytest benchmarks" in capsys.readouterr().err
