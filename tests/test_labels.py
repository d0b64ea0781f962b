"""Each process leaves the labels that it predicted beside the true ones, and they stay readable where a run is moved."""

import pytest

from framegate.errors import JournalError
from framegate.runner.journal import Task, results_of, run_folder
from framegate.runner.labels import labels_of

CELL = "toy/logistic_regression/digits/b32"


def test_a_moved_runs_labels_give_the_accuracy_of_its_last_epoch(toy_suite):
    done = toy_suite.pytest("-k", "training and not adam")
    assert done.returncode == 0, done.stdout + done.stderr
    results = results_of(toy_suite.records())
    store = (toy_suite.root / ".framegate").rename(toy_suite.root / "elsewhere")
    (journal,) = (store / "journal").glob("*.jsonl")
    for process in (1, 2):
        result = results[CELL, "training", process]
        labels = labels_of(run_folder(journal), result.task)
        assert labels.predicted.shape == labels.true.shape == (364,)
        assert labels.classes == tuple("0123456789")
        assert (labels.predicted == labels.true).mean() == pytest.approx(result.epochs[-1]["test_accuracy"], abs=1e-12)


def test_labels_that_are_gone_or_torn_are_told_with_cell_process_and_a_way_out(tmp_path):
    task = Task(CELL, "training", 2)
    wanted = f"no predicted labels of {CELL}, process 2 .*pytest benchmarks"
    with pytest.raises(JournalError, match=wanted):
        labels_of(tmp_path, task)
    directory = task.directory(tmp_path)
    directory.mkdir(parents=True)
    (directory / "labels.npz").write_bytes(b"PK\x03\x04cut")
    with pytest.raises(JournalError, match=wanted):
        labels_of(tmp_path, task)
