"""Comparisons of two samples, one value per process: arrays in; effect, interval and p value out.

Where the formulas come from: docs/statistics.md.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from .choices import Scale, TestName
from .permutation import (
    LARGEST_RANKED,
    MOST_EXACT,
    NO_SPREAD,
    Array,
    Outcome,
    dropped_of,
    has_outlier,
    permutation,
    regrouping_count,
    trimmed_permutation,
)


@dataclass(frozen=True)
class Estimate:
    """An effect with its standard error and degrees of freedom: arrays of one shape."""

    effect: Array
    standard_error: Array
    df: Array


@dataclass(frozen=True)
class Comparison:
    """What one test says about current against baseline, on the scale of the analysis (logs for ratios)."""

    test: str
    scale: Scale
    effect: float  # log-ratio, or difference: above zero where current is larger
    low: float
    high: float  # ends of the interval of confidence 1 - 2 alpha
    p: float  # two-sided
    df: float  # nan where the test has none
    standard_error: float  # Welch's or paired, whatever the test: power needs it
    n_baseline: int
    n_current: int
    warnings: tuple[str, ...] = ()

    @property
    def ratio(self) -> float:
        """Return current over baseline; on the linear scale the difference."""
        return float(np.exp(self.effect)) if self.scale == "log" else self.effect

    @property
    def interval(self) -> tuple[float, float]:
        """Return the ends of the interval as ratios; on the linear scale as differences."""
        return (float(np.exp(self.low)), float(np.exp(self.high))) if self.scale == "log" else (self.low, self.high)


def _variance(values: Array) -> Array:
    """Return the sample variance of the last axis; exactly zero where only rounding differs."""
    variance = values.var(axis=-1, ddof=1)
    rounding = NO_SPREAD * np.maximum(1.0, np.abs(values).max(axis=-1))
    return np.asarray(np.where(variance <= rounding**2, 0.0, variance))


def welch(baseline: Array, current: Array) -> Estimate:
    """Return the difference of means over the last axis, with the degrees of freedom of Welch (1947)."""
    n, m = baseline.shape[-1], current.shape[-1]
    a, b = _variance(baseline) / n, _variance(current) / m
    total = a + b
    safe = np.where(total > 0, a**2 / (n - 1) + b**2 / (m - 1), 1.0)
    df = np.where(total > 0, total**2 / safe, n + m - 2.0)
    return Estimate(current.mean(axis=-1) - baseline.mean(axis=-1), np.sqrt(total), df)


def paired(differences: Array) -> Estimate:
    """Return the mean of the last axis with its standard error: one difference is one pair."""
    n = differences.shape[-1]
    effect = np.asarray(differences.mean(axis=-1))
    return Estimate(effect, np.sqrt(_variance(differences) / n), np.full(effect.shape, n - 1.0))


def t_value(estimate: Estimate, null: float = 0.0) -> Array:
    """Return how many standard errors the effect is above null; infinite where that is zero."""
    distance = estimate.effect - null
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = distance / estimate.standard_error
    return np.asarray(np.where(distance == 0, 0.0, ratio))


def p_greater(estimate: Estimate, null: float = 0.0) -> Array:
    """Return the one-sided p value of `effect <= null`."""
    return np.asarray(special.stdtr(estimate.df, -t_value(estimate, null)))


def half_width(estimate: Estimate, alpha: float) -> Array:
    """Return half the width of the interval of confidence 1 - 2 alpha."""
    return np.asarray(special.stdtrit(estimate.df, 1 - alpha) * estimate.standard_error)


def _t_outcome(estimate: Estimate, alpha: float, fewest_regroupings: float) -> Outcome:
    effect, width = float(estimate.effect), float(half_width(estimate, alpha))
    p = 2 * float(np.minimum(p_greater(estimate), 1 - p_greater(estimate)))
    if float(estimate.standard_error) == 0:  # no spread to judge by: as sure as a permutation test, not surer
        p = 1.0 if effect == 0 else min(1.0, 2 / fewest_regroupings)
    return Outcome(effect, effect - width, effect + width, min(p, 1.0), float(estimate.df))


def _welch(baseline: Array, current: Array, alpha: float) -> Outcome:
    n, m = len(baseline), len(current)
    return _t_outcome(welch(baseline, current), alpha, regrouping_count(n, m))


def _paired(baseline: Array, current: Array, alpha: float) -> Outcome:
    return _t_outcome(paired(current - baseline), alpha, 2.0 ** min(len(baseline), LARGEST_RANKED))


def _mann_whitney(baseline: Array, current: Array, alpha: float) -> Outcome:
    """Hodges-Lehmann shift and interval; the rank of its ends by Hollander and Wolfe's normal approximation."""
    shifts = np.sort((current[:, None] - baseline[None, :]).ravel())
    n, m = len(baseline), len(current)
    cut = int(np.floor(n * m / 2 - special.ndtri(1 - alpha) * np.sqrt(n * m * (n + m + 1) / 12))) - 1
    low, high = (float(shifts[cut]), float(shifts[-1 - cut])) if cut >= 0 else (-np.inf, np.inf)
    # Rounded, because values equal but for their last bit are ties in any unit.
    p = float(stats.mannwhitneyu(np.round(current, 12), np.round(baseline, 12), alternative="two-sided").pvalue)
    return Outcome(float(np.median(shifts)), low, high, p, np.nan)


