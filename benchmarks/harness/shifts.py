"""The study of change points: planted shifts found by Framegate, asv and E-divisive, each at the same false-alarm rate.

Run it with `nox -s shifts`, or `python -m benchmarks.harness.shifts`; everything is seeded. docs/history.md shows it.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from asv._stats import get_weight
from asv.step_detect import detect_regressions, detect_steps
from asv_runner.statistics import compute_stats
from numpy.typing import NDArray

from framegate.stats.location import location
from framegate.stats.shifts import Series, find_shifts

from .noise import PROFILES, Noise, processes
from .power import upper_bound

Array = NDArray[np.float64]
RELEASES, PROCESSES, EPOCHS = 12, 5, 10
FALSE_ALARMS = 0.05
PERMUTATIONS = 199


@dataclass(frozen=True)
class Planted:
    name: str
    steps: tuple[tuple[int, float], ...]  # the release, counted from 0, and its factor on all that follow


PLANTED = (
    Planted("+5 % in the middle", ((6, 1.05),)),
    Planted("+10 % in the middle", ((6, 1.10),)),
    Planted("+10 % in the last but one", ((10, 1.10),)),
    Planted("+10 % in the last", ((11, 1.10),)),
    Planted("+10 %, mended two later", ((5, 1.10), (7, 1 / 1.10))),
)

# A rule: the seconds of one series (releases, processes) and a threshold in, the releases at which it sees a rise out.
Rule = Callable[[Array, float], set[int]]


def series(random: np.random.Generator, noise: Noise, steps: tuple[tuple[int, float], ...]) -> Array:
    """Return one value a process, seconds: (releases, processes)."""
    values = location(processes(random, (RELEASES, PROCESSES, EPOCHS), noise))
    for release, factor in steps:
        values[release:] += np.log(factor)
    return np.asarray(np.exp(values))


def framegate(margin: float) -> Rule:
    """Return Framegate's rule; its threshold is the level."""

    def rule(values: Array, level: float) -> set[int]:
        one = Series("cell", tuple(str(place) for place in range(len(values))), tuple(values))
        (answer,) = find_shifts([one], alpha=level, margin=margin, permutations=PERMUTATIONS)
        return {int(shift.release) for shift in answer.shifts if shift.comparison.effect > 0}

    return rule


def asv_regressions(values: Array, threshold: float) -> set[int]:
    """Return what asv's page of regressions would list; its threshold is the relative size."""
    stats = [compute_stats(list(own), 1) for own in values]
    steps = detect_steps([median for median, _ in stats], [get_weight(about) for _, about in stats])
    found = detect_regressions(steps, threshold)[2] or []
    return {int(after) for _, after, _, _ in found if after is not None}


def e_divisive(values: Array, level: float, each: bool = False) -> set[int]:
    """Return the change points of E-divisive (Matteson and James 2014), exponent 1; its threshold is the level.

    each: on all values in the order of the releases, and not on the medians of the releases.
    """
    sequence = np.log(values).ravel() if each else np.log(np.median(values, axis=1))
    width = values.shape[1] if each else 1
    borders = _divided(sequence, 0, level)
    ends = [0, *sorted(borders), len(sequence)]
    rises = set()
    for before, at, after in zip(ends, ends[1:], ends[2:], strict=False):
        if sequence[at:after].mean() > sequence[before:at].mean():
            rises.add(round(at / width))
    return rises


def _divided(sequence: Array, offset: int, level: float) -> set[int]:
    if len(sequence) < 4:
        return set()
    random = np.random.default_rng(1)
    observed, place = _energy(sequence[None])
    drawn, _ = _energy(random.permuted(np.broadcast_to(sequence, (PERMUTATIONS, len(sequence))), axis=1))
    if (1 + np.sum(drawn >= observed[0] * (1 - 1e-9))) / (1 + PERMUTATIONS) > level:
        return set()
    at = int(place[0])
    left, right = _divided(sequence[:at], offset, level), _divided(sequence[at:], offset + at, level)
    return {offset + at} | left | right


