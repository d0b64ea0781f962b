"""Judging a gate: what the pairs of one cell and metric say so far, and what they say in the end.

Sampling stops by the seconds of an epoch. The other metrics are judged by the same repeated intervals, which hold at every look,
wherever the sampling stopped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from .choices import DEFAULT_ALPHA, DEFAULT_MARGIN
from .comparison import Comparison, paired
from .equivalence import margin_on_scale
from .metrics import METRICS
from .power import processes_needed, processes_needed_for_same, smallest_detectable
from .sequential import DEFAULT_LOOKS, FEWEST_PAIRS, Decision, Plan, decide, pair_value, plan, shortened
from .verdict import Verdict, run_word

PRIMARY = "seconds"
SECONDARY = ("inference_seconds", "first_step_seconds", "import_seconds", "peak_bytes", "accuracy")
DRIFT = "drift"
BROKEN = "broken"
DRIFT_TOLERANCE = 1e-3  # relative: float32's rounding grows to about 1e-5 in twenty steps, a changed operation to more
CONTINUE = "continue"
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Rules:
    """What a gate asks. Levels are one-sided."""

    cells: int  # the family
    margin: float = DEFAULT_MARGIN
    alpha: float = DEFAULT_ALPHA
    looks: tuple[int, ...] = DEFAULT_LOOKS
    power: float = 0.8

    def limit(self, metric: str) -> float:
        """Return the smallest shift that counts, on the scale of the analysis."""
        own = METRICS[metric].margin
        return margin_on_scale(self.margin if own is None else own, METRICS[metric].scale)

    def family(self, metric: str) -> int:
        """Return how many comparisons share the level: the cells; for all other metrics together, a level of their own."""
        return self.cells if metric == PRIMARY else self.cells * len(SECONDARY)


@lru_cache(maxsize=64)
def _plan(looks: tuple[int, ...], alpha: float, family: int) -> Plan:
    return plan(looks, alpha, family=family)


def pair_effect(metric: str, baseline: ArrayLike, candidate: ArrayLike, baseline_first: ArrayLike) -> float:
    """Return one pair's log-ratio, or its difference where the metric is compared by differences.

    One value an epoch where the metric has that, else one a process.
    """
    one, other = np.asarray(baseline, dtype=np.float64), np.asarray(candidate, dtype=np.float64)
    if METRICS[metric].scale == "linear":
        return float(other.mean() - one.mean())
    first = np.asarray(baseline_first, dtype=bool)
    return pair_value(one, other, first if len(first) == len(one) else np.ones(len(one), dtype=bool))


def ratio_so_far(effects: Sequence[float]) -> float:
    """Return the mean ratio of the pairs, with nothing said of how certain it is."""
    return float(np.exp(np.mean(effects))) if effects else float("nan")


def verdict_of(name: str, metric: str, effects: Sequence[float], rules: Rules, over: bool) -> Verdict:
    """Return what the pairs say: the word "continue" where more are wanted, which never is said once it is over.

    over: the time is up, so that what is left of the level is spent on what there is.
    """
    pairs = len(effects)
    if pairs < FEWEST_PAIRS:
        so_far = f"; ratio {ratio_so_far(effects):.3f} so far" if effects and METRICS[metric].scale == "log" else ""
        why = f"{pairs} pairs, {FEWEST_PAIRS} are the fewest{so_far}"
        return Verdict(name, metric, "unsure" if over else CONTINUE, why)
    looks = [look for look in rules.looks if look <= pairs]
    values = np.asarray(effects, dtype=np.float64)
    for look in looks:
        found = _at(look, values, metric, rules)
        if found.word not in (CONTINUE, "unsure"):
            return _worded(name, metric, found, values[:look], rules)
    if over and pairs > looks[-1] and pairs < rules.looks[-1]:
        found = _at(pairs, values, metric, rules, ended=True)
    word = "unsure" if over or pairs >= rules.looks[-1] else CONTINUE
    known = found.word if found.word not in (CONTINUE, "unsure") else word
    return _worded(name, metric, _reworded(found, known), values[: found.pairs], rules)


def _at(pairs: int, values: Array, metric: str, rules: Rules, ended: bool = False) -> Decision:
    """Return the decision at one look, or where the time ended between two. "Same" needs no correction, a shift does."""
    margin = float(np.expm1(rules.limit(metric)))
    alone, corrected = _plan(rules.looks, rules.alpha, 1), _plan(rules.looks, rules.alpha, rules.family(metric))
    if ended:
        alone, corrected = shortened(alone, pairs), shortened(corrected, pairs)
    listed = values[:pairs].tolist()
    found = decide(listed, alone, margin)
    if found.low == found.high and not metric.endswith("seconds"):  # memory and accuracy may well be constant
        return _reworded(found, "same" if abs(found.effect) <= rules.limit(metric) else _direction(found.effect))
    if found.word in ("slower", "faster"):
        strict = decide(listed, corrected, margin)
        return found if strict.word == found.word else _reworded(found, CONTINUE)
    return found


def _direction(effect: float) -> str:
    return "slower" if effect > 0 else "faster"


def _reworded(found: Decision, word: str) -> Decision:
    return Decision(word, found.why, found.pairs, found.effect, found.low, found.high)  # type: ignore[arg-type]


def _worded(name: str, metric: str, found: Decision, values: Array, rules: Rules) -> Verdict:
    """Return the decision in the words of the metric, with what could have been seen and what would settle it."""
    estimate, known = paired(values), METRICS[metric]
    pairs, error = len(values), float(estimate.standard_error)
    comparison = Comparison(
        "alternating pairs", known.scale, found.effect, found.low, found.high, np.nan, pairs - 1.0, error, pairs, pairs
    )
    boundary = (found.high - found.effect) / error if error > 0 else np.inf
    seen = smallest_detectable(error, pairs - 1.0, float(special.stdtr(pairs - 1.0, -boundary)), rules.power)
    detectable = float(np.exp(seen)) if known.scale == "log" else seen
    word, why, needed = str(found.word), f"{pairs} pairs", None
    if word in ("slower", "faster"):
        word = known.words[0 if (found.effect > 0) == known.worse_when_larger else 1]
    elif word == "unsure":
        needed = _needed(found.effect, error * np.sqrt(pairs), metric, rules)
        why = f"{pairs} pairs, about {needed} would settle it"
    return Verdict(name, metric, word, why, comparison, detectable=detectable, needed=needed)


def _needed(effect: float, deviation: float, metric: str, rules: Rules) -> int:
    limit = rules.limit(metric)
    if abs(effect) > limit:
        return processes_needed(abs(effect), deviation, rules.alpha / rules.family(metric), rules.power, paired=True)
    return processes_needed_for_same(limit - abs(effect), deviation, rules.alpha, rules.power, paired=True)


def least_settled(effects: dict[str, list[float]], rules: Rules) -> str | None:
    """Return the cell that gets the next pair, or None where all are settled.

    Round-robin up to the fewest pairs, so that a drift of the machine hits all alike; then the cell whose mean is least known.
    effects: of the primary metric, by cell; a cell that failed is left out by the caller.
    """
    fewest = min(effects, key=lambda name: len(effects[name]), default=None)
    if fewest is None or len(effects[fewest]) < FEWEST_PAIRS:
        return fewest
    open_cells = [n for n, own in effects.items() if verdict_of(n, PRIMARY, own, rules, over=False).word == CONTINUE]
    return max(open_cells, key=lambda name: float(paired(np.array(effects[name])).standard_error), default=None)


def drift_verdict(name: str, baseline: Sequence[float], candidate: Sequence[float]) -> Verdict:
    """Return whether losses after the same steps from the same weights agree; no statistics: both are computed once."""
    one, other = np.asarray(baseline), np.asarray(candidate)
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        return Verdict(name, DRIFT, "worse", f"losses {one.tolist()} and {other.tolist()}: not finite")
    apart = float(np.max(np.abs(other - one) / np.maximum(np.abs(one), 1e-12)))
    word = "same" if apart <= DRIFT_TOLERANCE else "worse"
    return Verdict(name, DRIFT, word, f"losses after 20 steps differ by {apart:.1e}, {DRIFT_TOLERANCE:g} is allowed")


@dataclass(frozen=True)
class Answer:
    """What a gate says."""

    baseline: str  # as typed
    candidate: str
    verdicts: list[Verdict]
    rules: Rules
    differences: dict[str, list[str]]  # by "environment -> environment": what else differs than what was asked for
    notes: list[str]
    ended: str  # why the sampling ended, in words
    minutes: float
    run: str  # the journal's name
    names: dict[str, str]  # of the verdicts, by the id of the cell in matrix.toml

    @property
    def word(self) -> str:
        """The verdict on the whole: broken, worse, unsure or safe."""
        return run_word(counted(self.verdicts))


def counted(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts that decide on the whole: all of the epoch seconds, and of other metrics those that are known."""
    return [one for one in verdicts if one.metric == PRIMARY or one.word != "unsure"]