TESTS: dict[TestName, Callable[[Array, Array, float], Outcome]] = {
    "welch": _welch,
    "paired": _paired,
    "permutation": permutation,
    "mann-whitney": _mann_whitney,
}


def why_not(test: TestName, n: int, m: int) -> str:
    """Return why a test cannot compare n with m values; empty where it can."""
    if min(n, m) < 2:
        return f"{n} against {m} values: a comparison needs two a side"
    if test == "paired" and n != m:
        return f"{n} against {m} values cannot be paired"
    if test in ("permutation", "mann-whitney") and n + m > LARGEST_RANKED:
        return f"{n} against {m} values: the {test} test takes {LARGEST_RANKED} together; use welch"
    return ""


def compare(
    baseline: ArrayLike, current: ArrayLike, test: TestName = "welch", alpha: float = 0.025, scale: Scale = "log"
) -> Comparison:
    """Return the comparison of two samples of one value per process, in their own unit (positive on the log scale).

    alpha is one-sided: 0.025 gives the 95 % interval. Raises ValueError where the test cannot take so many values.
    """
    before, after = _analysed(baseline, scale), _analysed(current, scale)
    refusal = why_not(test, len(before), len(after))
    if refusal:
        raise ValueError(refusal)
    trimmed = test == "permutation" and scale == "log" and has_outlier(before, after)
    trimmed = trimmed and min(dropped_of(len(before)), dropped_of(len(after))) > 0
    outcome = (trimmed_permutation if trimmed else TESTS[test])(before, after, alpha)
    spread = paired(after - before) if test == "paired" else welch(before, after)
    return Comparison(
        test, scale, outcome.effect, outcome.low, outcome.high, outcome.p, outcome.df,
        float(spread.standard_error), len(before), len(after), tuple(_warnings(before, after, test, alpha, spread)),
    )  # fmt: skip


def chosen_test(n: int, m: int, family: int, alpha: float) -> TestName:
    """Return the permutation test where its smallest p value passes the strictest level of the family, else Welch's.

    It looks at counts only, never at values, so the error rates of both hold. Five against five reach 1 in 252:
    enough for a family of six; the permutation test finds more where the noise has heavy tails (docs/statistics.md).
    """
    enough = min(regrouping_count(n, m), MOST_EXACT) * alpha >= family
    return "permutation" if enough and n + m <= LARGEST_RANKED else "welch"


def _analysed(values: ArrayLike, scale: Scale) -> Array:
    array = np.asarray(values, dtype=np.float64).ravel()
    if not np.isfinite(array).all() or (scale == "log" and (array <= 0).any()):
        raise ValueError(f"values must be finite{' and above zero' if scale == 'log' else ''}: {array}")
    return np.log(array) if scale == "log" else array


def _warnings(before: Array, after: Array, test: TestName, alpha: float, spread: Estimate) -> list[str]:
    found = []
    if float(spread.standard_error) == 0:
        found.append("constant: no spread between processes, the interval has no width")
    if test == "permutation" and regrouping_count(len(before), len(after)) * alpha < 1:
        found.append(f"{len(before)} against {len(after)} is too few for a permutation test at {alpha:g} a side")
    if test == "permutation" and regrouping_count(len(before), len(after)) > MOST_EXACT:
        found.append(f"{MOST_EXACT} regroupings drawn of more: the p value is a Monte-Carlo estimate")
    return found
