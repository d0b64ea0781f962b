"""The same work in several environments of one run: valid tests, the studies' own, and the labels they predicted."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from ..stats.accuracy import TestResult, association, cohens_kappa, epochs_t_test_of_the_studies, mcnemar
from ..stats.judging import judge
from ..stats.samples import Sample, Side
from ..stats.verdict import Policy, Verdict
from .cells import Entry

MOST_ENVIRONMENTS = 8  # of one work whose pairs are all compared; of more, each is compared with the first
STUDY_MEASURES = {"accuracy": "test_accuracy", "loss": "test_loss", "seconds": "seconds"}
_OF_THE_ENVIRONMENT = ("settings.environment", "settings.framework")

Pair = tuple[int, int]  # of cells: positions in the document
Sides = Sequence[Side]


def comparisons(cells: Sequence[Entry], sides: Sides, policy: Policy) -> list[Entry]:
    """Return, for each work that a run has in several environments, its pairs of cells with what the tests say."""
    found: list[Entry] = []
    for group in _same_work(cells):
        pairs = list(combinations(group, 2)) if len(group) <= MOST_ENVIRONMENTS else [(group[0], b) for b in group[1:]]
        first = cells[group[0]]
        told = {name: first[name] for name in ("run", "purpose", "work", "model", "dataset", "device")}
        found.append(told | {"cells": group, "pairs": [_pair(cells, pair) for pair in pairs]})
    every = [pair for comparison in found for pair in comparison["pairs"]]
    for metric in ("seconds", "accuracy"):
        judged = _judged(cells, [(pair["a"], pair["b"]) for pair in every], sides, metric, policy)
        for pair in every:
            pair[metric] = judged.get((pair["a"], pair["b"]))
    return found


def steps(cells: Sequence[Entry], sides: Sides, policy: Policy) -> dict[Pair, Verdict]:
    """Return the verdict on each pair of neighbouring versions of one framework on the same work, in the last run."""
    pairs: list[Pair] = []
    for group in _same_work(cells):
        families: dict[str, list[int]] = {}
        for index in group:
            if cells[index]["version"] and cells[index]["run"] == len(sides) - 1:
                families.setdefault(cells[index]["family"], []).append(index)
        for family in families.values():
            in_order = sorted(family, key=lambda index: _version_key(cells[index]["version"]))
            pairs += list(pairwise(in_order))
    return _judge_pairs(cells, pairs, sides, "seconds", policy)


def _version_key(version: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in version.split(".")]


def _same_work(cells: Sequence[Entry]) -> list[list[int]]:
    """Return the groups of two and more measured cells that differ in their environment only."""
    groups: dict[tuple[Any, ...], list[int]] = {}
    for index, cell in enumerate(cells):
        if cell["status"] == "measured" and cell["environment"]:
            key = tuple(cell[name] for name in ("run", "purpose", "device", "work"))
            groups.setdefault(key, []).append(index)
    return [group for group in groups.values() if len(group) > 1]


def _pair(cells: Sequence[Entry], pair: Pair) -> Entry:
    a, b = (cells[index] for index in pair)
    studies = {name: _studies_test(a, b, measure) for name, measure in STUDY_MEASURES.items()}
    return {"a": pair[0], "b": pair[1], "studies": studies, "labels": _labels_compared(a, b)}


def _studies_test(a: Entry, b: Entry, measure: str) -> Entry | None:
    """Return the two-sample t-test over the epochs of the first process of each, as the studies made it."""
    series = [cell["processes"][0]["epochs"].get(measure) or [] for cell in (a, b)]
    if any(len(values) < 2 or None in values for values in series) or np.ptp(series[0] + series[1]) == 0:
        return None
    with warnings.catch_warnings():  # of series that hardly move: scipy doubts its precision
        warnings.simplefilter("ignore", RuntimeWarning)
        return _test(epochs_t_test_of_the_studies(*series))


def _labels_compared(a: Entry, b: Entry) -> Entry | None:
    """Return what the labels predicted by the first process of each have to do with one another."""
    one, other = a.get("arrays"), b.get("arrays")
    if one is None or other is None or not np.array_equal(one.true, other.true):
        return None
    classes = len(one.classes)
    return {
        "mcnemar": _test(mcnemar(one.true, one.predicted, other.predicted)),
        "association": _test(association(one.predicted, other.predicted, classes)),
        "kappa": cohens_kappa(one.predicted, other.predicted, classes),
        "agreement": float(np.mean(one.predicted == other.predicted)),
    }


def _test(result: TestResult) -> Entry:
    return {"name": result.name, "statistic": result.statistic, "p": result.p, "df": result.df,
            "warnings": list(result.warnings)}  # fmt: skip


def _judged(
    cells: Sequence[Entry], pairs: Sequence[Pair], sides: Sides, metric: str, policy: Policy
) -> Mapping[Pair, Entry]:
    if metric == "accuracy":  # the same seeds on both sides: the same initial weights and batches
        policy = replace(policy, test="paired") if all(_paired(cells, pair) for pair in pairs) else policy
    return {pair: verdict_entry(verdict) for pair, verdict in _judge_pairs(cells, pairs, sides, metric, policy).items()}


def _paired(cells: Sequence[Entry], pair: Pair) -> bool:
    a, b = ([process["seed"] for process in cells[index]["processes"]] for index in pair)
    return a == b and None not in a


def _judge_pairs(
    cells: Sequence[Entry], pairs: Sequence[Pair], sides: Sides, metric: str, policy: Policy
) -> dict[Pair, Verdict]:
    """Return the verdicts on pairs of cells, the second against the first, all pairs being one family."""
    before, after = ({}, {})  # type: tuple[dict[Any, Sample], dict[Any, Sample]]
    for number, pair in enumerate(pairs):
        samples = [_sample(cells[index], sides, metric) for index in pair]
        for side, sample in zip((before, after), samples, strict=True):
            if sample is not None:
                renamed = replace(sample, name=str(number), conditions=_without_environment(sample))
                side[renamed.key] = renamed
    verdicts = judge(Side(before, {}), Side(after, {}), policy) if before else []
    return {pairs[int(verdict.name)]: verdict for verdict in verdicts}


def _sample(cell: Entry, sides: Sides, metric: str) -> Sample | None:
    samples = sides[cell["run"]].samples
    return samples.get((cell["name"], metric)) or samples.get((cell["name"], f"inference_{metric}"))


def _without_environment(sample: Sample) -> dict[str, str]:
    return {name: found for name, found in sample.conditions.items() if name not in _OF_THE_ENVIRONMENT}


def verdict_entry(verdict: Verdict) -> Entry:
    """Return a verdict, JSON-ready; what it has no number for is left out."""
    told: Entry = {"name": verdict.name, "metric": verdict.metric, "word": verdict.word, "why": verdict.why}
    told |= {"warnings": list(verdict.warnings), "dropped": verdict.dropped}
    told |= {"detectable": verdict.detectable, "needed": verdict.needed}
    if found := verdict.comparison:
        told |= {"test": found.test, "scale": found.scale, "ratio": found.ratio, "interval": list(found.interval)}
        told |= {"p": found.p, "p_adjusted": verdict.p_adjusted, "baseline_processes": found.n_baseline}
        told |= {"current_processes": found.n_current, "df": found.df}
    return told


def indices_by_name(cells: Sequence[Entry], run: int) -> Iterator[tuple[str, int]]:
    """Yield name and position of a run's cells."""
    for index, cell in enumerate(cells):
        if cell["run"] == run:
            yield cell["name"], index
