"""Tries the gate on planted shifts: `nox -s gate-trial` prints the table of docs/gating-an-upgrade.md.

Both sides are the same environment; the candidate's training is slowed by a known share inside the worker (slowed.py). Pairs are
measured live, round after round over all cells and shares, and kept in `.framegate/gate-trial.json`: started again, it goes on. The
trials then draw from these pairs, with replacement, and go through the gate's own choice of cells, stopping and judging; a pair
costs the seconds that it took. The rivals get processes that ran alone, baseline before candidate, in the same rounds.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from framegate.runner.cell import Cell
from framegate.runner.declarations import Environment, load
from framegate.runner.driver import Event, run_alone, run_alternating
from framegate.runner.jobs import Launch
from framegate.runner.matrix import read_matrix
from framegate.runner.run import launch_outside
from framegate.stats.gating import PRIMARY, Rules, least_settled, pair_effect, verdict_of

from .rivals import asv, benchmark_mean

ROOT = Path(__file__).parents[2]
STORE = ROOT / ".framegate" / "gate-trial.json"
EPOCHS = 17
SHARES = (0.0, 0.05, 0.10)
MOST_PAIRS = 60  # of each cell, in a fixed plan
ALONE = (("before", 0.0), ("after", 0.0), ("slowed", 0.10))  # in this order, two processes of each cell: asv's default
Bank = dict[str, Any]


@dataclass(frozen=True)
class Trial:
    """What one trial said: the word of each cell, and what it took."""

    words: dict[str, str]
    seconds: float


def toy_cells() -> list[Cell]:
    """Return six quick cells of the toy framework: one model, six batch sizes."""
    known = read_matrix(ROOT / "matrix.toml", load(ROOT / "environments"))
    (cell,) = [cell for cell in known if cell.id == "tensorflow-2.21/logistic_regression/digits/b32"]
    toy = replace(cell, environment="toy", framework="toy", threads=1, floor=0.0, epochs=EPOCHS)
    return [replace(toy, batch_size=size) for size in (16, 24, 32, 48, 64, 128)]


def slowed(environment: Environment, share: float) -> Environment:
    """Return the environment with its training slowed; a share of 0 goes through the same wrapper."""
    planted = {"SLOWED_ADAPTER": environment.adapter, "SLOWED_SHARE": str(share)}
    return replace(environment, adapter="benchmarks.harness.slowed", variables={**environment.variables, **planted})


def launches(toy: Environment) -> dict[str, dict[float, Launch]]:
    """Return a launch of each cell with each share; the data is prepared once."""
    return {
        cell.id: {share: launch_outside(cell, slowed(toy, share), ROOT, Path()) for share in SHARES}
        for cell in toy_cells()
    }


def numbered(launch: Launch, number: int, folder: str) -> Launch:
    """Return the launch of the process with that number, its files in the folder."""
    return replace(launch, directory=Path(folder), job={**launch.job, "process": number, "seed": number})


def measured_pair(sides: tuple[Launch, Launch], number: int) -> tuple[float, float]:
    """Return the log-ratio of one pair, baseline and candidate, and the seconds it took."""
    epochs: tuple[list[float], list[float]] = ([], [])
    begins = (number + 1) % 2  # the position of the side that begins, as in runner/gate.py
    begin = time.monotonic()

    def on_event(position: int, event: Event) -> None:
        if event["event"] == "epoch":
            epochs[position ^ begins].append(event["seconds"])

    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        pair = (numbered(sides[0], number, one), numbered(sides[1], number, other))
        run_alternating((pair[begins], pair[1 - begins]), on_event, EPOCHS)
    first = [(begins == 0) != (epoch % 2 == 1) for epoch in range(1, EPOCHS)]
    return pair_effect(PRIMARY, epochs[0][1:], epochs[1][1:], first), time.monotonic() - begin


def measured_alone(launch: Launch, number: int) -> tuple[list[float], float]:
    """Return the warm epochs' seconds of a process alone, and what it took."""
    events: list[Event] = []
    begin = time.monotonic()
    with TemporaryDirectory() as folder:
        run_alone(numbered(launch, number, folder), events.append)
    epochs = [event["seconds"] for event in events if event["event"] == "epoch"]
    return epochs[1:], time.monotonic() - begin


