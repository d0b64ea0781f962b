"""The exact permutation test: every regrouping of the values of both sides is as likely, if nothing changed.

Where the formulas come from: docs/statistics.md.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MOST_EXACT = 20_000  # regroupings listed one by one: up to 8 against 8; beyond, as many are drawn
LARGEST_RANKED = 200  # values, both sides together, for the tests that look at regroupings or pairs of values
HALVINGS = 34  # of an interval no wider than four times the spread: ten digits
NO_SPREAD = 1e-12  # relative: what remains of a constant sample's spread after rounding


@dataclass(frozen=True)
class Outcome:
    """What a test says, on the scale of the values; p is two-sided, df nan where there is none."""

    effect: float
    low: float
    high: float
    p: float
    df: float


def regrouping_count(n: int, m: int) -> float:
    """Return how many ways there are to pick m of n + m values; infinite where nobody would list them."""
    return float(comb(n + m, n)) if n + m <= LARGEST_RANKED else float("inf")


@lru_cache(maxsize=32)
def regroupings(n: int, m: int) -> NDArray[np.bool_]:
    """Return which of the n + m pooled values (baseline first) go to current: (regroupings, n + m), the real one first.

    All of them up to MOST_EXACT, else as many drawn with a fixed seed: the Monte-Carlo permutation test.
    """
    if regrouping_count(n, m) <= MOST_EXACT:
        chosen = np.array(list(combinations(range(n + m - 1, -1, -1), m)))
    else:
        order = np.random.default_rng(20_260).permuted(np.tile(np.arange(n + m), (MOST_EXACT, 1)), axis=1)
        chosen = order[:, :m]
        chosen[0] = np.arange(n, n + m)
    groups = np.zeros((len(chosen), n + m), dtype=bool)
    np.put_along_axis(groups, chosen, True, axis=1)
    return groups


@lru_cache(maxsize=32)
def _moves(n: int, m: int) -> tuple[Array, Array, Array]:
    """Return, per regrouping but the real one, which of current left it, which of baseline joined it, and how many."""
    groups = regroupings(n, m)[1:]
    groups = groups[~groups[:, n:].all(axis=1)]  # drawn again: the real one
    left, joined = (~groups[:, n:]).T.astype(np.float64), groups[:, :n].T.astype(np.float64)
    return left, joined, left.sum(axis=0)


def permutation_shifts(baseline: Array, current: Array) -> Array:
    """Return the sorted shifts at which one regrouping after another is as extreme as the real one.

    Taking the shift s from current, a regrouping that moves k values each way has a difference of means at least as
    large as the real one exactly where s >= (mean of the moved current) - (mean of the moved baseline). So p values
    and intervals are counts of these numbers: no search. Shape (..., regroupings - 1).
    """
    left, joined, moved = _moves(baseline.shape[-1], current.shape[-1])
    return np.sort((current @ left - baseline @ joined) / moved, axis=-1)


def permutation(baseline: Array, current: Array, alpha: float) -> Outcome:
    """Return the permutation test on the difference of means."""
    shifts = permutation_shifts(np.sort(baseline), np.sort(current))
    total, cut = len(shifts) + 1, int(np.floor(alpha * (len(shifts) + 1) + 1e-9)) - 1
    rounding = NO_SPREAD * max(1.0, float(np.abs(np.concatenate([baseline, current])).max()))
    one_sided = (1 + min(np.sum(shifts <= rounding), np.sum(shifts >= -rounding))) / total
    low, high = (float(shifts[cut]), float(shifts[-1 - cut])) if cut >= 0 else (-np.inf, np.inf)
    return Outcome(float(current.mean() - baseline.mean()), low, high, float(min(1.0, 2 * one_sided)), np.nan)


def dropped_of(count: int) -> int:
    """Return how many of so many slowest processes a side leaves out where one lies far outside."""
    return count // 5


def has_outlier(baseline: Array, current: Array) -> bool:
    """Return whether the slowest process lies further from the next than the others spread. Blind to the sides."""
    pooled = np.sort(np.concatenate([baseline, current]))
    return bool(pooled[-1] - pooled[-2] > max(pooled[:-1].std(), NO_SPREAD) * (1 + 1e-9))


@lru_cache(maxsize=8)
def _members(n: int, m: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which of the pooled values each regrouping gives to baseline, and which to current; the real one first."""
    groups = regroupings(n, m)
    places = np.broadcast_to(np.arange(n + m), groups.shape)
    return places[~groups].reshape(-1, n), places[groups].reshape(-1, m)


def _without_slowest(values: Array) -> Array:
    """Return the mean of the last axis without its slowest fifth."""
    return np.asarray(np.sort(values, axis=-1)[..., : values.shape[-1] - dropped_of(values.shape[-1])].mean(axis=-1))


def trimmed_permutation(baseline: Array, current: Array, alpha: float) -> Outcome:
    """Return the permutation test on the difference of means without the slowest fifth of each group.

    One process that ran beside something else no longer decides. As a shift taken from current grows, no regrouping's
    distance from the real difference falls, so the ends of the interval are found by halving.
    """
    left, right = _members(len(baseline), len(current))
    before, after = np.sort(baseline), np.sort(current)  # drawn regroupings must not depend on the order given
    reach = 2 * float(np.ptp(np.concatenate([before, after])))
    rounding = NO_SPREAD * max(1.0, float(np.abs(np.concatenate([before, after])).max()))

    def share(shift: float, direction: int) -> float:
        pooled = np.concatenate([before, after - shift])
        found = direction * (_without_slowest(pooled[right]) - _without_slowest(pooled[left]))
        return float(np.mean(found >= found[0] - rounding))

    def end(direction: int) -> float:
        rejected, accepted = effect - direction * reach, effect + direction * reach
        for _ in range(HALVINGS):
            middle = (rejected + accepted) / 2
            rejected, accepted = (middle, accepted) if share(middle, direction) <= alpha else (rejected, middle)
        return accepted

    effect = float(_without_slowest(after) - _without_slowest(before))
    p = 2 * min(share(0.0, 1), share(0.0, -1))
    if alpha * len(left) < 1:
        return Outcome(effect, -np.inf, np.inf, min(1.0, p), np.nan)
    return Outcome(effect, end(1), end(-1), min(1.0, p), np.nan)
