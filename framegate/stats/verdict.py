"""Verdicts: what a policy asks, what a cell and a whole run are called, and the exit status that follows."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..errors import SamplesError
from .choices import (
    DEFAULT_ALPHA,
    DEFAULT_MARGIN,
    STATUS_BROKEN,
    STATUS_PASSED,
    STATUS_UNSURE,
    STATUS_WORSE,
    AskedTest,
    CorrectionName,
    FailOn,
    MarginAsked,
    Unit,
)
from .comparison import Comparison
from .location import AskedLocation
from .metrics import BETTER_WORDS, METRICS, WORSE_WORDS
from .samples import Key


@dataclass(frozen=True)
class Policy:
    """What counts as a shift. Levels are one-sided."""

    margin: float = DEFAULT_MARGIN
    alpha: float = DEFAULT_ALPHA
    test: AskedTest = "auto"  # comparison.chosen_test
    correction: CorrectionName = "holm"
    location: AskedLocation = "chosen"  # location.chosen_location
    minimum_processes: int = 5
    unit: Unit = "process"
    power: float = 0.8  # asked of the smallest shift that could have been seen
    margins: Mapping[Key, float] = field(default_factory=dict)  # of single cells: (name, metric)
    allowed_mismatches: frozenset[str] = frozenset()  # of choices.CONDITIONS

    def margin_of(self, key: Key) -> float:
        """Return the margin of one cell and metric: its own, the metric's, or the policy's."""
        own = METRICS[key[1]].margin
        return self.margins.get(key, self.margin if own is None else own)


DEFAULT_POLICY = Policy()


def with_margins(policy: Policy, asked: Iterable[MarginAsked], keys: Iterable[Key]) -> Policy:
    """Return the policy with these margins, later ones first, for these cells. Raises SamplesError for an unknown cell.

    A margin is a ratio: it is not for metrics that are compared by differences and have a margin of their own.
    """
    known, margin, margins = list(keys), policy.margin, dict(policy.margins)
    for one in asked:
        if not one.part:
            margin = one.margin
            continue
        meant = [key for key in known if one.part in key[0]]
        if not meant:
            raise SamplesError(f"margin {one.part}={one.margin:g}: no cell has {one.part!r} in its name")
        margins |= {key: one.margin for key in meant if METRICS[key[1]].margin is None}
    return replace(policy, margin=margin, margins=margins)


@dataclass(frozen=True)
class Verdict:
    """One cell's answer: slower, faster (other metrics: worse, better), same, unsure, missing, new or, in a gate, broken."""

    name: str
    metric: str
    word: str
    why: str
    comparison: Comparison | None = None
    p_adjusted: float = float("nan")
    detectable: float | None = None  # smallest shift for the worse that could have been seen, as ratio or difference
    needed: int | None = None  # processes a side that would settle it
    dropped: int = 0  # warm-up values of each process, beyond what the file already leaves out
    warnings: tuple[str, ...] = ()


def importance(verdict: Verdict) -> tuple[int, float, str, str]:
    """Return the sort key of a report: broken first, then worse, missing, unsure, better, new, same; larger shifts first."""
    words = ({"broken"}, WORSE_WORDS, {"missing"}, {"unsure"}, BETTER_WORDS, {"new"}, {"same"})
    rank = next(i for i, group in enumerate(words) if verdict.word in group)
    size = abs(verdict.comparison.effect) if verdict.comparison else 0.0
    return rank, -size, verdict.name, verdict.metric


def run_word(verdicts: Sequence[Verdict]) -> str:
    """Return the verdict on the whole run: broken or worse if any cell is, else unsure if any is not known, else safe.

    Nothing compared is unsure: nothing measured is never green.
    """
    words = {verdict.word for verdict in verdicts}
    if "broken" in words:
        return "broken"
    if words & WORSE_WORDS:
        return "worse"
    return "safe" if words - {"new"} and not words & {"unsure", "missing"} else "unsure"


def exit_status(verdicts: Iterable[Verdict], fail_on: FailOn = "slower") -> int:
    """Return 0, 10 (something got slower or worse), 11 (unsure) or 12 (something is broken).

    Unsure is a status of its own where fail_on is unsure, or nothing could be compared.
    """
    found = list(verdicts)
    word = run_word(found)
    if fail_on == "never" or word == "safe":
        return STATUS_PASSED
    if word in ("worse", "broken"):
        return STATUS_WORSE if word == "worse" else STATUS_BROKEN
    # Too few processes, or constant times, may show numbers without having been judged by them.
    nothing = all(verdict.comparison is None or math.isnan(verdict.p_adjusted) for verdict in found)
    return STATUS_UNSURE if fail_on == "unsure" or nothing else STATUS_PASSED