def measure(rounds: int) -> Bank:
    """Return what was measured, after as many rounds in all; each round is kept as soon as it is whole."""
    bank: Bank = json.loads(STORE.read_text(encoding="utf-8")) if STORE.exists() else {"rounds": []}
    known = launches(load(ROOT / "tests" / "toy_framework" / "environments")["toy"]) if bank_lacks(bank, rounds) else {}
    while bank_lacks(bank, rounds):
        number = len(bank["rounds"]) + 1
        pairs = {
            cell: {str(share): measured_pair((own[0.0], own[share]), number) for share in SHARES}
            for cell, own in known.items()
        }
        alone = {
            block: {cell: [measured_alone(own[share], n) for n in (1, 2)] for cell, own in known.items()}
            for block, share in ALONE
        }
        bank["rounds"].append({"pairs": pairs, "alone": alone})
        partial = STORE.with_suffix(".tmp")
        partial.write_text(json.dumps(bank), encoding="utf-8")
        partial.replace(STORE)
        print(f"round {number} of {rounds}", flush=True)
    return bank


def bank_lacks(bank: Bank, rounds: int) -> bool:
    """Return whether rounds are missing."""
    return len(bank["rounds"]) < rounds


def drawn(bank: Bank, cell: str, share: float, random: np.random.Generator) -> Iterator[tuple[float, float]]:
    """Yield (log-ratio, seconds) of pairs that were measured, drawn with replacement, without end."""
    pool = [found["pairs"][cell][str(share)] for found in bank["rounds"]]
    while True:
        effect, seconds = pool[random.integers(len(pool))]
        yield effect, seconds


def sequential(bank: Bank, shares: dict[str, float], rules: Rules, budget: float, random: np.random.Generator) -> Trial:
    """Return one trial by the gate's own choice of cells and stopping."""
    effects: dict[str, list[float]] = {cell: [] for cell in shares}
    pools = {cell: drawn(bank, cell, share, random) for cell, share in shares.items()}
    spent = 0.0
    while (name := least_settled(effects, rules)) is not None:
        effect, seconds = next(pools[name])
        if spent + seconds > budget:
            break
        effects[name].append(effect)
        spent += seconds
    words = {cell: verdict_of(cell, PRIMARY, own, rules, over=True).word for cell, own in effects.items()}
    return Trial(words, spent)


def fixed(bank: Bank, shares: dict[str, float], rules: Rules, pairs: int, random: np.random.Generator) -> Trial:
    """Return one trial with the same number of pairs of each cell, looked at once."""
    once = replace(rules, looks=(pairs,))
    words, spent = {}, 0.0
    for cell, share in shares.items():
        pool = drawn(bank, cell, share, random)
        taken = [next(pool) for _ in range(pairs)]
        words[cell] = verdict_of(cell, PRIMARY, [effect for effect, _ in taken], once, over=True).word
        spent += sum(seconds for _, seconds in taken)
    return Trial(words, spent)


def planted_in(cells: Sequence[str], which: int | None, share: float) -> dict[str, float]:
    """Return the share planted in each cell."""
    return {cell: share if number == which else 0.0 for number, cell in enumerate(cells)}


def is_found(trial: Trial, shares: dict[str, float]) -> bool:
    """Return whether the trial said slower of the planted cell, or, where none is, same of all."""
    planted = [cell for cell, share in shares.items() if share]
    if planted:
        return all(trial.words[cell] == "slower" for cell in planted)
    return set(trial.words.values()) == {"same"}


def has_false_alarm(trial: Trial, shares: dict[str, float]) -> bool:
    """Return whether the trial said slower of a cell in which nothing was planted."""
    return any(word == "slower" and not shares[cell] for cell, word in trial.words.items())


def tried(run: Callable[[dict[str, float]], Trial], cells: Sequence[str], share: float, trials: int) -> dict[str, Any]:
    """Return how many trials found what was planted, how many alarmed falsely, and the mean seconds."""
    plans = [planted_in(cells, number % len(cells) if share else None, share) for number in range(trials)]
    found = [(run(shares), shares) for shares in plans]
    return {
        "found": sum(is_found(trial, shares) for trial, shares in found),
        "false": sum(has_false_alarm(trial, shares) for trial, shares in found),
        "seconds": float(np.mean([trial.seconds for trial, _ in found])),
    }


def fixed_plan(
    bank: Bank, cells: Sequence[str], share: float, rules: Rules, wanted: int, trials: int
) -> tuple[int, float]:
    """Return the pairs of each cell, and the seconds, of the smallest fixed plan that finds as much as wanted."""
    for pairs in range(rules.looks[0], MOST_PAIRS + 1):
        random = np.random.default_rng(2)

        def run(shares: dict[str, float], pairs: int = pairs, random: np.random.Generator = random) -> Trial:
            return fixed(bank, shares, rules, pairs, random)

        plan = tried(run, cells, share, trials)
        if plan["found"] >= wanted:
            break
    return pairs, plan["seconds"]


