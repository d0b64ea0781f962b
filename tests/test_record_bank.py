"""The bank of epoch series, recorded from the toy framework."""

from dataclasses import replace

import pytest

from benchmarks.harness.noise import read_bank
from benchmarks.harness.record_bank import Plan, accuracy_lines, bank_file, record
from framegate.runner.declarations import load
from framegate.runner.matrix import read_matrix


@pytest.fixture
def plan(toy_suite):
    cell = read_matrix(toy_suite.root / "matrix.toml", load(toy_suite.root / "environments"))[0]
    return Plan(toy_suite.root / "bank", (cell,), (cell,), processes=2, epochs=3, pairs=2, pair_epochs=3)


@pytest.fixture
def launch(toy_suite):
    launches = []

    def launch_in(cell, process, directory):
        known = toy_suite.launch("unused")
        launches.append(process)
        return replace(known, directory=directory, job={**known.job, "epochs": cell.epochs, "seed": process})

    launch_in.launches = launches
    return launch_in


def test_what_is_recorded_is_what_the_power_study_reads_and_is_not_recorded_again(plan, launch):
    record(plan, launch)
    (cell,) = read_bank(plan.bank)
    assert cell.cell == "toy/logistic_regression/digits/b32"
    assert cell.processes.shape == (2, 2)  # the warm-up epoch is left out
    assert cell.alone.shape == (2, 2, 2)
    assert cell.pairs.shape == (2, 2, 2)
    assert cell.baseline_first.tolist() == [[False, True], [True, False]]
    assert launch.launches == [1, 2, 1, 1, 1, 1, 2, 2, 2, 2]
    written = bank_file(plan.bank, plan.cells[0]).read_bytes()
    record(plan, launch)
    assert len(launch.launches) == 10
    assert bank_file(plan.bank, plan.cells[0]).read_bytes() == written
    record(replace(plan, processes=3), launch)
    assert launch.launches[10:] == [3]


def test_the_smallest_accuracy_over_the_seeds_is_told(plan, launch):
    record(replace(plan, pairs=0), launch)
    head, line = accuracy_lines(plan.bank, (1, 3, 12))
    assert head.split()[:7] == ["seeds", "after", "1", "after", "3", "after", "12"]
    seeds, first, third, twelfth, cell = line.split()
    assert (seeds, twelfth, cell) == ("2", "-", "toy/logistic_regression/digits/b32")
    assert 0.5 < float(first) <= float(third) <= 1
