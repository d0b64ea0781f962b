"""The trial of the gate: shifts are planted in the worker, and the gate's own engine goes over the pairs."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.harness import gate_trial
from benchmarks.harness.gate_trial import (
    drawn,
    fixed_plan,
    has_false_alarm,
    is_found,
    launches,
    measured_alone,
    measured_pair,
    planted_in,
    rival,
    sequential,
    table,
    toy_cells,
)
from benchmarks.harness.rivals import asv
from framegate.runner.declarations import load
from framegate.runner.matrix import read_matrix
from framegate.stats.gating import Rules

CELLS = ("a", "b")


def bank(deviation):
    random = np.random.default_rng(3)
    rounds = []
    for _ in range(12):
        pairs = {
            cell: {str(share): (np.log1p(share) + random.normal(0, deviation), 2.0) for share in gate_trial.SHARES}
            for cell in CELLS
        }
        alone = {
            block: {
                cell: [(((1 + share) * random.normal(1, deviation, 16)).tolist(), 1.0) for _ in (1, 2)]
                for cell in CELLS
            }
            for block, share in gate_trial.ALONE
        }
        rounds.append({"pairs": pairs, "alone": alone})
    return json.loads(json.dumps({"rounds": rounds}))


@pytest.fixture
def random():
    return np.random.default_rng(1)


def test_the_planted_cell_is_found_and_no_other(random):
    shares = planted_in(CELLS, 1, 0.10)
    trial = sequential(bank(0.01), shares, Rules(2), 120.0, random)
    assert trial.words == {"a": "same", "b": "slower"}
    assert trial.seconds == 24.0  # six pairs of each, two seconds each
    assert is_found(trial, shares)
    assert not has_false_alarm(trial, shares)
    assert has_false_alarm(trial, planted_in(CELLS, 0, 0.10))


def test_a_budget_ends_a_trial_before_anything_is_known(random):
    trial = sequential(bank(0.01), planted_in(CELLS, None, 0.0), Rules(2), 10.0, random)
    assert (set(trial.words.values()), trial.seconds) == ({"unsure"}, 10.0)


def test_pairs_are_drawn_from_those_measured(random):
    known = bank(0.02)
    pool = [tuple(found["pairs"]["a"]["0.1"]) for found in known["rounds"]]
    source = drawn(known, "a", 0.10, random)
    assert {next(source) for _ in range(50)} <= set(pool)


def test_the_smallest_fixed_plan_finds_as_much_and_what_nothing_finds_takes_the_largest():
    known = bank(0.02)
    pairs, seconds = fixed_plan(known, CELLS, 0.10, Rules(2), wanted=20, trials=20)
    assert 6 <= pairs < 20
    assert seconds == len(CELLS) * pairs * known["rounds"][0]["pairs"]["a"]["0.1"][1]
    assert fixed_plan(known, CELLS, 0.10, Rules(2), wanted=21, trials=20)[0] == gate_trial.MOST_PAIRS


def test_rivals_get_the_processes_that_ran_alone():
    found = rival(asv, bank(0.01), CELLS, 0.10, processes=2)
    assert found["seconds"] == 8.0  # two cells, two sides, two processes of a second
    assert found["false"] == 0.0


def test_the_table_has_a_line_a_question():
    lines = table(bank(0.02), trials=4, budget=200.0)
    assert [line.split("|")[1].strip() for line in lines[2:5]] == [
        "Framegate, the same on both sides, margin 5%",
        "Framegate, +10% in one of 2 cells, margin 5%",
        "Framegate, +5% in one of 2 cells, margin 2%",
    ]
    assert lines[-1] == "12 rounds of 2 cells"


def test_the_shift_is_planted_in_the_worker_and_the_training_stays_the_same(toy_suite, monkeypatch):
    (toy_suite.root / "benchmarks" / "harness").mkdir()
    shutil.copy(Path(gate_trial.__file__).with_name("slowed.py"), toy_suite.root / "benchmarks" / "harness")
    monkeypatch.setattr(gate_trial, "ROOT", toy_suite.root)
    monkeypatch.setattr(gate_trial, "SHARES", (0.0, 9.0))
    monkeypatch.setattr(gate_trial, "EPOCHS", 7)
    monkeypatch.setattr(gate_trial, "toy_cells", lambda: toy_cells_of(toy_suite))
    (own,) = launches(load(toy_suite.root / "environments")["toy"]).values()
    effect, seconds = measured_pair((own[0.0], own[9.0]), 1)
    assert effect > 1.0  # the log of 10 is 2.3; other work on the machine may add to either side
    assert seconds > 0
    warm, _ = measured_alone(own[9.0], 2)
    assert len(warm) == 6


def toy_cells_of(toy_suite):
    cells = read_matrix(toy_suite.root / "matrix.toml", load(toy_suite.root / "environments"))
    return (replace(cells[0], epochs=gate_trial.EPOCHS),)


def test_the_trials_cells_are_six():
    assert len({cell.id for cell in toy_cells()}) == 6
