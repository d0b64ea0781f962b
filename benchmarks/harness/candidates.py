"""The rules that were tried for Framegate's default, on the same noise: `python -m benchmarks.harness.candidates`.

Each is an exact permutation test: what differs is the value of a process, and how the values of a side become one number.
The second table is of values for a pair of alternating processes, on the recorded pairs. docs/statistics.md shows both.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framegate.stats.location import location
from framegate.stats.permutation import regroupings
from framegate.stats.sequential import pair_value

from .noise import BANK, Recorded, read_bank
from .power import PROCESSES, SHIFTS, sources

Array = NDArray[np.float64]
GROUPS = regroupings(PROCESSES, PROCESSES)
WEIGHTS = (GROUPS / PROCESSES - ~GROUPS / PROCESSES).T
CURRENT = np.array([np.flatnonzero(group) for group in GROUPS])
BASELINE = np.array([np.flatnonzero(~group) for group in GROUPS])


def values(series: Array) -> dict[str, Array]:
    """Return the candidates for the value of a process, by name: (comparisons, processes)."""
    ordered = np.sort(series, axis=-1)
    found = {
        "minimum": location(series, "minimum"),
        "mean of the 3 fastest": ordered[..., :3].mean(axis=-1),
        "lower quartile": ordered[..., ordered.shape[-1] // 4],
        "mean of the faster half": ordered[..., : (ordered.shape[-1] + 1) // 2].mean(axis=-1),
        "trimmed mean": location(series, "trimmed-mean"),
        "median": location(series, "median"),
        "mean": location(series, "mean"),
    }
    low, middle = found["minimum"], found["trimmed mean"]
    shares = np.stack([1 / low.var(axis=-1), 1 / middle.var(axis=-1)])[..., None]
    found["minimum and trimmed mean, weighted by 1/variance"] = (shares[0] * low + shares[1] * middle) / shares.sum(
        axis=0
    )
    for limit in (1.0, 0.75, 0.5):
        clear = low.var(axis=-1) < limit * middle.var(axis=-1)
        found[f"minimum if its variance is below {limit:g} of the trimmed mean's"] = np.where(
            clear[:, None], low, middle
        )
    return found


def differences(value: Array) -> Array:
    """Return the difference of means for every regrouping: (comparisons, regroupings)."""
    return value @ WEIGHTS


def differences_of_four(value: Array) -> Array:
    """Return the same without the slowest process of each side."""
    fast = [np.sort(value[:, members], axis=-1)[..., :-1].mean(axis=-1) for members in (CURRENT, BASELINE)]
    return fast[0] - fast[1]


def differences_if_outlying(value: Array) -> Array:
    """Return the same, the slowest left out only where it lies far outside: Framegate's rule."""
    ordered = np.sort(value, axis=-1)
    far = ordered[:, -1] - ordered[:, -2] > ordered[:, :-1].std(axis=-1)
    return np.where(far[:, None], differences_of_four(value), differences(value))


def is_slower(statistic: Array, alpha: float = 0.025) -> NDArray[np.bool_]:
    """Return whether the real grouping, the first, is among the largest."""
    return np.asarray((statistic >= statistic[:, :1] - 1e-12).mean(axis=-1) <= alpha)


