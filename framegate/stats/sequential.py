"""Group-sequential stopping for alternating pairs of processes: one log-ratio a pair, looked at when planned.

At each look the interval `mean +- boundary x standard error` is drawn (repeated confidence intervals, Jennison and
Turnbull 1989). The boundaries are t values spent by an alpha-spending function (Lan and DeMets 1983) and calibrated on
simulated t statistics of the very looks, since the normal boundaries of the books fail at six pairs.

How to use it: make a `plan` before the first pair (family: how many cells one answer is given for). After each pair append
its `pair_value`, and ask `decide`; while it says `continue`, run another pair. Where the time is up at a number of pairs that
was not a look, ask `decide` once more with `shortened(plan, pairs)`: what is left of alpha is then spent.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from .comparison import paired

Array = NDArray[np.float64]
Spending = Literal["pocock", "obrien-fleming"]
Word = Literal["slower", "faster", "same", "continue", "unsure"]

# Six: below, pairs that differ by a fixed step of random sign (a process in the slow or the fast mode) agree in sign
# too often for any t-test. 2^-6 = 1.6 %.
FEWEST_PAIRS = 6
DEFAULT_LOOKS = (6, 8, 10, 12, 16, 20)
PATHS = 400_000  # simulated, each used with both signs: 2.5 % is known within 0.02 %
CHUNK = 20_000


@dataclass(frozen=True)
class Plan:
    """When to look, and how many standard errors the evidence must clear at each look."""

    looks: tuple[int, ...]  # pairs at each look, rising
    alpha: float  # one-sided, over all looks together
    spending: Spending
    boundaries: tuple[float, ...]


@dataclass(frozen=True)
class Decision:
    """What is known after so many pairs; effects are log-ratios, the interval holds over all looks together."""

    word: Word
    why: str
    pairs: int
    effect: float
    low: float
    high: float


def spent(share: ArrayLike, alpha: float, spending: Spending) -> Array:
    """Return the error spent when this share of the pairs is in (Lan and DeMets 1983)."""
    fraction = np.asarray(share, dtype=np.float64)
    if spending == "pocock":
        return np.asarray(alpha * np.log1p((np.e - 1) * fraction))
    return np.asarray(2 * special.ndtr(-special.ndtri(1 - alpha / 2) / np.sqrt(fraction)))


def plan(
    looks: Sequence[int] = DEFAULT_LOOKS, alpha: float = 0.025, spending: Spending = "pocock", family: int = 1
) -> Plan:
    """Return the plan whose chance of a false "slower" over all looks is alpha (/ family: Bonferroni).

    The same for "faster", and for "same" at a true shift of the margin. About half a second for a new plan.
    """
    if not looks or looks[0] < FEWEST_PAIRS or list(looks) != sorted(set(looks)):
        raise ValueError(f"looks {list(looks)}: wanted rising numbers of pairs, {FEWEST_PAIRS} or more")
    level = alpha / family
    targets = spent(np.array(looks) / looks[-1], level, spending)
    return Plan(tuple(looks), level, spending, _boundaries(tuple(looks), tuple(map(float, targets))))


def shortened(planned: Plan, pairs: int) -> Plan:
    """Return the plan ended at this many pairs, because the time is up: what is left of alpha is spent there.

    Valid only where the end does not depend on the results.
    """
    earlier = tuple(look for look in planned.looks if look < pairs)
    shares = np.array(earlier) / planned.looks[-1]
    targets = (*map(float, spent(shares, planned.alpha, planned.spending)), planned.alpha)
    kept = planned.boundaries[: len(earlier)]
    return replace(planned, looks=(*earlier, pairs), boundaries=_boundaries((*earlier, pairs), targets, kept))


@lru_cache(maxsize=2)  # 40 MB each
def _simulated_t(looks: tuple[int, ...]) -> Array:
    """Return t statistics of standard normal pairs at each look: (2 PATHS, looks), seeded."""
    random = np.random.default_rng(19_830)
    counts = np.array(looks)
    rows = []
    for _ in range(PATHS // CHUNK):
        values = random.standard_normal((CHUNK, looks[-1]))
        sums = np.cumsum(values, axis=1)[:, counts - 1]
        squares = np.cumsum(values**2, axis=1)[:, counts - 1]
        rows.append(sums / np.sqrt((squares - sums**2 / counts) / (counts - 1) * counts))
    half = np.concatenate(rows)
    return np.concatenate([half, -half])


@lru_cache(maxsize=256)
def _boundaries(looks: tuple[int, ...], targets: tuple[float, ...], kept: tuple[float, ...] = ()) -> tuple[float, ...]:
    """Return the t value at each look so that targets[k] of unchanged runs have crossed by look k.

    kept: the boundaries of the first looks, where they are behind us.
    """
    # The first is exact: nothing was spent before.
    boundaries = list(kept or (float(special.stdtrit(looks[0] - 1, 1 - targets[0])),))
    if len(looks) == 1:
        return tuple(boundaries)
    t = _simulated_t(looks)
    inside = (t[:, : len(boundaries)] <= boundaries).all(axis=1)
    for k in range(len(boundaries), len(looks)):
        remaining = np.sort(t[inside, k])
        allowed = max(0, int(targets[k] * len(t)) - int(len(t) - len(remaining)))
        boundaries.append(float(remaining[-1 - allowed]) if allowed < len(remaining) else -np.inf)
        inside &= t[:, k] <= boundaries[k]
    return tuple(boundaries)


def pair_value(baseline: ArrayLike, current: ArrayLike, baseline_first: ArrayLike) -> float:
    """Return one pair's log-ratio from neighbouring epochs: Hodges and Lehmann's location, both orders weighing the same.

    baseline, current: warm epochs (seconds) of the two processes, in turn; baseline_first: which of the two ran its
    epoch first. The median of all averages of one ratio from each order: what it costs to be second cancels in every
    average, and a disturbed epoch is outvoted. It is symmetric, as ratios of unchanged code are: the trimmed mean
    that serves single processes would lean to one side here. With one order only: of all averages of two ratios.
    """
    ratios = np.log(np.asarray(current, dtype=np.float64)) - np.log(np.asarray(baseline, dtype=np.float64))
    first = np.asarray(baseline_first, dtype=bool)
    one, other = ratios[first], ratios[~first]
    if not one.size or not other.size:
        rows, columns = np.triu_indices(ratios.size)
        return float(np.median((ratios[rows] + ratios[columns]) / 2))
    return float(np.median((one[:, None] + other[None, :]) / 2))


def repeated_interval(log_ratios: ArrayLike, planned: Plan) -> tuple[float, float, float]:
    """Return effect, low and high after len(log_ratios) pairs, which must be one of the plan's looks."""
    values = np.asarray(log_ratios, dtype=np.float64)
    estimate = paired(values)
    width = planned.boundaries[planned.looks.index(len(values))] * float(estimate.standard_error)
    return float(estimate.effect), float(estimate.effect) - width, float(estimate.effect) + width


