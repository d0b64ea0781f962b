"""Alternating pairs and stopping: the error rates hold over all looks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from framegate.stats.sequential import decide, pair_value, plan, shortened, spent

RUNS = 20_000


def crossing_rate(planned, values, null=0.0):
    """Return how often the lower end of the interval exceeds null at some look: values (runs, pairs)."""
    crossed = np.zeros(len(values), dtype=bool)
    for look, boundary in zip(planned.looks, planned.boundaries, strict=True):
        seen = values[:, :look]
        crossed |= seen.mean(axis=1) - boundary * seen.std(axis=1, ddof=1) / np.sqrt(look) > null
    return crossed.mean()


@pytest.mark.parametrize("spending", ["pocock", "obrien-fleming"])
@pytest.mark.parametrize("looks", [(6, 8, 10, 12, 16, 20), (8, 12), (6, 30)])
def test_false_alarms_over_all_looks_stay_at_the_level(spending, looks):
    values = np.random.default_rng(1).standard_normal((RUNS, looks[-1]))
    assert crossing_rate(plan(looks, spending=spending), values) == pytest.approx(0.025, abs=0.0035)


def test_false_alarms_stay_below_the_level_with_heavy_tails():
    values = np.random.default_rng(2).standard_t(3, (RUNS, 20))
    assert crossing_rate(plan(), values) <= 0.025


def test_false_alarms_stay_near_the_level_when_processes_have_two_modes():
    random = np.random.default_rng(3)
    values = random.choice([-1.0, 1.0], (RUNS, 20)) + 0.05 * random.standard_normal((RUNS, 20))
    assert crossing_rate(plan(), values) <= 0.03


def test_same_at_the_margin_is_said_as_rarely():
    values = np.log(1.05) + 0.03 * np.random.default_rng(4).standard_normal((4000, 20))
    words = []
    for row in values:
        for look in plan().looks:
            decision = decide(list(row[:look]), plan())
            if decision.word != "continue":
                words.append(decision.word)
                break
    assert np.mean([word == "same" for word in words]) <= 0.03
    assert np.mean([word == "faster" for word in words]) <= 0.001


def test_a_single_look_is_the_t_test():
    assert plan((10,)).boundaries == pytest.approx([stats.t.ppf(0.975, 9)])


def test_a_plan_ended_early_keeps_its_boundaries_and_its_level():
    early = shortened(plan(), 14)
    assert early.looks == (6, 8, 10, 12, 14)
    assert early.boundaries[:4] == plan().boundaries[:4]
    values = np.random.default_rng(5).standard_normal((RUNS, 14))
    assert crossing_rate(early, values) == pytest.approx(0.025, abs=0.0035)


def test_a_family_of_cells_shares_the_level():
    assert plan(family=10).alpha == pytest.approx(0.0025)
    assert plan(family=10).boundaries > plan().boundaries


@pytest.mark.parametrize("spending", ["pocock", "obrien-fleming"])
def test_all_is_spent_at_the_end(spending):
    shares = spent([0.25, 0.5, 1.0], 0.025, spending)
    assert shares[-1] == pytest.approx(0.025)
    assert (np.diff(shares) > 0).all()


@pytest.mark.parametrize("looks", [(), (5, 8), (8, 6), (8, 8)])
def test_impossible_plans_are_refused(looks):
    with pytest.raises(ValueError, match="wanted rising numbers of pairs"):
        plan(looks)


def test_the_cost_of_being_second_cancels():
    order = np.array([True, False] * 4)
    current = np.where(order, 1.02 * 1.1, 1.02 / 1.1)  # the second of two neighbours takes 10 % longer
    assert pair_value(np.ones(8), current, order) == pytest.approx(np.log(1.02))


def test_one_disturbed_epoch_hardly_moves_a_pair():
    order = np.array([True, False] * 4)
    current = 1.02 * np.ones(8)
    current[3] = 9.0
    assert pair_value(np.ones(8), current, order) == pytest.approx(np.log(1.02))


@given(st.lists(st.tuples(st.floats(0.1, 10), st.floats(0.1, 10), st.booleans()), min_size=1, max_size=12))
def test_swapping_the_sides_of_a_pair_negates_its_value(rows):
    baseline, current, first = (np.array(column) for column in zip(*rows, strict=True))
    swapped = pair_value(current, baseline, ~first.astype(bool))
    assert pair_value(baseline, current, first) == pytest.approx(-swapped, abs=1e-12)


def test_a_clear_shift_stops_at_the_first_look():
    decision = decide([0.10, 0.11, 0.09, 0.10, 0.12, 0.10], plan())
    assert (decision.word, decision.pairs) == ("slower", 6)
    assert decide([-0.10, -0.11, -0.09, -0.10, -0.12, -0.10], plan()).word == "faster"


def test_between_looks_one_continues():
    assert decide([0.1] * 7, plan()).why == "7 pairs, next look at 8"


def test_the_last_look_may_end_unsure():
    noisy = [0.3, -0.3] * 10
    assert decide(noisy, plan()).word == "unsure"


def test_copied_pairs_are_not_believed():
    decision = decide([0.2] * 20, plan())
    assert decision.word == "unsure"
    assert "same ratio" in decision.why


def test_more_pairs_than_planned_are_refused():
    with pytest.raises(ValueError, match="the plan ended at 20"):
        decide([0.0] * 21, plan())