def _energy(sequences: Array) -> tuple[Array, NDArray[np.int64]]:
    """Return the largest scaled energy distance between what lies before and behind a place, and that place."""
    count = sequences.shape[1]
    distances = np.abs(sequences[:, :, None] - sequences[:, None, :])
    corner = np.pad(distances.cumsum(axis=1).cumsum(axis=2), ((0, 0), (1, 0), (1, 0)))
    places = np.arange(2, count - 1)
    before, whole = corner[:, places, places], corner[:, -1, -1][:, None]
    across = corner[:, places, -1] - before
    behind = whole - before - 2 * across
    n, m = places, count - places
    energy = 2 * across / (n * m) - before / (n * (n - 1)) - behind / (m * (m - 1))
    scaled = energy * n * m / count
    return scaled.max(axis=1), places[scaled.argmax(axis=1)]


LEVELS = (0.03, 0.05, 0.06, 0.07, 0.08, 0.10, 0.12, 0.15, 0.20)
SIZES = tuple(step / 200 for step in range(60, -1, -1))
RULES: dict[str, tuple[Rule, tuple[float, ...]]] = {
    "Framegate, margin 0": (framegate(0.0), LEVELS),
    "asv regressions": (asv_regressions, SIZES),
    "E-divisive on medians": (e_divisive, LEVELS),
    "E-divisive on all values": (lambda values, level: e_divisive(values, level, each=True), LEVELS),
}


def calibrated(rule: Rule, thresholds: tuple[float, ...], unchanged: list[Array]) -> tuple[float, float]:
    """Return the most sensitive threshold at which unchanged series raise no more false alarms than asked, and how many."""
    best = (thresholds[0], 1.0)
    for threshold in thresholds:
        rate = float(np.mean([bool(rule(values, threshold)) for values in unchanged]))
        if rate > FALSE_ALARMS and best[1] <= FALSE_ALARMS:
            break
        best = (threshold, rate)
    return best


def exact(found: set[int], planted: Planted) -> bool:
    """Return whether the rise was seen at its release, and no other rise anywhere."""
    return found == {release for release, factor in planted.steps if factor > 1}


def study(noise: Noise, count: int) -> None:
    """Print the table of one noise."""
    random = np.random.default_rng(20_261)
    unchanged = [series(random, noise, ()) for _ in range(count)]
    shifted = {planted: [series(random, noise, planted.steps) for _ in range(count)] for planted in PLANTED}
    print("| rule | threshold | false rises | " + " | ".join(planted.name for planted in PLANTED) + " |")
    print("|---|---|---|" + "---|" * len(PLANTED))
    for name, (rule, thresholds) in RULES.items():
        threshold, alarms = calibrated(rule, thresholds, unchanged)
        cells = [
            f"{100 * np.mean([exact(rule(values, threshold), planted) for values in own]):.1f} %"
            for planted, own in shifted.items()
        ]
        print(f"| {name} | {threshold:g} | {100 * alarms:.1f} % | {' | '.join(cells)} |", flush=True)


def defaults(noise: Noise, count: int) -> None:
    """Print how often the defaults call an unchanged series shifted, and see more than what was planted."""
    random = np.random.default_rng(7)
    default, bare = framegate(0.05), framegate(0.0)
    for name, rule in (("default, margin 5 %", default), ("margin 0", bare)):
        alarms = sum(bool(rule(series(random, noise, ()), 0.05)) for _ in range(count))
        more = sum(len(rule(series(random, noise, ((6, 1.2),)), 0.05) - {6}) > 0 for _ in range(count))
        print(
            f"Framegate, {name}: false rises {100 * alarms / count:.1f} % (<= {100 * upper_bound(alarms, count):.1f}); "
            f"beside a planted +20 %: {100 * more / count:.1f} % (<= {100 * upper_bound(more, count):.1f})"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=400, help="of each kind")
    parser.add_argument("--noise", nargs="+", default=["usual"], choices=tuple(PROFILES))
    options = parser.parse_args()
    begin = time.monotonic()
    for name in options.noise:
        print(
            f"\n{name}: {RELEASES} releases, {PROCESSES} processes of {EPOCHS} epochs each, {options.series} series\n"
        )
        study(PROFILES[name], options.series)
        print()
        defaults(PROFILES[name], 4 * options.series)
    print(f"\n{time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    main()
