"""What the pairs of a gate say: words, stopping, and which cell is next."""

import numpy as np
import pytest

from framegate.stats.gating import (
    Rules,
    counted,
    drift_verdict,
    least_settled,
    pair_effect,
    verdict_of,
)
from framegate.stats.verdict import Verdict, exit_status

RULES = Rules(cells=1)


def effects(count, shift, deviation=0.01, seed=0):
    return np.random.default_rng(seed).normal(np.log1p(shift), deviation, count).tolist()


def test_below_six_pairs_nothing_is_said():
    verdict = verdict_of("cell", "seconds", [np.log(1.5)] * 5, RULES, over=False)
    assert (verdict.word, verdict.why) == ("continue", "5 pairs, 6 are the fewest; ratio 1.500 so far")
    assert verdict_of("cell", "seconds", effects(5, 0.5), RULES, over=True).word == "unsure"


@pytest.mark.parametrize(("shift", "word"), [(0.0, "same"), (0.12, "slower"), (-0.12, "faster"), (0.04, "continue")])
def test_a_quiet_cell_is_settled_at_the_first_look(shift, word):
    assert verdict_of("cell", "seconds", effects(6, shift, 0.02), RULES, over=False).word == word


def test_what_was_settled_stays_settled_by_the_pairs_of_that_look():
    values = [*effects(6, 0.12), 0.0, 0.0, 0.0]
    verdict = verdict_of("cell", "seconds", values, RULES, over=True)
    assert (verdict.word, verdict.comparison.n_current) == ("slower", 6)


def test_when_the_time_is_up_between_two_looks_what_is_left_of_the_level_is_spent():
    values = [0.05, -0.05, 0.04, -0.04, 0.05, -0.05, 0.001]
    so_far = verdict_of("cell", "seconds", values, RULES, over=False)
    assert (so_far.word, so_far.comparison.n_current) == ("continue", 6)
    verdict = verdict_of("cell", "seconds", values, RULES, over=True)
    assert (verdict.word, verdict.comparison.n_current) == ("same", 7)


def test_an_unsure_cell_tells_what_it_could_have_shown_and_what_would_settle_it():
    verdict = verdict_of("cell", "seconds", [0.1, -0.1] * 10, RULES, over=True)
    assert (verdict.word, verdict.why) == ("unsure", f"20 pairs, about {verdict.needed} would settle it")
    assert verdict.needed == 49  # (1.96 + 1.28)^2 x (0.1026 / 0.0488)^2 = 46.5, and two for the t distribution
    assert 1.07 < verdict.detectable < 1.10  # (2.66 + 0.86) x 0.1026 / sqrt(20) = 0.081


def test_a_shift_is_corrected_for_the_family_and_same_is_not():
    shifted, same = effects(6, 0.07, 0.03, seed=5), effects(6, 0.0, 0.025, seed=1)
    assert verdict_of("cell", "seconds", shifted, RULES, over=False).word == "slower"
    assert verdict_of("cell", "seconds", shifted, Rules(cells=60), over=False).word == "continue"
    assert verdict_of("cell", "seconds", same, Rules(cells=60), over=False).word == "same"


def test_accuracy_is_compared_by_differences_and_may_be_constant():
    assert pair_effect("accuracy", [0.95], [0.93], [True]) == pytest.approx(-0.02)
    assert verdict_of("cell", "accuracy", [0.0] * 6, RULES, over=False).word == "same"
    assert verdict_of("cell", "accuracy", [-0.02] * 6, RULES, over=False).word == "worse"
    assert verdict_of("cell", "seconds", [0.0] * 6, RULES, over=True).word == "unsure"


def test_one_value_a_process_and_one_an_epoch_give_the_ratio():
    assert pair_effect("peak_bytes", [100.0], [110.0], [True, False]) == pytest.approx(np.log(1.1))
    assert pair_effect("seconds", [1.0, 2.0], [1.1, 2.2], [True, False]) == pytest.approx(np.log(1.1))


def test_cells_take_turns_until_each_has_the_fewest_pairs_then_the_least_settled_is_next():
    known = {"a": effects(5, 0, 0.03), "b": effects(4, 0, 0.03)}
    assert least_settled(known, RULES) == "b"
    known = {"quiet": effects(6, 0.0), "loud": effects(6, 0, 0.2), "less": effects(6, 0, 0.1)}
    assert least_settled(known, RULES) == "loud"
    assert least_settled({"quiet": effects(6, 0.0)}, RULES) is None
    assert least_settled({"loud": effects(20, 0, 0.3)}, RULES) is None
    assert least_settled({}, RULES) is None


def test_false_slower_of_a_family_is_rare_with_stopping():
    random, alarms = np.random.default_rng(7), 0
    rules = Rules(cells=6, margin=0.0001)
    for _ in range(200):
        for _ in range(6):
            values = random.normal(0, 0.03, 20).tolist()
            if verdict_of("cell", "seconds", values, rules, over=True).word == "slower":
                alarms += 1
                break
    assert alarms <= 11  # 2.5 % of 200 are 5; more than 11 happen once in a hundred


def test_losses_that_drift_or_are_not_finite_are_worse():
    assert drift_verdict("cell", [0.5, 0.4], [0.5 + 1e-6, 0.4]).word == "same"
    assert drift_verdict("cell", [0.5, 0.4], [0.51, 0.4]).word == "worse"
    assert drift_verdict("cell", [0.5, 0.4], [float("nan"), 0.4]).word == "worse"


def test_only_epochs_make_the_whole_unsure_but_every_metric_makes_it_worse():
    same, unsure = Verdict("c", "seconds", "same", ""), Verdict("c", "import_seconds", "unsure", "")
    worse, broken = Verdict("c", "peak_bytes", "worse", ""), Verdict("d", "seconds", "broken", "")
    assert counted([same, unsure, worse]) == [same, worse]
    assert exit_status([same], "unsure") == 0
    assert exit_status([same, worse], "unsure") == 10
    assert exit_status([same, worse, broken], "unsure") == 12
