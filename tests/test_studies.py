"""The table of the studies' experiments, from runs of the toy framework."""

import re

import pytest

from benchmarks.harness.studies import phase_rows, result_rows, studied_cells


@pytest.fixture
def journals(toy_suite):
    """Return the folder of a suite whose first cell is an experiment of study 001 and whose second misses its floor."""
    matrix = toy_suite.root / "matrix.toml"
    text = matrix.read_text(encoding="utf-8").replace("inference = true", 'study = "K3"')
    text = text.replace('variant = "adam"', 'study = "K2"').replace("0.01 }\nfloor = 0.85", "0.01 }\nfloor = 0.9999")
    matrix.write_text(text, encoding="utf-8")
    assert toy_suite.pytest().returncode == 1
    return toy_suite.root / ".framegate"


def test_an_experiment_has_its_accuracy_with_interval_or_says_why_it_has_none(journals):
    cells = studied_cells(journals, ["latest"])
    missed, measured = result_rows(cells)  # K2, K3
    assert re.fullmatch(
        r"\| K3 \| whole \| toy: \.9\d{3} \(\.9\d\d to \.9\d\d\), loss 0\.\d+, 3 x 0\.\d+ s, 2 processes \|", measured
    )
    assert missed.startswith("| K2 | - | toy: void, toy/logistic_regression/digits/b32/K2: accuracy 0.9")
    assert "below the floor 0.9999" in missed


def test_phases_of_several_processes_have_intervals_and_sum_to_the_whole(journals):
    head, rule, *rows = list(phase_rows(studied_cells(journals, ["latest"])))[1:]
    assert (head, rule) == ("| K3 | toy |", "|---|---|")
    shares = {row.split("|")[1].strip(): float(re.search(r"\| ([\d.]+)%", row)[1]) for row in rows}
    assert {"load", "preprocess", "build", "first step", "epochs", "evaluate", "remainder"} <= shares.keys()
    assert sum(shares.values()) == pytest.approx(100, abs=0.6)
