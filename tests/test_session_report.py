"""--shift-report: the page about a session of pytest, in somebody else's suite and in ours."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
from foreign import CELLS, ROUNDS, text

import framegate.report.document
import framegate.stats.judging  # noqa: F401 - loaded here, or each run inside this process would load it anew
from framegate.cli import main

pytest_plugins = ["pytester"]
SCHEMA = Path(__file__).parent.parent / "framegate/report/schema.json"


def embedded(folder):
    page = Path(folder, "index.html").read_text(encoding="utf-8")
    return json.loads(re.search(r'<script type="application/json" id="document">(.*?)</script>', page)[1])


def test_the_page_holds_the_verdicts_of_the_session(suite):
    suite.save()
    found = suite.pytest("--shift-baseline=0001", ROUNDS, "--shift-report=out/page", SEED=2, FACTOR=1.2)
    assert f"--shift-report: {Path('out/page').absolute()}/index.html written" in text(found)
    assert found.ret == 10
    document = embedded("out/page")
    assert [run["name"] for run in document["runs"]] == ["0001", "this run"]
    assert document["answers"] == [{"baseline": 0, "current": 1, "word": "worse", "counts": {"slower": 1, "same": 2}}]
    (slower,) = [verdict for verdict in document["verdicts"] if verdict["word"] == "slower"]
    assert document["cells"][slower["current"]]["name"] == "test_foreign.py::test_parse"


def test_without_a_baseline_the_page_shows_what_was_measured(suite):
    suite.pytester.makepyfile(test_foreign=CELLS)
    assert suite.pytest("--shift-report=page").ret == 0
    (cell,) = embedded("page")["cells"]
    assert (cell["id"], len(cell["processes"]), cell["summary"]["accuracy"]) == ("mxnet-1.9/lenet/digits/b32", 5, 0.9)
    assert cell["labels_missing"] == "no folder of its files was recorded"


def test_where_no_report_can_be_written_is_told_before_anything_runs(suite):
    Path("page").mkdir()
    Path("page/mine.txt").write_text("mine")
    found = suite.pytest("--shift-report=page")
    assert found.ret == pytest.ExitCode.USAGE_ERROR
    assert "page holds mine.txt, which is no part of a report" in "\n".join(found.errlines)


def test_nothing_measured_writes_nothing(suite):
    found = suite.pytest("--shift-report=page", "--benchmark-skip")
    assert "--shift-report: nothing was measured, so nothing was written" in text(found)
    assert not Path("page").exists()


def test_what_a_run_really_stores_is_reported(toy_suite, monkeypatch):
    monkeypatch.chdir(toy_suite.root)
    assert toy_suite.pytest("--shift-report=page", "--benchmark-json=out.json").returncode == 0
    assert main(["report", "latest", "out.json", "--allow", "machine", "--data", "json"]) == 0
    document = json.loads(Path("report/report.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, json.loads(SCHEMA.read_text(encoding="utf-8")))
    told, stored, session = document["cells"][:3], document["cells"][3:], embedded("page")["cells"]
    assert [cell["purpose"] for cell in told] == ["inference", "training", "training"]
    for cells in (told, stored, session):
        (plain,) = [
            cell for cell in cells if cell["name"].endswith("test_training[toy/logistic_regression/digits/b32]")
        ]
        assert len(plain["processes"]) == 2
        assert plain["labels"]["rows"] == 364
        assert plain["summary"]["accuracy"] > 0.85
        assert {"import", "build", "epochs", "remainder"} <= plain["summary"]["phases"].keys()
        assert Path(plain["processes"][0]["directory"], "repeat.sh").is_file()
    (comparison,) = document["answers"]
    assert comparison["counts"] == {"unsure": 3}  # two processes are too few