def rival(rule: Callable[..., Any], bank: Bank, cells: Sequence[str], share: float, processes: int) -> dict[str, Any]:
    """Return the same of a rival rule, once for each round and each cell in which the shift may be."""
    found, false, seconds, count = 0, 0, 0.0, 0
    for one in bank["rounds"]:
        for which in range(len(cells) if share else 1):
            shares = planted_in(cells, which if share else None, share)
            words = {}
            for cell, planted in shares.items():
                sides = [
                    one["alone"][block][cell][:processes] for block in ("before", "slowed" if planted else "after")
                ]
                logs = [np.log([[epochs for epochs, _ in side]]) for side in sides]
                words[cell] = "slower" if rule(*logs)[0] else "same"
                seconds += sum(taken for side in sides for _, taken in side)
            trial = Trial(words, 0.0)
            found, false, count = found + is_found(trial, shares), false + has_false_alarm(trial, shares), count + 1
    return {"found": found / count, "false": false / count, "seconds": seconds / count}


def our_rows(bank: Bank, trials: int, budget: float) -> list[str]:
    """Return a line each of the planted shifts, and one of the fixed plan that serves them all."""
    cells, lines = list(bank["rounds"][0]["pairs"]), []
    spent: list[float] = []
    plans: list[tuple[int, float]] = []
    for share, margin, factor in ((0.0, 0.05, 1), (0.10, 0.05, 1), (0.05, 0.02, 2)):
        rules, random = Rules(len(cells), margin), np.random.default_rng(1)

        def run(
            shares: dict[str, float], rules: Rules = rules, limit: float = budget * factor,
            random: np.random.Generator = random,
        ) -> Trial:  # fmt: skip
            return sequential(bank, shares, rules, limit, random)

        ours = tried(run, cells, share, trials)
        pairs, seconds = fixed_plan(bank, cells, share, rules, ours["found"], trials)
        spent.append(ours["seconds"])
        plans.append((pairs, seconds))
        lines.append(
            f"| Framegate, {what_is_planted(share, cells)}, margin {margin:.0%} | {ours['found'] / trials:.1%}"
            f" | {ours['false'] / trials:.1%} | {spent[-1]:.0f} | {spent[-1] / seconds:.2f} ({pairs} pairs of each cell) |"
        )
    pairs, seconds = max(plans)
    mean = float(np.mean(spent))
    return [
        *lines,
        f"| Framegate, mean of the three | | | {mean:.0f} | {mean / seconds:.2f} ({pairs} pairs serve all) |",
    ]


def what_is_planted(share: float, cells: Sequence[str]) -> str:
    """Return the shift in words."""
    return f"+{share:.0%} in one of {len(cells)} cells" if share else "the same on both sides"


def table(bank: Bank, trials: int, budget: float) -> list[str]:
    """Return the table in Markdown."""
    cells = list(bank["rounds"][0]["pairs"])
    lines = ["| what | found, or all same | false *slower* | seconds | against a fixed plan |", "|---|---|---|---|---|"]
    lines += our_rows(bank, trials, budget)
    for name, rule, processes in (("asv continuous", asv, 2), ("pytest-benchmark mean:5%", benchmark_mean, 1)):
        for share in (0.0, 0.10):
            theirs = rival(rule, bank, cells, share, processes)
            lines.append(
                f"| {name}, {what_is_planted(share, cells)} | {theirs['found']:.1%} | {theirs['false']:.1%}"
                f" | {theirs['seconds']:.0f} | |"
            )
    return [*lines, *spreads(bank, cells)]


def spreads(bank: Bank, cells: Sequence[str]) -> list[str]:
    """Return what the pairs themselves say of each share: mean ratio and spread of the log-ratios."""
    lines = ["", "| planted | mean ratio of the pairs | spread of a pair |", "|---|---|---|"]
    for share in SHARES:
        own = np.array([[found["pairs"][cell][str(share)][0] for found in bank["rounds"]] for cell in cells])
        lines.append(f"| {share:.0%} | {np.exp(own.mean()):.3f} | {np.sqrt(own.var(axis=1, ddof=1).mean()):.3f} |")
    return [*lines, "", f"{len(bank['rounds'])} rounds of {len(cells)} cells"]


def main() -> None:
    """Measure what is missing and print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=20, help="measured in all (default: 20)")
    options.add_argument("--trials", type=int, default=200, help="drawn for each line of the table")
    options.add_argument("--budget", type=float, default=120.0, help="seconds of a trial (default: 120)")
    asked = options.parse_args()
    print("\n".join(table(measure(asked.rounds), asked.trials, asked.budget)))


if __name__ == "__main__":
    main()
