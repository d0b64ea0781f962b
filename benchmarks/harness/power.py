"""The power study: error rates and power of Framegate's verdicts and of the well-known rules, on the same noise.

Run it with `nox -s power`, or `python -m benchmarks.harness.power`; everything is seeded. docs/statistics.md shows it.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from framegate.stats.judging import judge
from framegate.stats.location import chosen_location, location
from framegate.stats.samples import Sample, Side, read_files
from framegate.stats.sequential import DEFAULT_LOOKS, decide, pair_value, plan
from framegate.stats.verdict import Policy, Verdict

from .noise import PROFILES, Noise, Recorded, alternating, processes, read_bank, resampled
from .rivals import RIVALS, permutation_of

Array = NDArray[np.float64]
Draw = Callable[[int], tuple[Array, Array]]
PROCESSES, EPOCHS = 5, 10
SHIFTS = (1.0, 1.05, 1.10)
ALONE = Policy(correction="none")  # each cell is a study of its own
LOOKS = (6, 8, 10)  # with PAIR_EPOCHS epochs: the budget of 5 processes of 10 epochs a side
PAIR_EPOCHS = 5


def upper_bound(found: int, tried: int) -> float:
    """Return Clopper and Pearson's upper bound of a rate: one-sided 97.5 %."""
    return 1.0 if found >= tried else float(stats.beta.ppf(0.975, found + 1, tried - found))


FIGURES: dict[str, list[NDArray[np.bool_]]] = {}  # by name; all noises together in the last table


