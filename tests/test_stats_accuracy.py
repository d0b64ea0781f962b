"""Accuracy: predicted labels of two cells, single accuracies, the studies' own test."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import cohen_kappa_score

from framegate.stats.accuracy import association, cohens_kappa, cross_table, epochs_t_test_of_the_studies, mcnemar
from framegate.stats.accuracy import wilson_interval as wilson

RANDOM = np.random.default_rng(1)
TRUTH = RANDOM.integers(0, 4, 400)
BEFORE = np.where(RANDOM.random(400) < 0.8, TRUTH, RANDOM.integers(0, 4, 400))
AFTER = np.where(RANDOM.random(400) < 0.7, TRUTH, RANDOM.integers(0, 4, 400))


def rows_with(lost, won):
    """Return labels and predictions of which `lost` rows became wrong and `won` became right."""
    truth = np.zeros(lost + won + 5, dtype=int)
    before, after = truth.copy(), truth.copy()
    after[:lost] = 1
    before[lost : lost + won] = 1
    return truth, before, after


def test_mcnemar_exact_is_the_binomial_test():
    # 1 won of 9: 2 x (1 + 9) / 512
    result = mcnemar(*rows_with(8, 1))
    assert (result.name, result.p) == ("McNemar exact", pytest.approx(20 / 512))


def test_mcnemar_chi_squared_by_hand():
    # (|59 - 6| - 1)^2 / 65
    result = mcnemar(*rows_with(59, 6))
    assert (result.statistic, result.df) == (pytest.approx(52**2 / 65), 1)
    assert result.p == pytest.approx(stats.chi2.sf(41.6, 1))


def test_mcnemar_without_a_differing_row_is_sure_of_nothing():
    assert mcnemar(*rows_with(0, 0)).p == 1.0


def test_association_agrees_with_scipy_and_leaves_out_classes_never_predicted():
    table = cross_table(BEFORE, AFTER, 4)
    wanted = stats.chi2_contingency(table, correction=False)
    result = association(BEFORE, AFTER, 10)
    assert (result.statistic, result.p, result.df) == pytest.approx((wanted.statistic, wanted.pvalue, 9))


def test_kappa_agrees_with_scikit_learn():
    assert cohens_kappa(BEFORE, AFTER, 4) == pytest.approx(cohen_kappa_score(BEFORE, AFTER))


def test_kappa_of_one_class_on_both_sides_is_not_a_number():
    assert np.isnan(cohens_kappa([1, 1], [1, 1], 3))


def test_wilson_interval_of_the_literature():
    # Newcombe 1998, table I: 81 of 263: 0.2553 to 0.3662
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_the_studies_test_over_epochs_is_offered_with_its_warning():
    result = epochs_t_test_of_the_studies([0.80, 0.82, 0.84], [0.90, 0.91, 0.95])
    wanted = stats.ttest_ind([0.90, 0.91, 0.95], [0.80, 0.82, 0.84])
    assert (result.statistic, result.p, result.df) == pytest.approx((wanted.statistic, wanted.pvalue, 4))
    assert "not valid" in result.warnings[0]


def test_labels_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="one label a row"):
        mcnemar([0, 1], [0, 1], [0])


def test_labels_outside_the_classes_are_refused():
    with pytest.raises(ValueError, match="outside 0 to 2"):
        cross_table([0, 3], [0, 1], 3)
