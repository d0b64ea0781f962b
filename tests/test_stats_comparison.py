"""Two samples compared: agreement with scipy, and what must not matter."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from framegate.stats.comparison import TESTS, chosen_test, compare
from framegate.stats.permutation import has_outlier, permutation_shifts, regroupings, trimmed_permutation

seconds = st.floats(min_value=0.5, max_value=2.0)
sample = st.lists(seconds, min_size=3, max_size=6, unique=True)
test_names = st.sampled_from(sorted(TESTS))


def two_samples(draw_one, draw_two):
    assume(len(draw_one) == len(draw_two))
    assume(min(np.std(np.log(draw_one)), np.std(np.log(draw_two))) > 1e-4)
    return np.array(draw_one), np.array(draw_two)


pairs_of_samples = st.builds(lambda a, b: (a[: min(len(a), len(b))], b[: min(len(a), len(b))]), sample, sample)


@given(pairs_of_samples)
def test_welch_agrees_with_scipy(both):
    baseline, current = two_samples(*both)
    found = compare(baseline, current, "welch")
    wanted = stats.ttest_ind(np.log(current), np.log(baseline), equal_var=False)
    interval = wanted.confidence_interval(0.95)
    assert (found.p, found.df) == pytest.approx((wanted.pvalue, wanted.df), rel=1e-7)
    assert found.interval == pytest.approx((np.exp(interval.low), np.exp(interval.high)), rel=1e-9)
    assert found.ratio == pytest.approx(stats.gmean(current) / stats.gmean(baseline))


@given(pairs_of_samples)
def test_paired_agrees_with_scipy(both):
    baseline, current = two_samples(*both)
    assume(np.std(np.log(current / baseline)) > 1e-4)
    found = compare(baseline, current, "paired")
    wanted = stats.ttest_rel(np.log(current), np.log(baseline))
    interval = wanted.confidence_interval(0.95)
    assert (found.p, found.df) == pytest.approx((wanted.pvalue, wanted.df), rel=1e-7)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-7)


@pytest.mark.parametrize("seed", range(8))
def test_exact_permutation_agrees_with_scipy(seed):
    random = np.random.default_rng(seed)
    baseline, current = np.exp(random.standard_normal(5)), np.exp(random.standard_normal(4) + 0.5)
    wanted = stats.permutation_test(
        (np.log(current), np.log(baseline)), lambda x, y: x.mean() - y.mean(), n_resamples=np.inf
    )
    assert compare(baseline, current, "permutation").p == pytest.approx(wanted.pvalue)


def test_monte_carlo_permutation_is_near_the_t_test_on_normal_values():
    random = np.random.default_rng(3)
    baseline, current = np.exp(random.standard_normal(15)), np.exp(random.standard_normal(15) + 0.6)
    found = compare(baseline, current, "permutation")
    assert found.p == pytest.approx(compare(baseline, current).p, abs=0.02)
    assert "Monte-Carlo" in " ".join(found.warnings)


def test_permutation_interval_ends_where_the_p_value_crosses_the_level():
    random = np.random.default_rng(4)
    baseline, current = random.standard_normal(5), random.standard_normal(5)
    found = compare(baseline, current, "permutation", scale="linear")
    for end in (found.low, found.high):
        inside, outside = end + 1e-6 * np.sign(found.effect - end), end - 1e-6 * np.sign(found.effect - end)
        assert compare(baseline, current - inside, "permutation", scale="linear").p > 0.05
        assert compare(baseline, current - outside, "permutation", scale="linear").p <= 0.05


def test_mann_whitney_interval_of_five_against_five_runs_from_the_third_to_the_third_last_difference():
    # Hollander and Wolfe: C = 3 at 95 % for 5 against 5
    baseline, current = np.array([1.0, 2, 3, 4, 5]), np.array([2.1, 3.3, 4.6, 6.0, 7.7])
    differences = sorted(c - b for c in current for b in baseline)
    found = compare(baseline, current, "mann-whitney", scale="linear")
    assert (found.low, found.high) == pytest.approx((differences[2], differences[-3]))
    assert found.effect == pytest.approx(np.median(differences))


@given(pairs_of_samples, test_names, st.sampled_from([1e-9, 1e-3, 60.0, 1e6]))
def test_the_unit_does_not_matter(both, name, factor):
    baseline, current = two_samples(*both)
    one, other = compare(baseline, current, name), compare(baseline * factor, current * factor, name)
    assert (one.ratio, one.p) == pytest.approx((other.ratio, other.p), rel=1e-5)
    assert one.interval == pytest.approx(other.interval, rel=1e-5)


@given(pairs_of_samples, st.sampled_from(["welch", "permutation", "mann-whitney"]), st.randoms(use_true_random=False))
def test_the_order_of_processes_does_not_matter(both, name, random):
    baseline, current = two_samples(*both)
    shuffled = random.sample(list(current), len(current))
    one, other = compare(baseline, current, name), compare(baseline, shuffled, name)
    assert (one.effect, one.p, one.low) == pytest.approx((other.effect, other.p, other.low), rel=1e-6, abs=1e-12)


@given(pairs_of_samples, test_names)
def test_swapping_the_sides_inverts_the_ratio(both, name):
    baseline, current = two_samples(*both)
    one, other = compare(baseline, current, name), compare(current, baseline, name)
    assert (one.effect, one.low, one.high) == pytest.approx((-other.effect, -other.high, -other.low), abs=1e-9)
    assert one.p == pytest.approx(other.p, rel=1e-6, abs=1e-12)


@given(pairs_of_samples, test_names, st.floats(min_value=1.01, max_value=2.0))
def test_a_larger_shift_raises_ratio_and_interval(both, name, factor):
    baseline, current = two_samples(*both)
    # Whether one process is an outlier is judged blind to the sides, so it may change with the shift.
    assume(has_outlier(np.log(baseline), np.log(current)) == has_outlier(np.log(baseline), np.log(current * factor)))
    one, other = compare(baseline, current, name), compare(baseline, current * factor, name)
    assert other.ratio == pytest.approx(one.ratio * factor, rel=1e-6)
    assert other.low >= one.low
    assert other.high >= one.high


DISTURBED = np.array([1.00, 1.01, 0.99, 1.02, 1.60])  # the last process ran beside something else


def test_one_disturbed_process_does_not_hide_a_shift():
    found = compare(DISTURBED, [1.10, 1.11, 1.09, 1.12, 1.08], "permutation")
    # As extreme: the real grouping, and that with the disturbed process in the place of any of current.
    assert found.p == pytest.approx(2 * 6 / 252)
    assert found.ratio == pytest.approx(1.0896, abs=1e-4)  # of the four fastest a side
    assert found.interval[0] > 1 > compare(DISTURBED, [1.10, 1.11, 1.09, 1.12, 1.08], "welch").interval[0]


@pytest.mark.parametrize("seed", range(3))
def test_the_test_without_the_slowest_agrees_with_scipy(seed):
    current = np.exp(0.02 * np.random.default_rng(seed).standard_normal(5))
    assert has_outlier(np.log(DISTURBED), np.log(current))

    def difference(x, y):
        return np.sort(x)[:4].mean() - np.sort(y)[:4].mean()

    wanted = stats.permutation_test((np.log(current), np.log(DISTURBED)), difference, n_resamples=np.inf)
    assert compare(DISTURBED, current, "permutation").p == pytest.approx(wanted.pvalue)


def test_its_interval_ends_where_the_p_value_crosses_the_level():
    current = 1.05 * np.array([1.00, 1.02, 0.98, 1.01, 0.97])
    found = compare(DISTURBED, current, "permutation")
    for end, inside, outside in ((found.low, 1e-6, -1e-6), (found.high, -1e-6, 1e-6)):
        kept = trimmed_permutation(np.log(DISTURBED), np.log(current) - end - inside, 0.025)
        rejected = trimmed_permutation(np.log(DISTURBED), np.log(current) - end - outside, 0.025)
        assert rejected.p <= 0.05 < kept.p


def test_of_values_that_spread_evenly_none_is_left_out():
    assert not has_outlier(np.linspace(0, 1, 5), np.linspace(0.1, 1.1, 5))


def test_regroupings_list_the_real_one_first():
    groups = regroupings(3, 2)
    assert groups.shape == (10, 5)
    assert groups[0].tolist() == [False, False, False, True, True]
    assert len({tuple(row) for row in groups.tolist()}) == 10


def test_permutation_shifts_of_two_against_two():
    # moved one for one: 5-1, 5-2, 7-1, 7-2; both: 6 - 1.5
    assert permutation_shifts(np.array([1.0, 2.0]), np.array([5.0, 7.0])).tolist() == [3.0, 4.0, 4.5, 5.0, 6.0]


def test_constant_equal_samples_are_not_significant_and_say_so():
    found = compare([2.0] * 5, [2.0] * 5)
    assert (found.ratio, found.p, found.interval) == (1.0, 1.0, (1.0, 1.0))
    assert "constant" in found.warnings[0]


def test_constant_different_samples_are_no_surer_than_a_permutation_test():
    assert compare([2.0] * 5, [3.0] * 5).p == pytest.approx(2 / 252)


@pytest.mark.parametrize("bad", [[1.0, 0.0], [1.0, -1.0], [1.0, np.nan], [1.0, np.inf], [1.0]])
def test_impossible_values_are_refused(bad):
    with pytest.raises(ValueError, match="values"):
        compare(bad, [1.0, 2.0])


def test_unequal_sides_cannot_be_paired():
    with pytest.raises(ValueError, match="cannot be paired"):
        compare([1.0, 2.0], [1.0, 2.0, 3.0], "paired")


@pytest.mark.parametrize(
    ("n", "m", "family", "expected"),
    [
        (5, 5, 1, "permutation"),
        (5, 5, 6, "permutation"),
        (5, 5, 7, "welch"),
        (3, 3, 1, "welch"),
        (500, 500, 1, "welch"),
    ],
)
def test_the_permutation_test_is_chosen_where_it_can_reach_the_level(n, m, family, expected):
    assert chosen_test(n, m, family, 0.025) == expected
