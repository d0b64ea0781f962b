"""Change points: at which releases of a series a cell shifted. Replicated values of each release in; shifts out.

A series is searched for the stretch of releases that differs most from the others before and behind it (circular binary
segmentation; Olshen, Venkatraman, Lucito and Wigler 2004), by ranks, so that a step and a bump are found alike. The largest
difference over all stretches is compared with the same maximum after permutations (docs/history.md): the positions need no
further correction. Where releases have equally many values, value j of each one is taken for measured in round j,
and values are exchanged within their round only: what a round has in common does not count. Found stretches are
searched again, each at its share of the level; the series of one call share the level by Holm's correction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from .comparison import Comparison, compare
from .correction import adjusted

Array = NDArray[np.float64]
PERMUTATIONS = 9_999
FEWEST_RELEASES, FEWEST_VALUES = 3, 2
CLIP = 2.0  # median absolute deviations
_BATCH = 2_000_000  # numbers held at once


@dataclass(frozen=True)
class Series:
    """One measure of one cell over releases, oldest first: the processes' values of each, above zero."""

    name: str
    releases: tuple[str, ...]
    values: tuple[Array, ...]


@dataclass(frozen=True)
class Shift:
    """The first release of a stretch whose values differ from those of the stretch before it."""

    name: str
    release: str
    p: float  # corrected over the series, and for positions within it
    comparison: Comparison  # of the stretch from this release on with the one before


@dataclass(frozen=True)
class Answer:
    """What was found in one series."""

    name: str
    word: Literal["shifted", "none found", "unsure"]
    why: str
    shifts: tuple[Shift, ...] = ()


def find_shifts(
    series: Sequence[Series], alpha: float = 0.05, margin: float = 0.05, permutations: int = PERMUTATIONS, seed: int = 1
) -> list[Answer]:
    """Return an answer for each series: the chance that any unchanged series of the call is called shifted is at most alpha.

    A shift counts where its ratio is beyond the margin.
    """
    judged = [one for one in series if not _too_little(one)]
    first = {one.name: _strongest(_logs(one), permutations, seed) for one in judged}
    corrected = dict(zip(first, adjusted([found.p for found in first.values()]).tolist(), strict=True))
    answers = []
    for one in series:
        if why := _too_little(one):
            answers.append(Answer(one.name, "unsure", why))
            continue
        level = alpha / len(judged)
        borders = {0, len(one.releases)}
        if corrected[one.name] <= alpha:
            borders |= _split(_logs(one), first[one.name], 0, level / (len(one.releases) - 1), permutations, seed)
        answers.append(_answer(one, sorted(borders), corrected[one.name], margin, alpha))
    return answers


@dataclass(frozen=True)
class _Stretch:
    begin: int
    end: int  # of the releases that differ most from the others
    p: float


def _too_little(series: Series) -> str:
    few = [name for name, values in zip(series.releases, series.values, strict=True) if len(values) < FEWEST_VALUES]
    if len(series.releases) < FEWEST_RELEASES:
        return f"{len(series.releases)} releases measured; wanted {FEWEST_RELEASES}"
    if few:
        return f"{few[0]} has fewer than {FEWEST_VALUES} processes; measure it again with more rounds"
    return ""


def _logs(series: Series) -> list[Array]:
    return [np.log(values) for values in series.values]


def _split(
    logs: list[Array], found: _Stretch, offset: int, level_each: float, permutations: int, seed: int
) -> set[int]:
    """Return the borders between stretches: those found, and those within the parts, each tested at its share."""
    inner = sorted({0, found.begin, found.end, len(logs)})
    borders = {offset + place for place in inner[1:-1]}
    for begin, end in pairwise(inner):
        part = logs[begin:end]
        if len(part) < 2:
            continue
        strongest = _strongest(part, permutations, seed)
        if strongest.p <= level_each * (len(part) - 1):
            borders |= _split(part, strongest, offset + begin, level_each, permutations, seed)
    return borders


