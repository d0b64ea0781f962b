"""The document of stored runs, and the folder that is written of it."""

import json
import re
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from foreign import saved
from sklearn.metrics import classification_report

from benchmarks.harness.scale import ENVIRONMENTS
from framegate.cli import main
from framegate.report.cells import classifications, phase_shares
from framegate.report.markdown import MOST_CHARACTERS, markdown

SCHEMA = json.loads((Path(__file__).parent.parent / "framegate/report/schema.json").read_text(encoding="utf-8"))


def report(*arguments):
    """Return the document that the command writes, checked against the schema."""
    assert main(["report", *arguments, "--data", "json"]) == 0
    document = json.loads(Path("report/report.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, SCHEMA)
    return document


def cell_of(document, name):
    (cell,) = [cell for cell in document["cells"] if cell["id"] == name]
    return cell


def embedded(folder="report"):
    page = Path(folder, "index.html").read_text(encoding="utf-8")
    return page, json.loads(re.search(r'<script type="application/json" id="document">(.*?)</script>', page)[1])


def test_two_runs_are_compared_and_the_answer_is_on_the_page(invented_runs, capsys):
    document = report("before", "after")
    slower = {
        verdict["name"] for verdict in document["verdicts"] if (verdict["kind"], verdict["word"]) == ("run", "slower")
    }
    assert slower == {"tensorflow-2.20/lenet/dataset-0/b32", "tensorflow-2.21/lenet/dataset-0/b32"}
    assert document["answers"][0]["word"] == "worse"
    assert "Worse: 2 of 10 got slower or worse" in capsys.readouterr().out
    assert "<h1>Worse: 2 of 10 got slower or worse</h1>" in embedded()[0]


def test_margins_are_for_the_cells_that_they_name(invented_runs):
    document = report("before", "after", "--margin", "tensorflow-2.20=0.5")
    slower = {v["name"] for v in document["verdicts"] if (v["kind"], v["word"]) == ("run", "slower")}
    assert slower == {"tensorflow-2.21/lenet/dataset-0/b32"}


def test_each_upgrade_within_a_run_is_a_step(invented_runs):
    document = report("after")
    cells = document["cells"]
    steps = {
        (cells[v["baseline"]]["environment"], cells[v["current"]]["environment"]): v["word"]
        for v in document["verdicts"]
        if v["kind"] == "step"
    }
    assert document["answers"] == []
    assert sorted(steps) == [
        ("mxnet-1.8", "mxnet-1.9"),
        ("tensorflow-2.18", "tensorflow-2.19"),
        ("tensorflow-2.19", "tensorflow-2.20"),
        ("tensorflow-2.20", "tensorflow-2.21"),
    ]
    assert steps["tensorflow-2.19", "tensorflow-2.20"] == "slower"


def test_a_step_is_counted_and_its_row_says_from_what(invented_runs, capsys):
    report("before", "after")
    summary = Path("report/summary.md").read_text()
    assert "upgrades from version to version within after: 3 slower, 1 unsure" in capsys.readouterr().out
    assert "| tensorflow-2.20/lenet/dataset-0/b32, against tensorflow-2.19 | **slower** |" in summary
    assert "| tensorflow-2.20/lenet/dataset-0/b32 | **slower** |" in summary


def test_of_three_runs_each_row_says_against_which(invented_runs):
    report("before", "after", "before")
    summary = Path("report/summary.md").read_text()
    assert "| tensorflow-2.20/lenet/dataset-0/b32, against before | **slower** |" in summary
    assert "| tensorflow-2.20/lenet/dataset-0/b32, against after | faster |" in summary


def test_a_cell_holds_its_processes_labels_phases_and_interval(invented_runs):
    cell = cell_of(report("before"), "tensorflow-2.18/lenet/dataset-0/b32")
    assert (cell["environment"], cell["family"], cell["version"]) == ("tensorflow-2.18", "tensorflow", "2.18")
    assert (cell["work"], cell["model"], cell["dataset"]) == ("lenet/dataset-0/b32", "lenet", "dataset-0")
    assert [len(process["epochs"]["seconds"]) for process in cell["processes"]] == [4] * 5
    low, high = cell["summary"]["epoch_seconds_interval"]
    assert low < cell["summary"]["epoch_seconds"] < high
    assert sum(cell["summary"]["phases"].values()) == pytest.approx(1)
    assert cell["summary"]["phases_interval"].keys() == cell["summary"]["phases"].keys()
    assert sum(map(sum, cell["labels"]["confusion"])) == cell["labels"]["rows"] == 1000
    wilson = cell["summary"]["accuracy_interval"]
    assert wilson[1] - wilson[0] == pytest.approx(2 * 1.96 * np.sqrt(0.8 * 0.2 / 1000), rel=0.1)


def test_environments_on_the_same_work_are_compared_with_the_first_where_there_are_many(invented_runs):
    (comparison,) = report("before")["comparisons"]
    assert len(comparison["cells"]) == len(ENVIRONMENTS) == 10
    assert [(pair["a"], pair["b"]) for pair in comparison["pairs"]] == [(0, b) for b in range(1, 10)]
    pair = comparison["pairs"][8]
    assert pair["seconds"]["word"] == "slower"
    assert pair["accuracy"]["test"] == "paired"
    assert pair["studies"]["seconds"]["df"] == 6
    assert pair["labels"]["mcnemar"]["name"].startswith("McNemar")
    assert 0.7 < pair["labels"]["kappa"] < 0.9


def test_a_phase_has_the_mean_share_of_the_processes_with_its_t_interval():
    phases = ({"import": 2.0, "epochs": 7.0}, {"import": 6.0, "epochs": 13.0}, {"import": 1.0, "epochs": 8.5})
    found = phase_shares(
        [{"wall_seconds": wall, "phases": own} for wall, own in zip((10.0, 20.0, 10.0), phases, strict=True)]
    )
    # Shares of 20, 30 and 10 %: mean 20 %, standard error 10 / sqrt(3) %, Student's t at 2 degrees of freedom 4.3027.
    assert found["phases"] == pytest.approx({"import": 0.2, "epochs": 0.7333333, "remainder": 0.0666667})
    assert found["phases_interval"]["import"] == pytest.approx([0, 0.4484137])
    assert found["phases_interval"]["remainder"] == pytest.approx([0, 0.1383777], abs=1e-6)
    assert "phases_interval" not in phase_shares([{"wall_seconds": 10.0, "phases": phases[0]}])


def test_scores_of_the_classes_are_scikit_learns():
    true, predicted = np.array([0, 0, 0, 1, 1, 2, 2, 2]), np.array([0, 0, 1, 1, 1, 2, 0, 2])
    table = np.zeros((4, 4), dtype=int)  # the fourth class never occurs
    np.add.at(table, (true, predicted), 1)
    wanted = classification_report(true, predicted, labels=range(4), output_dict=True, zero_division=0)
    _, found = classifications([[[1]], table])
    for score, name in (("precision", "precision"), ("recall", "recall"), ("f1", "f1-score"), ("support", "support")):
        assert found["report"][score] == pytest.approx([wanted[str(k)][name] for k in range(4)])
    assert found["weighted"]["f1"] == pytest.approx(wanted["weighted avg"]["f1-score"])


def test_missing_labels_are_missing_and_say_why(invented_runs):
    for path in invented_runs.glob(".framegate/runs/before/*/*/labels.npz"):
        path.unlink()
    document = report("before")
    cell = cell_of(document, "tensorflow-2.18/lenet/dataset-0/b32")
    assert cell["labels"] is None
    assert "no predicted labels of tensorflow-2.18/lenet/dataset-0/b32" in cell["labels_missing"]
    assert "accuracy_interval" not in cell["summary"]
    assert document["comparisons"][0]["pairs"][0]["labels"] is None


def test_a_run_cut_short_is_told(invented_runs, capsys):
    journal = invented_runs / ".framegate/journal/before.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:60]) + lines[60][:20])
    document = report("before")
    assert "before was cut short" in document["runs"][0]["notes"][1]
    assert document["cells"][-1]["status"] == "failed"
    assert document["cells"][-1]["reason"] == "process 3 was cut short"
    told = capsys.readouterr().out
    assert "line 61: cut short by a kill, left out" in told
    assert told.startswith("1 of 2 cells measured\n")


def test_how_many_processes_were_disturbed_is_said_first(invented_runs, capsys):
    journal = invented_runs / ".framegate/journal/before.jsonl"
    journal.write_text(journal.read_text().replace('"disturbed": null', '"disturbed": "other processes"', 3))
    words = "before: in 3 of 50 processes other work on the machine disturbed its processors"
    assert report("before")["runs"][0]["notes"][0].startswith(words)
    assert words in capsys.readouterr().out
    assert words in Path("report/summary.md").read_text()


def test_a_gates_journal_is_shown_without_its_drift_and_says_who_judged_it(invented_runs):
    journal = invented_runs / ".framegate/journal/before.jsonl"
    drift = journal.read_text().replace('"purpose": "training"', '"purpose": "drift"').splitlines()[1:-1]
    gate = journal.with_name("gate-1.jsonl")
    gate.write_text(
        "\n".join([*journal.read_text().splitlines()[:1], *drift, *journal.read_text().splitlines()[1:], ""])
    )
    document = report("gate-1")
    assert {cell["purpose"] for cell in document["cells"]} == {"training"}
    assert document["runs"][0]["notes"] == [
        "gate-1: framegate gate judged its alternating pairs; here they are independent processes"
    ]


def test_a_cell_below_its_floor_is_void(invented_runs):
    with (invented_runs / ".framegate/journal/before.jsonl").open("a") as file:
        void = {
            "event": "void",
            "cell": "mxnet-1.9/lenet/dataset-0/b32",
            "purpose": "training",
            "reason": "below the floor",
        }
        file.write(json.dumps(void) + "\n")
    (cell,) = [cell for cell in report("before")["cells"] if cell["status"] != "measured"]
    assert (cell["id"], cell["status"], cell["reason"]) == ("mxnet-1.9/lenet/dataset-0/b32", "void", "below the floor")
    assert cell["processes"] == []


def test_a_journal_of_an_older_framegate_is_refused_in_words(invented_runs, capsys):
    journal = invented_runs / ".framegate/journal/before.jsonl"
    journal.write_text(journal.read_text().replace('"study": "", ', ""))
    assert main(["report", "before"]) == 2
    assert "no journal of this version of Framegate: a record lacks 'study'; measure again" in capsys.readouterr().err
    assert not Path("report").exists()


def test_an_unknown_run_lists_the_known(invented_runs, capsys):
    assert main(["report", "nope"]) == 2
    assert "no run 'nope'; found after, before" in capsys.readouterr().err


def test_a_run_may_be_named_as_it_was_saved(invented_runs):
    storage = invented_runs / ".benchmarks/Linux-CPython-3.11-64bit"
    storage.mkdir(parents=True)
    (storage / "0001_old_one.json").write_text(saved())
    (storage / "0002_before.json").write_text(saved())
    (storage / "0003_old_one.json").write_text(saved())
    sources = [[Path(source).name for source in run["sources"]] for run in report("old_one", "0002")["runs"]]
    assert sources == [["0001_old_one.json", "0003_old_one.json"], ["0002_before.json"]]
    assert Path(report("before")["runs"][0]["sources"][0]).name == "before.jsonl"  # a run of that name comes first


@pytest.mark.parametrize("run", ["latest", "before"])
def test_where_nothing_is_stored_each_place_looked_at_is_named(tmp_path, monkeypatch, capsys, run):
    monkeypatch.chdir(tmp_path)
    assert main(["report", run]) == 2
    words = f"or a name of --benchmark-save, found none; or a run: .framegate/journal: no run '{run}'; found none"
    assert words in capsys.readouterr().err


def test_a_run_in_which_nothing_was_measured_is_no_report(invented_runs, capsys):
    (invented_runs / ".framegate/journal/nothing.jsonl").touch()
    assert main(["report", "nothing"]) == 2
    assert "framegate: nothing: nothing was measured; framegate runs says" in capsys.readouterr().err
    assert not Path("report").exists()


@pytest.mark.parametrize("wrong", [{"phases": [1]}, {"disturbed_before": 1}, {"wall_seconds": "long"}])
def test_a_field_that_is_none_of_ours_is_told_in_words(invented_runs, capsys, wrong):
    process = {"epochs": [{"seconds": 1.0}, {"seconds": 1.0}], "wall_seconds": 3.0} | wrong
    benchmark = {"fullname": "x", "extra_info": {"cell": "a/b/c/d", "processes": [process]}}
    Path("a.json").write_text(json.dumps({"version": "5.3.1", "benchmarks": [benchmark]}))
    assert main(["report", "a.json"]) == 2
    assert capsys.readouterr().err.startswith("framegate: a.json: x: not as this version of Framegate writes it")


HOSTILE = (
    "test_x.py::test_</script><script>document.title='owned'</script>[<img src=x onerror=alert(1)>|`@all`\u2028\ud800]"
)


def test_a_hostile_name_stays_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    benchmark = {"fullname": HOSTILE, "stats": {"data": [0.01, 0.011]}, "extra_info": {}}
    Path("a.json").write_text(json.dumps({"version": "5.3.1", "benchmarks": [benchmark]}))
    document = report("a.json", "a.json")
    page, found = embedded()
    assert found["cells"][0]["name"] == document["cells"][0]["name"] == HOSTILE.replace("\ud800", "\\ud800")
    assert page.count("<script") == page.count("</script>") == 2
    assert "<img" not in page
    summary = Path("report/summary.md").read_text(encoding="utf-8")
    assert "<script" not in summary
    assert "&#124;" in summary
    assert "`@" not in summary


def test_another_suites_rounds_stand_for_epochs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.json").write_text(saved())
    (cell,) = report("a.json")["cells"]
    assert (cell["purpose"], cell["processes"][0]["epochs"]["seconds"]) == ("benchmark", [0.01, 0.011, 0.012])


def test_markdown_never_exceeds_what_a_comment_may_hold(invented_runs):
    document = report("before", "after")
    document["verdicts"] *= 400
    text = markdown(document)
    assert len(text) <= MOST_CHARACTERS
    assert "**slower**" in text
    assert re.search(r"\| and [\d]+ more \|", text)
    assert text.count("<details>") == text.count("</details>")


def test_a_report_replaces_a_report_and_nothing_else(invented_runs, capsys):
    report("before")
    report("after")
    assert embedded()[1]["runs"][0]["name"] == "after"
    assert sorted(path.name for path in invented_runs.iterdir()) == [".framegate", "report"]
    Path("report/precious.txt").write_text("mine")
    assert main(["report", "before"]) == 2
    assert "holds precious.txt, which is no part of a report" in capsys.readouterr().err
    assert embedded()[1]["runs"][0]["name"] == "after"
    assert main(["report", "before", "-o", "."]) == 2


def test_what_stands_in_the_way_is_told_and_left(invented_runs, capsys):
    Path("file").write_text("mine")
    assert main(["report", "before", "-o", "file"]) == 2
    assert "file is not a folder" in capsys.readouterr().err
    assert main(["report", "before", "-o", "file/report"]) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert Path("file").read_text() == "mine"


def test_a_report_that_fails_on_the_way_leaves_the_old_one(invented_runs, monkeypatch, capsys):
    report("before")
    old = Path("report/index.html").read_bytes()
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)  # not installed
    assert main(["report", "after", "--data", "parquet"]) == 2
    assert "Parquet needs pyarrow; install it: pip install 'framegate[parquet]'" in capsys.readouterr().err
    assert Path("report/index.html").read_bytes() == old
    assert sorted(path.name for path in invented_runs.iterdir()) == [".framegate", "report"]
