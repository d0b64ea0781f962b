"""Accuracy: comparisons over seeds, and of the predicted labels of two cells on the same rows.

Seeds are compared by comparison.compare(..., scale="linear"), paired where both sides used the same seeds. What shows
all of it: framegate accuracy (framegate/commands/accuracy.py).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

SMALLEST_EXPECTED = 5.0  # Cochran's rule of thumb for the chi-squared approximation


@dataclass(frozen=True)
class TestResult:
    """A test statistic with its p value (two-sided), degrees of freedom (nan: none) and warnings."""

    __test__ = False  # the name begins like a test: pytest shall not collect it

    name: str
    statistic: float
    p: float
    df: float = float("nan")
    warnings: tuple[str, ...] = ()


def mcnemar(labels: ArrayLike, baseline: ArrayLike, current: ArrayLike, exact: bool | None = None) -> TestResult:
    """Return McNemar's test (1947) that both sides are right equally often on the same rows.

    labels, baseline, current: (rows,) true and predicted classes. exact: binomial; else chi-squared with Edwards's
    correction; by default exact below 25 rows on which just one side is right.
    """
    truth, before, after = (np.asarray(values) for values in (labels, baseline, current))
    _same_rows(truth, before, after)
    lost = int(np.sum((before == truth) & (after != truth)))
    won = int(np.sum((before != truth) & (after == truth)))
    if lost + won == 0:
        return TestResult("McNemar exact", 0.0, 1.0, warnings=("both sides are right on the same rows",))
    if lost + won < 25 if exact is None else exact:
        return TestResult("McNemar exact", float(won), float(stats.binomtest(won, lost + won).pvalue))
    statistic = max(0, abs(won - lost) - 1) ** 2 / (won + lost)
    return TestResult("McNemar chi-squared", statistic, float(stats.chi2.sf(statistic, 1)), 1.0)


def cross_table(baseline: ArrayLike, current: ArrayLike, classes: int) -> NDArray[np.int64]:
    """Return how often baseline said the row's class where current said the column's: (classes, classes)."""
    before, after = np.asarray(baseline, dtype=np.int64), np.asarray(current, dtype=np.int64)
    _same_rows(before, after)
    if before.size and (min(before.min(), after.min()) < 0 or max(before.max(), after.max()) >= classes):
        raise ValueError(f"labels outside 0 to {classes - 1}")
    return np.bincount(before * classes + after, minlength=classes**2).reshape(classes, classes)


def association(baseline: ArrayLike, current: ArrayLike, classes: int) -> TestResult:
    """Return Pearson's chi-squared test that the labels predicted by both sides have nothing to do with each other."""
    table = cross_table(baseline, current, classes)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if min(table.shape) < 2:
        return TestResult("chi-squared association", 0.0, 1.0, 0.0, ("a side predicts one class only",))
    result = stats.chi2_contingency(table, correction=False)
    few = float(np.min(result.expected_freq)) < SMALLEST_EXPECTED
    warnings = (f"some class pairs are expected fewer than {SMALLEST_EXPECTED:g} times",) if few else ()
    return TestResult(
        "chi-squared association", float(result.statistic), float(result.pvalue), float(result.dof), warnings
    )


def cohens_kappa(baseline: ArrayLike, current: ArrayLike, classes: int) -> float:
    """Return the agreement beyond chance (Cohen 1960): 1 for equal labels; nan where both sides know one same class."""
    table = cross_table(baseline, current, classes)
    share = table / max(1, table.sum())
    by_chance = float(share.sum(axis=1) @ share.sum(axis=0))
    return float((np.trace(share) - by_chance) / (1 - by_chance)) if by_chance < 1 else float("nan")


def wilson_interval(right: int, rows: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval of a single accuracy (Wilson 1927)."""
    z, share = float(special.ndtri((1 + confidence) / 2)), right / rows
    middle = (share + z**2 / (2 * rows)) / (1 + z**2 / rows)
    width = z / (1 + z**2 / rows) * (share * (1 - share) / rows + z**2 / (4 * rows**2)) ** 0.5
    return (0.0 if right == 0 else middle - width), (1.0 if right == rows else middle + width)


def epochs_t_test_of_the_studies(baseline: ArrayLike, current: ArrayLike) -> TestResult:
    """Return the two-sample t-test (equal variances) over the epochs of one run a side, as the studies did.

    For reproducing their tables only.
    """
    after, before = (np.asarray(values, dtype=np.float64) for values in (current, baseline))
    # From the moments, as scipy's call for arrays takes ten times as long, and a report has thousands of these tests.
    moments = (moment for values in (after, before) for moment in (values.mean(), values.std(ddof=1), len(values)))
    result = stats.ttest_ind_from_stats(*moments)
    warning = (
        "not valid: the epochs of one run depend on one another and share its seed; "
        "compare runs with several seeds instead"
    )
    return TestResult(
        "studies' t-test over epochs",
        float(result.statistic),
        float(result.pvalue),
        len(after) + len(before) - 2.0,
        (warning,),
    )


def _same_rows(*columns: NDArray[np.int64]) -> None:
    if len({column.shape for column in columns}) != 1 or columns[0].ndim != 1:
        raise ValueError(
            f"labels of shapes {[column.shape for column in columns]}: wanted one label a row on each side"
        )