def _strongest(logs: list[Array], permutations: int, seed: int) -> _Stretch:
    """Return the stretch that differs most from the rest, and how often a permutation has one that differs as much."""
    random = np.random.default_rng(seed)
    counts = np.array([len(values) for values in logs])
    rounds = np.stack(logs, axis=1) if len(set(counts.tolist())) == 1 else np.concatenate(logs)[None, :]
    # Ranks of the distances from the round's median: one disturbed process weighs no more than another.
    ranks = stats.rankdata(rounds - np.median(rounds, axis=1, keepdims=True)).reshape(rounds.shape)
    centred = ranks - ranks.mean(axis=1, keepdims=True)
    places = np.repeat(np.arange(len(logs)), counts) if len(rounds) == 1 else np.arange(len(logs))
    begins, ends, inside = _stretches(counts)
    observed = _differences(_totals(centred[None], places, len(logs)), begins, ends, inside, counts.sum()).max()
    as_large = 0
    batch = max(1, _BATCH // max(centred.size, len(begins)))
    for done in range(0, permutations, batch):
        size = min(batch, permutations - done)
        drawn = random.permuted(np.broadcast_to(centred, (size, *centred.shape)), axis=2)
        largest = _differences(_totals(drawn, places, len(logs)), begins, ends, inside, counts.sum()).max(axis=1)
        as_large += int(np.sum(largest >= observed * (1 - 1e-9)))
    sizes = _differences(_totals(_clipped(rounds, places)[None], places, len(logs)), begins, ends, inside, counts.sum())
    best = int(np.argmax(sizes[0]))
    return _Stretch(int(begins[best]), int(ends[best]), (1 + as_large) / (1 + permutations))


def _clipped(rounds: Array, places: NDArray[np.int64]) -> Array:
    """Return the distances from the round's median, none far from the median of its release, with a mean of zero.

    Ranks tell whether something shifted; where they end, at the lowest or highest, they no longer tell by how much, and so
    not well where: there the values are better, once a disturbed process weighs no more than its neighbours.
    """
    distances = rounds - np.median(rounds, axis=1, keepdims=True)
    medians = np.array([np.median(distances[:, places == place]) for place in np.unique(places)])[places]
    limit = CLIP * np.median(np.abs(distances - medians))
    clipped = medians + np.clip(distances - medians, -limit, limit)
    return np.asarray(clipped - clipped.mean(axis=1, keepdims=True))


def _stretches(counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
    """Return begin, end and number of values of every stretch of releases but the whole."""
    begins, ends = np.triu_indices(len(counts) + 1, k=1)
    below = np.concatenate([[0], np.cumsum(counts)])
    inside = (below[ends] - below[begins]).astype(np.float64)
    part = inside < below[-1]
    return begins[part], ends[part], inside[part]


def _totals(rounds: Array, places: NDArray[np.int64], releases: int) -> Array:
    """Return the sum of each release's values, with a zero before: (permutations, releases + 1)."""
    by_place = rounds.sum(axis=1)
    if by_place.shape[1] != releases:
        starts = np.searchsorted(places, np.arange(releases))
        by_place = np.add.reduceat(by_place, starts, axis=1)
    return np.concatenate([np.zeros((len(by_place), 1)), np.cumsum(by_place, axis=1)], axis=1)


def _differences(totals: Array, begins: NDArray[np.int64], ends: NDArray[np.int64], inside: Array, count: int) -> Array:
    """Return the sum of squares between each stretch and the rest: the totals are of values whose mean is zero."""
    return np.asarray((totals[:, ends] - totals[:, begins]) ** 2 * (count / (inside * (count - inside))))


def _answer(series: Series, borders: list[int], p: float, margin: float, alpha: float) -> Answer:
    shifts, small = [], 0
    for before, at, after in zip(borders, borders[1:], borders[2:], strict=False):
        earlier, later = (np.concatenate(series.values[a:b]) for a, b in ((before, at), (at, after)))
        comparison = compare(earlier, later, "welch", alpha / 2)
        if abs(comparison.effect) > np.log1p(margin):
            shifts.append(Shift(series.name, series.releases[at], p, comparison))
        else:
            small += 1
    if shifts:
        return Answer(series.name, "shifted", f"beyond {100 * margin:.3g} %", tuple(shifts))
    why = f"{small} within {100 * margin:.3g} %" if small else f"p = {p:.3g}"
    return Answer(series.name, "none found", why)
