"""framegate accuracy: two cells of a run over their seeds, and label by label."""

import json

import numpy as np
import pytest

from framegate.cli import main

A, B = "toy-3.11/lenet/digits/b32", "toy-3.12/lenet/digits/b32"
TRUE = np.arange(400) % 10


def write_process(store, cell, process, wrong):
    """Write what a run keeps of one process that errs on the first rows, three epochs."""
    address = {"cell": cell, "purpose": "training", "process": process, "attempt": 1}
    directory = store / "runs" / "r" / cell.replace("/", "--") / f"training-{process}-1"
    directory.mkdir(parents=True)
    predicted = np.where(np.arange(400) < wrong, (TRUE + 1) % 10, TRUE)
    np.savez(directory / "labels.npz", predicted=predicted, true=TRUE)
    (directory / "job.json").write_text(json.dumps({"dataset": {"classes": list("0123456789")}}))
    accuracies = (0.5, 0.8, 1 - wrong / 400)
    events = [{"event": "process", "key": "k", "directory": "d", "seed": process}, {"event": "ready", "about": {}}]
    events += [
        {"event": "epoch", "number": number, "seconds": 1.0, "test_accuracy": accuracy, "test_loss": 1 - accuracy}
        for number, accuracy in enumerate(accuracies, 1)
    ]
    events += [{"event": "done", "phases": {}}]
    events += [{"event": "finished", "wall_seconds": 3.0, "remainder_seconds": 0.0, "disturbed": None}]
    return [json.dumps(event | address) + "\n" for event in events]


@pytest.fixture
def accuracy(tmp_path, capsys):
    """Return a function that compares the cells of a run: A errs on 20, 22, 24 of 400 rows, B on 60, 64, 62."""
    store = tmp_path / ".framegate"
    (store / "journal").mkdir(parents=True)
    errors = {A: (20, 22, 24), B: (60, 64, 62)}
    lines = [line for cell in errors for k in (1, 2, 3) for line in write_process(store, cell, k, errors[cell][k - 1])]
    (store / "journal" / "r.jsonl").write_text("".join(lines))

    def compare(*arguments, status=0):
        assert main(["--suite", str(tmp_path), "accuracy", *arguments]) == status
        captured = capsys.readouterr()
        return captured.err if status else captured.out

    return compare


def test_seeds_are_compared_by_a_paired_t_test_with_equivalence(accuracy):
    told = accuracy("latest", A, B).splitlines()
    assert told[:2] == [f"A: {A}", f"B: {B}"]
    # the differences are -0.1, -0.105, -0.095: mean -0.1, standard error 0.005 / sqrt(3), t -34.6, 2 degrees of freedom
    assert told[2] == (
        "over 3 against 3 seeds: B - A = -0.1000, 95 % interval -0.1124 to -0.0876, p 0.0008323 (paired t-test, df 2);"
        " within 0.01: p 0.9995 (two one-sided tests)"
    )


def test_labels_of_each_pair_are_compared_row_by_row(accuracy):
    told = accuracy("r", "3.11", "3.12").splitlines()
    assert told[3].split() == [
        "pair",
        "A",
        "right",
        "B",
        "right",
        "only",
        "A",
        "only",
        "B",
        "McNemar",
        "p",
        "kappa",
        "chi-squared",
    ]
    first = told[4].split()
    # 380 and 340 of 400 right, 40 rows lost and none won: (40 - 1)^2 / 40 = 38.0
    assert first[:6] == ["1", "0.9500", "(0.9240-0.9674)", "0.8500", "(0.8117-0.8817)", "40"]
    assert first[6:9] == ["0", "0.0000", "0.889"]  # kappa: 360 of 400 agree, 0.1 by chance
    assert told[7:] == ["  some class pairs are expected fewer than 5 times"]


def test_the_studies_own_test_comes_with_its_warning(accuracy):
    assert "studies" not in accuracy("r", A, B)
    told = accuracy("r", A, B, "--studies-t-test")
    assert "studies' t-test over epochs, test_accuracy: t -0.1943, p 0.8554, df 4" in told
    assert "not valid: the epochs of one run depend on one another" in told


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("latest", "nope", B), f"no trained cell has 'nope' in the id; there are: {A}, {B}"),
        (("latest", "lenet", B), f"2 cells have 'lenet' in the id; there are: {A}, {B}"),
        (("gone", A, B), "no run 'gone'; found r"),
    ],
)
def test_what_is_not_there_is_told_in_words(accuracy, arguments, words):
    assert words in accuracy(*arguments, status=2)


def test_a_file_that_is_no_journal_and_other_test_rows_are_refused(accuracy, tmp_path):
    other = tmp_path / "other.jsonl"
    other.write_text("hello")
    assert "other.jsonl: no journal of a run; wanted RUN" in accuracy(str(other), A, B, status=2)
    labels = tmp_path / ".framegate/runs/r/toy-3.12--lenet--digits--b32/training-1-1/labels.npz"
    np.savez(labels, predicted=TRUE, true=TRUE[::-1])
    assert "A and B were tested on different rows" in accuracy("r", A, B, status=2)