def rules(series: Array) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield each candidate with its answers; both sides in one array: (comparisons, processes, epochs)."""
    found = values(series)
    for name, value in found.items():
        yield name, is_slower(differences(value))
    standardised = [differences(found[name]) / found[name].std(axis=-1)[:, None] for name in ("minimum", "median")]
    yield "minimum and median, sum of standardised differences", is_slower(standardised[0] + standardised[1])
    yield "minimum and median, the larger standardised difference", is_slower(np.maximum(*standardised))
    chosen = found["minimum if its variance is below 0.75 of the trimmed mean's"]
    for name, value in (
        ("minimum", found["minimum"]),
        ("trimmed mean", found["trimmed mean"]),
        ("0.75 choice", chosen),
    ):
        yield f"{name}, without the slowest process a side", is_slower(differences_of_four(value))
    yield "0.75 choice, without the slowest if it is outlying (Framegate)", is_slower(differences_if_outlying(chosen))


def rule_lines(pairs: int, seed: int, bank: list[Recorded]) -> list[str]:
    """Return a line a candidate: false slower, +5 % and +10 % seen, for each noise."""
    cells: dict[str, list[str]] = {}
    names = []
    for noise, draw in sources(seed, bank):
        names.append(noise)
        baseline, current = draw(pairs)
        shifted = [dict(rules(np.concatenate([baseline, current + np.log(s)], axis=1))) for s in SHIFTS]
        for name in shifted[0]:
            cells.setdefault(name, []).append(" ".join(f"{100 * said[name].mean():4.1f}" for said in shifted))
    lines = [f"{'':60s} | " + " | ".join(f"{name:14s}" for name in names)]
    return lines + [f"{name:60s} | " + " | ".join(found) for name, found in cells.items()]


def fastest(share: float) -> Callable[[Array, Array, Array], float]:
    """Return the value of a pair as the difference of the means of each side's fastest share of epochs, one at least."""

    def value(one: Array, other: Array, _: Array) -> float:
        count = max(1, round(share * len(one)))
        return float(np.sort(other)[:count].mean() - np.sort(one)[:count].mean())

    return value


def both_neighbours(one: Array, other: Array, first: Array) -> float:
    """Return the median of the log-ratios of every epoch to the two or three of the other side next to it."""
    ratios = [other[k] - one[j] for k in range(len(one)) for j in range(max(0, k - 1), min(len(one), k + 2))]
    return float(np.median(ratios))


def undisturbed(share: float) -> Callable[[Array, Array, Array], float]:
    """Return pair_value of the share of neighbours whose slower epoch is fastest: it leans to neither side."""

    def value(one: Array, other: Array, first: Array) -> float:
        kept = np.argsort(np.maximum(one, other))[: max(4, round(share * len(one)))]
        return pair_value(np.exp(one[kept]), np.exp(other[kept]), first[kept])

    return value


PAIR_VALUES: dict[str, Callable[[Array, Array, Array], float]] = {
    "Hodges-Lehmann of neighbours (Framegate)": lambda one, other, first: pair_value(np.exp(one), np.exp(other), first),
    "mean of neighbours": lambda one, other, _: float((other - one).mean()),
    "median over both neighbours": both_neighbours,
    "Hodges-Lehmann, undisturbed 70 %": undisturbed(0.7),
    "Hodges-Lehmann, undisturbed half": undisturbed(0.5),
    "faster half of each side": fastest(0.5),
    "fastest tenth of each side": fastest(0.1),
    "minimum of each side": fastest(0.0),
}


def pair_lines(bank: list[Recorded]) -> list[str]:
    """Return the standard deviation of A/A pairs, a line a candidate, a column a cell; and of processes one by one."""
    paired = [cell for cell in bank if cell.pairs.size]
    lines = [f"{'':44s} " + " ".join(cell.cell.split("/b")[0] for cell in paired)]
    for name in ("median", "trimmed-mean", "minimum"):
        spread = [np.std(np.diff(location(cell.alone, name)), ddof=1) for cell in paired]  # type: ignore[arg-type]
        lines.append(f"{f'one after the other, {name}':44s} " + " ".join(f"{found:.4f}" for found in spread))
    for name, value in PAIR_VALUES.items():
        spread = [
            np.std([value(*pair, first) for pair, first in zip(cell.pairs, cell.baseline_first, strict=True)], ddof=1)
            for cell in paired
        ]
        lines.append(f"{name:44s} " + " ".join(f"{found:.4f}" for found in spread))
    return lines


def main() -> None:
    """Print both tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--pairs", type=int, default=4000, help="A/A comparisons for each noise")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--bank", type=Path, default=BANK, help="another folder of recorded series")
    chosen = options.parse_args()
    bank = read_bank(chosen.bank)
    print("false slower, +5 %, +10 % (in %)")
    print("\n".join(rule_lines(chosen.pairs, chosen.seed, bank)))
    print("\nstandard deviation of the log-ratio, A/A")
    print("\n".join(pair_lines(bank)))


if __name__ == "__main__":
    main()
