"""Correction, equivalence and power."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from framegate.stats.comparison import compare
from framegate.stats.correction import adjusted
from framegate.stats.equivalence import is_within, within_p
from framegate.stats.power import detection_power, processes_needed, processes_needed_for_same, smallest_detectable

p_values = st.lists(st.floats(min_value=0, max_value=1), min_size=1, max_size=20)


def test_holm_by_hand():
    # 0.01 x 4, 0.015 x 3, 0.03 x 2, then not below the one before
    assert adjusted([0.03, 0.01, 0.04, 0.015], "holm") == pytest.approx([0.06, 0.04, 0.06, 0.045])


def test_benjamini_hochberg_by_hand():
    assert adjusted([0.03, 0.01, 0.04, 0.02], "benjamini-hochberg") == pytest.approx([0.04] * 4)


def test_without_correction_nothing_changes():
    assert adjusted([0.2, 0.1], "none").tolist() == [0.2, 0.1]


@given(p_values)
def test_corrections_only_raise_and_holm_raises_most(values):
    holm, hochberg = adjusted(values, "holm"), adjusted(values, "benjamini-hochberg")
    assert (holm >= hochberg - 1e-12).all()
    assert (hochberg >= np.array(values) - 1e-12).all()
    assert holm.max() <= 1


@given(p_values, st.randoms(use_true_random=False))
def test_corrections_do_not_depend_on_order(values, random):
    order = random.sample(range(len(values)), len(values))
    assert adjusted(np.array(values)[order]) == pytest.approx(adjusted(values)[order])


def test_an_empty_family_is_no_error():
    assert adjusted([]).size == 0


@pytest.mark.parametrize("seed", range(6))
def test_the_interval_within_the_margin_is_tost(seed):
    random = np.random.default_rng(seed)
    baseline, current = 0.03 * random.standard_normal((2, 5))
    found = compare(np.exp(baseline), np.exp(current), "welch")
    assert is_within(found, 0.05) == (within_p(found, 0.05) <= 0.025)


def test_equivalence_agrees_with_two_t_tests_of_scipy():
    baseline, current = np.array([0.90, 0.92, 0.91, 0.89]), np.array([0.91, 0.90, 0.92, 0.91])
    above = stats.ttest_ind(current + 0.05, baseline, equal_var=False, alternative="greater").pvalue
    below = stats.ttest_ind(current - 0.05, baseline, equal_var=False, alternative="less").pvalue
    assert within_p(compare(baseline, current, scale="linear"), 0.05) == pytest.approx(max(above, below))


def test_power_agrees_with_simulation():
    # effect of one standard deviation, 5 against 5: 8 degrees of freedom
    random = np.random.default_rng(1)
    draws = random.standard_normal((20_000, 2, 5))
    p = stats.ttest_ind(draws[:, 1] + 1, draws[:, 0], axis=1, alternative="greater").pvalue
    assert detection_power(1.0, np.sqrt(2 / 5), 8) == pytest.approx(np.mean(p <= 0.025), abs=0.01)


def test_the_smallest_detectable_effect_has_the_power_asked():
    effect = smallest_detectable(0.02, 8)
    assert detection_power(effect, 0.02, 8) == pytest.approx(0.8)


def test_seventeen_a_side_find_one_standard_deviation():
    # Cohen 1988, table 2.4.1: d = 1.0, two-sided 5 %, power 0.80: n = 17
    assert processes_needed(1.0, 1.0) == 17


def test_pairs_need_fewer():
    # Cohen 1988: one-sample t, d = 1.0, two-sided 5 %, power 0.80: n = 10
    assert processes_needed(1.0, 1.0, paired=True) == 10


def test_showing_sameness_needs_more_than_finding_a_shift():
    assert processes_needed_for_same(0.05, 0.03) > processes_needed(0.05, 0.03)


def test_no_number_of_processes_finds_no_effect():
    assert processes_needed(0.0, 0.1) == 10_000