def decide(log_ratios: Sequence[float], planned: Plan, margin: float = 0.05) -> Decision:
    """Return the decision after these pairs: `continue` between looks, `unsure` when the last look did not suffice."""
    pairs, limit = len(log_ratios), float(np.log1p(margin))
    if pairs not in planned.looks:
        later = [look for look in planned.looks if look > pairs]
        if not later:
            raise ValueError(f"{pairs} pairs: the plan ended at {planned.looks[-1]}")
        return Decision("continue", f"{pairs} pairs, next look at {later[0]}", pairs, np.nan, -np.inf, np.inf)
    effect, low, high = repeated_interval(log_ratios, planned)
    word: Word = "unsure" if pairs == planned.looks[-1] else "continue"
    why = f"undecided after {pairs} pairs, the interval reaches from {np.exp(low):.3f} to {np.exp(high):.3f}"
    if low == high:
        why = f"all {pairs} pairs have the same ratio: the clock is too coarse, or one series was copied"
    elif -limit < low and high < limit:
        word, why = "same", f"after {pairs} pairs the interval lies within {margin:.1%}"
    elif (low > 0 and effect > limit) or (high < 0 and effect < -limit):
        word = "slower" if effect > 0 else "faster"
        why = f"after {pairs} pairs the interval excludes 1 and the ratio exceeds {margin:.1%}"
    return Decision(word, why, pairs, effect, low, high)