def counted(figure: str, hits: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return hits, kept for the last table too."""
    FIGURES.setdefault(figure, []).append(hits)
    return hits


def rate(hits: NDArray[np.bool_]) -> str:
    """Return the share of true values, with its upper bound."""
    return f"{100 * hits.mean():5.1f} % (<= {100 * upper_bound(int(hits.sum()), len(hits)):.1f})"


def side_of(seconds: Array) -> Side:
    """Return a side with one cell per first index: (cells, processes, epochs)."""
    cells = {(f"cell {i:05d}", "seconds"): Sample(f"cell {i:05d}", "seconds", tuple(x)) for i, x in enumerate(seconds)}
    return Side(dict(cells), {})


def verdicts(baseline: Array, current: Array, policy: Policy) -> list[Verdict]:
    """Return Framegate's verdicts on log seconds, one a pair, in the order of the pairs."""
    return sorted(judge(side_of(np.exp(baseline)), side_of(np.exp(current)), policy), key=lambda verdict: verdict.name)


def framegate(policy: Policy, word: str = "slower") -> Callable[[Array, Array], NDArray[np.bool_]]:
    """Return Framegate's own verdict as a rule like the rivals'."""
    return lambda baseline, current: np.array([v.word == word for v in verdicts(baseline, current, policy)])


OURS = {
    "Framegate, margin 5 % (default)": framegate(ALONE),
    "Framegate, margin 0": framegate(replace(ALONE, margin=0.0)),
    "Framegate, Welch, margin 0": framegate(replace(ALONE, margin=0.0, test="welch")),
}
# The other locations, for the choice of the default: medians and minima are among the rivals.
LOCATIONS = {"exact permutation, process means": permutation_of("mean")}


def sources(seed: int, bank: list[Recorded]) -> Iterator[tuple[str, Draw]]:
    """Yield each noise by name with what draws (baseline, current) log seconds from it, the same whenever asked."""
    for index, (name, noise) in enumerate(PROFILES.items()):

        def simulated(pairs: int, noise: Noise = noise, index: int = index) -> tuple[Array, Array]:
            series = processes(np.random.default_rng((seed, index)), (2, pairs, PROCESSES, EPOCHS), noise)
            return series[0], series[1]

        yield name, simulated
    if bank:
        yield "bank", lambda pairs: resampled(np.random.default_rng((seed, 99)), bank, pairs, PROCESSES)


def rule_table(draw: Draw, pairs: int, rules: dict[str, Callable[[Array, Array], NDArray[np.bool_]]]) -> list[str]:
    """Return a line a rule: how often it says slower without a shift, and with each of the true shifts."""
    baseline, current = draw(pairs)
    lines = []
    for name, rule in rules.items():
        said = [rule(baseline, current + np.log(shift)) for shift in SHIFTS]
        counted(f"false slower: {name}", said[0])
        power = " ".join(f"{100 * hits.mean():7.1f} %" for hits in said[1:])
        lines.append(f"  {name:38s} {rate(said[0]):>20s} {power}")
    return lines


def fixed_checks(draw: Draw, pairs: int) -> list[str]:
    """Return lines on `same` at the margin and on the coverage of the interval."""
    baseline, current = draw(pairs)
    found = verdicts(baseline, current + np.log(1.05), ALONE)
    same = np.array([verdict.word == "same" for verdict in found])
    intervals = np.array([v.comparison.interval for v in found if v.comparison])
    counted("same at the margin: fixed", same)
    covered = (intervals[:, 0] <= 1.05) & (intervals[:, 1] >= 1.05)
    counted("interval misses the true ratio", ~covered)
    return [
        f"  {'same, though the shift is the margin':38s} {rate(same):>20s}",
        f"  {'coverage of the 95 % interval':38s} {100 * covered.mean():5.1f} %",
    ]


def family_check(draw: Draw, families: int, cells: int = 60) -> str:
    """Return the line on families of unchanged cells: the chance of any `slower`."""
    baseline, current = draw(families * cells)
    any_slower = [
        any(verdict.word == "slower" for verdict in verdicts(*sides, Policy(margin=0.0)))
        for sides in zip(np.split(baseline, families), np.split(current, families), strict=True)
    ]
    counted(f"any slower in a family of {cells}, margin 0", np.array(any_slower))
    return f"  {f'any slower of {cells} cells, margin 0':38s} {rate(np.array(any_slower)):>20s}"


def pair_runs(seed: int, runs: int, noise: Noise, pairs: int, epochs: int) -> Array:
    """Return the values of simulated alternating pairs: (runs, pairs) log-ratios."""
    series, first = alternating(np.random.default_rng((seed, 7)), runs, pairs, epochs, noise)
    seconds = np.exp(series)
    return np.array([[pair_value(p[0], p[1], first[k]) for k, p in enumerate(run)] for run in seconds])


def stopped(values: Array, margin: float, looks: tuple[int, ...] = LOOKS) -> tuple[str, int]:
    """Return the word that a run of alternating pairs ends with, and after how many pairs."""
    planned = plan(looks)
    for look in looks:
        decision = decide(list(values[:look]), planned, margin)
        if decision.word != "continue":
            return decision.word, look
    raise AssertionError("the last look always decides")


def sequential_lines(values: Array, kind: str, looks: tuple[int, ...]) -> list[str]:
    """Return the lines on sequential stopping with alternating pairs: (runs, pairs) log-ratios of unchanged code."""
    lines = []
    for margin in (0.05, 0.0):
        ends = [[stopped(row + np.log(shift), margin, looks) for row in values] for shift in SHIFTS]
        slower = [np.array([word == "slower" for word, _ in end]) for end in ends]
        counted(f"false slower: {kind}, sequential, margin {margin:.0%}", slower[0])
        power = " ".join(f"{100 * hits.mean():7.1f} %" for hits in slower[1:])
        pairs = np.mean([used for _, used in ends[0]])
        lines.append(f"  {f'{kind}, margin {margin:.0%}':38s} {rate(slower[0]):>20s} {power}  {pairs:.1f} pairs")
        if margin:
            same = counted(f"same at the margin: {kind}", np.array([word == "same" for word, _ in ends[1]]))
            lines.append(f"  {'   same, though the shift is the margin':38s} {rate(same):>20s}")
    return lines


def pair_values(cell: Recorded) -> Array:
    """Return the values of a recorded cell's alternating pairs."""
    return np.array([pair_value(*np.exp(p), first) for p, first in zip(cell.pairs, cell.baseline_first, strict=True)])


def recorded_runs(seed: int, bank: list[Recorded], runs: int, pairs: int) -> Array:
    """Return runs of so many recorded pairs, (runs, pairs): drawn from one cell, each pair at most once a run.

    Which of two processes of the same code is called current is arbitrary, so that is drawn too.
    """
    random = np.random.default_rng((seed, 8))
    known = [pair_values(cell) for cell in bank if cell.pairs.size]
    drawn = [random.permutation(known[run % len(known)])[:pairs] for run in range(runs)]
    return np.array(drawn) * random.choice((-1.0, 1.0), (runs, pairs))


def centre(values: Array) -> str:
    """Return the mean of the values with half of its 95 % interval."""
    width = float(stats.t.ppf(0.975, len(values) - 1)) * stats.sem(values)
    return f"{values.mean():+.4f} +- {width:.4f}"


def alternation_lines(bank: list[Recorded]) -> list[str]:
    """Return a line a recorded cell: spread of the log-ratio one after the other and alternating, and its centre."""
    lines = []
    paired = [cell for cell in bank if cell.pairs.size]
    for cell in paired:
        spreads = []
        for name in ("median", chosen_location(list(cell.alone.reshape(-1, cell.alone.shape[-1])))):
            after = location(cell.alone, name)
            spreads.append(float(np.std(after[:, 1] - after[:, 0], ddof=1)))
        values = pair_values(cell)
        spread = float(values.std(ddof=1))
        shares = " ".join(f"{one_by_one:.4f} {spread / one_by_one:5.2f}" for one_by_one in spreads)
        lines.append(f"  {cell.cell:46s} {spread:.4f} {shares} {centre(values)}")
    if paired:
        together = np.concatenate([pair_values(cell) for cell in paired])
        lines.append(f"  all {len(together)} pairs {centre(together)}")
    return lines


def stored(path: Path, cells: int, seed: int) -> Path:
    """Return the path of a pytest-benchmark file with our own cells, written there."""
    seconds = np.exp(0.02 * np.random.default_rng(seed).standard_normal((cells, PROCESSES, EPOCHS + 1)))
    epochs = [[[{"number": k, "seconds": x} for k, x in enumerate(p, 1)] for p in cell] for cell in seconds.tolist()]
    benchmarks = [
        {"fullname": f"cell {i}", "extra_info": {"cell": f"{i}", "processes": [{"epochs": p} for p in cell]}}
        for i, cell in enumerate(epochs)
    ]
    path.write_text(json.dumps({"version": "5.3.1", "machine_info": {}, "benchmarks": benchmarks}), encoding="utf-8")
    return path


def speed_line(cells: int = 2000) -> str:
    """Return the line on the time of reading and comparing two stored runs."""
    with TemporaryDirectory() as folder:
        paths = [stored(Path(folder, f"{seed}.json"), cells, seed) for seed in (1, 2)]
        started = time.process_time()  # not of the clock: other work on the machine is not ours
        judge(read_files(paths[:1]), read_files(paths[1:]))
        took = time.process_time() - started
    return f"reading and comparing {cells} cells x {PROCESSES} x {EPOCHS}: {took:.2f} s of processor time"


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pairs", type=int, default=16000, help="A/A comparisons for each noise")
    options.add_argument("--families", type=int, default=300)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--noise", choices=(*PROFILES, "bank"), help="only this one")
    chosen = options.parse_args()
    print(speed_line())
    bank = read_bank()
    for name, draw in sources(chosen.seed, bank):
        if chosen.noise not in (None, name):
            continue
        print(f"\n{name}: {PROCESSES} processes x {EPOCHS} epochs a side, {chosen.pairs} pairs")
        print(f"  {'rule':38s} {'false slower':>20s} {'+5 %':>9s} {'+10 %':>9s}")
        lines = rule_table(draw, chosen.pairs, OURS | RIVALS | LOCATIONS) + fixed_checks(draw, chosen.pairs)
        if name in ("usual", "disturbed", "bank"):
            lines.append(family_check(draw, chosen.families))
        if name in PROFILES:
            values = pair_runs(chosen.seed, chosen.pairs, PROFILES[name], LOOKS[-1], PAIR_EPOCHS)
            lines += sequential_lines(values, "alternating pairs", LOOKS)
        elif any(cell.pairs.size for cell in bank):
            values = recorded_runs(chosen.seed, bank, chosen.pairs, DEFAULT_LOOKS[-1])
            lines += sequential_lines(values, "recorded pairs", DEFAULT_LOOKS)
        print("\n".join(lines), flush=True)
    print(
        "\nrecorded pairs, A/A: spread alternating; one after the other by medians, share; by the default, share; mean"
    )
    print("\n".join(alternation_lines(bank)) or "  none in the bank")
    print("\nall noises together")
    for figure, hits in FIGURES.items():
        print(f"  {figure:62s} {rate(np.concatenate(hits))}")
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
