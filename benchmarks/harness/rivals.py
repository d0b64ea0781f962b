"""The well-known rules for `slower`, in short: each takes log seconds (pairs, processes, epochs) of both sides.

Each returns one truth value a pair. One-sided level 2.5 % wherever the rule has a level of its own choice.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from framegate.stats.comparison import p_greater, welch
from framegate.stats.location import location
from framegate.stats.permutation import permutation_shifts

Array = NDArray[np.float64]
Rule = Callable[[Array, Array], NDArray[np.bool_]]
ALPHA = 0.025
RESAMPLES = 400


def benchmark_mean(baseline: Array, current: Array) -> NDArray[np.bool_]:
    """pytest-benchmark --benchmark-compare-fail=mean:5%, one process a side."""
    before, after = np.exp(baseline[:, 0]).mean(axis=-1), np.exp(current[:, 0]).mean(axis=-1)
    return np.asarray(after > 1.05 * before)


def epochs_t(baseline: Array, current: Array) -> NDArray[np.bool_]:
    """Welch's t-test over the epochs of one process a side."""
    return np.asarray(p_greater(welch(np.exp(baseline[:, 0]), np.exp(current[:, 0]))) <= ALPHA)


def pooled_t(baseline: Array, current: Array) -> NDArray[np.bool_]:
    """pyperf: pooled-variance t-test over all values of all processes."""
    before, after = (np.exp(side).reshape(len(side), -1) for side in (baseline, current))
    return np.asarray(stats.ttest_ind(after, before, axis=-1, alternative="greater").pvalue <= ALPHA)


def epochs_mann_whitney(baseline: Array, current: Array) -> NDArray[np.bool_]:
    """Mann-Whitney over the epochs of one process a side."""
    found = stats.mannwhitneyu(current[:, 0], baseline[:, 0], alternative="greater", axis=-1, method="asymptotic")
    return np.asarray(found.pvalue <= ALPHA)


def criterion(baseline: Array, current: Array) -> NDArray[np.bool_]:
    """Criterion.rs: bootstrapped t-test at 5 %, and the bootstrap interval of the change beyond 1 %, one process."""
    random = np.random.default_rng(1)
    before, after = np.exp(baseline[:, 0]), np.exp(current[:, 0])
    count, size = before.shape
    real = (after.mean(axis=-1) - before.mean(axis=-1)) / np.sqrt(
        before.var(axis=-1, ddof=1) / size + after.var(axis=-1, ddof=1) / size
    )
    mixed = np.concatenate([before, after], axis=-1)
    extreme = np.zeros(count)
    changes = np.empty((RESAMPLES, count))
    for k in range(RESAMPLES):
        drawn = np.take_along_axis(mixed, random.integers(0, 2 * size, (count, 2 * size)), axis=-1)
        one, two = drawn[:, :size], drawn[:, size:]
        error = np.sqrt(one.var(axis=-1, ddof=1) / size + two.var(axis=-1, ddof=1) / size)
        extreme += np.abs(two.mean(axis=-1) - one.mean(axis=-1)) >= np.abs(real) * error
        rows = random.integers(0, size, (2, count, size))
        means = [np.take_along_axis(x, r, axis=-1).mean(axis=-1) for x, r in zip((before, after), rows, strict=True)]
        changes[k] = means[1] / means[0] - 1
    return np.asarray((extreme / RESAMPLES < 0.05) & (np.quantile(changes, 0.025, axis=0) > 0.01))


def asv(baseline: Array, current: Array) -> NDArray[np.bool_]:
    """asv continuous: samples of two processes pooled, Mann-Whitney p < 0.002, and the factor 1.1 of the medians."""
    before, after = (side[:, :2].reshape(len(side), -1) for side in (baseline, current))
    found = stats.mannwhitneyu(after, before, alternative="two-sided", axis=-1, method="asymptotic")
    return np.asarray((found.pvalue < 0.002) & (np.median(after, axis=-1) - np.median(before, axis=-1) > np.log(1.1)))


def permutation_of(name: str) -> Rule:
    """Return the exact permutation test on one value a process: its median, or its minimum."""

    def rule(baseline: Array, current: Array) -> NDArray[np.bool_]:
        before, after = location(baseline, name), location(current, name)  # type: ignore[arg-type]
        shifts = permutation_shifts(before, after)
        return np.asarray((1 + (shifts <= 0).sum(axis=-1)) / (shifts.shape[-1] + 1) <= ALPHA)

    return rule


RIVALS: dict[str, Rule] = {
    "pytest-benchmark mean:5%, one process": benchmark_mean,
    "t-test over one process's epochs": epochs_t,
    "pooled t over all epochs (pyperf)": pooled_t,
    "Mann-Whitney over one process": epochs_mann_whitney,
    "Criterion, one process": criterion,
    "asv, two processes": asv,
    "exact permutation, process medians": permutation_of("median"),
    "exact permutation, process minima": permutation_of("minimum"),
}
