"""Judging: two runs and a policy in, one verdict a cell and metric out."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .choices import TestName
from .comparison import TESTS, Comparison, chosen_test, compare, why_not
from .correction import adjusted
from .equivalence import is_within, margin_on_scale
from .location import LocationName, chosen_location, location, warm_up_length
from .metrics import METRICS
from .power import processes_needed, processes_needed_for_same, smallest_detectable
from .samples import Key, Sample, Side, mismatches
from .verdict import DEFAULT_POLICY, Policy, Verdict, importance

Array = NDArray[np.float64]
ROUNDS_NOTE = "rounds taken for replicates: they share a process, so the error rates do not hold"


@dataclass(frozen=True)
class _Prepared:
    """One cell after its comparison, before the family is corrected; `unsure` says why it can be nothing else."""

    key: Key
    comparison: Comparison | None
    unsure: str
    dropped: int
    warnings: tuple[str, ...]
    same: bool = False


def judge(baseline: Side, current: Side, policy: Policy = DEFAULT_POLICY) -> list[Verdict]:
    """Return one verdict for each cell and metric of either side, the most important first.

    The family that is corrected is all cells and metrics found on both sides.
    """
    both = [key for key in current.samples if key in baseline.samples]
    family = len(both) if policy.correction != "none" else 1
    prepared = [_prepared(baseline.samples[key], current.samples[key], policy, family) for key in both]
    tested = {cell.key: cell.comparison.p for cell in prepared if cell.comparison and not cell.unsure}
    corrected = dict(zip(tested, adjusted(list(tested.values()), policy.correction).tolist(), strict=True))
    strictest = policy.alpha / max(1, len(tested) if policy.correction != "none" else 1)
    verdicts = [_verdict(cell, corrected.get(cell.key, np.nan), policy, strictest) for cell in prepared]
    return sorted(verdicts + _unmatched(baseline, current), key=importance)


def _unmatched(baseline: Side, current: Side) -> list[Verdict]:
    known = baseline.samples.keys() | baseline.left_out.keys()
    found = current.samples.keys() | current.left_out.keys()
    verdicts = []
    for key in known | found:
        if key in baseline.samples and key in current.samples:
            continue
        if key not in found:
            verdicts.append(Verdict(*key, "missing", "not in this run"))
        elif key not in known:
            verdicts.append(Verdict(*key, "new", "not in the baseline"))
        else:
            sides = (("baseline", baseline), ("this run", current))
            why = "; ".join(f"{side}: {run.left_out[key]}" for side, run in sides if key in run.left_out)
            verdicts.append(Verdict(*key, "unsure", why))
    return verdicts


def _prepared(baseline: Sample, current: Sample, policy: Policy, family: int) -> _Prepared:
    notes = (*baseline.notes, *current.notes, *([ROUNDS_NOTE] if policy.unit == "round" else []))
    differing = mismatches(baseline, current, policy.allowed_mismatches)
    if differing:
        return _Prepared(current.key, None, f"not comparable: {'; '.join(differing)}", 0, notes)
    before, after, dropped = process_values(baseline, current, policy)
    test = chosen_test(len(before), len(after), family, policy.alpha) if policy.test == "auto" else policy.test
    few = _too_few(len(before), len(after), policy)
    refusal = why_not(test, len(before), len(after))
    if refusal:
        return _Prepared(current.key, None, few or refusal, dropped, notes)
    comparison = compare(before, after, test, policy.alpha, METRICS[current.metric].scale)
    unsure = few or _copied(baseline, current, comparison)
    same = is_within(comparison, policy.margin_of(current.key)) and _is_same_anyway(baseline, current, policy, test)
    return _Prepared(current.key, comparison, unsure, dropped, (*notes, *comparison.warnings), same)


def _is_same_anyway(baseline: Sample, current: Sample, policy: Policy, test: TestName) -> bool:
    """Return whether the trimmed means of all processes say so too.

    A true shift is part of what chosen_location and has_outlier see, so where there is one what they choose leans a
    little towards none: 3.6 % `same` at the margin instead of 2.5 %. What was not chosen does not.
    """
    if policy.location != "chosen" or METRICS[current.metric].scale == "linear":
        return True
    before, after, _ = process_values(baseline, current, replace(policy, location="trimmed-mean"))
    found = TESTS[test](np.log(before), np.log(after), policy.alpha)
    limit = margin_on_scale(policy.margin_of(current.key), "log")
    return -limit < found.low and found.high < limit


def _too_few(n: int, m: int, policy: Policy) -> str:
    short = [f"{count} {side}" for count, side in ((n, "baseline"), (m, "current")) if count < policy.minimum_processes]
    unit = "process" if policy.unit == "process" else "round"
    asked = f"policy asks {policy.minimum_processes} a side"
    return f"{' and '.join(short)} {unit}{'es' * (unit == 'process')}, {asked}" if short else ""


def _copied(baseline: Sample, current: Sample, comparison: Comparison) -> str:
    """Return why times are not believed that have no spread or occur twice; memory and accuracy may well be the same."""
    if not current.metric.endswith("seconds"):
        return ""
    where = ", ".join(current.sources) or "this run"
    if comparison.standard_error == 0:
        return f"{where}: {current.metric} is constant over the processes: too coarse a clock, or copied values"
    known = [tuple(values.tolist()) for values in (*baseline.processes, *current.processes)]
    varied = [series for series in known if len(set(series)) > 1]  # a coarse clock may well repeat one value
    if len(set(varied)) < len(varied):
        return f"{where}: two processes have the same {current.metric}, value by value: one file twice, or a copy"
    return ""


def process_values(baseline: Sample, current: Sample, policy: Policy = DEFAULT_POLICY) -> tuple[Array, Array, int]:
    """Return one value per process of each side, in the metric's unit, and how many leading values were dropped.

    The same number is dropped on both sides: the larger of what each side's warm-up asks.
    """
    if METRICS[current.metric].scale == "linear":
        return *_locations(baseline.processes, current.processes, policy), 0
    before, after = (tuple(np.log(values) for values in sample.processes) for sample in (baseline, current))
    if baseline.summarised or current.summarised:  # the median is all that is left of a process
        before, after = (tuple(np.median(values, keepdims=True) for values in side) for side in (before, after))
    dropped = max(warm_up_length(before), warm_up_length(after))
    before, after = (tuple(values[dropped:] for values in side) for side in (before, after))
    one, other = _locations(before, after, policy)
    return np.exp(one), np.exp(other), dropped


def _locations(before: tuple[Array, ...], after: tuple[Array, ...], policy: Policy) -> tuple[Array, Array]:
    if policy.unit == "round":
        return np.concatenate(before), np.concatenate(after)
    name = chosen_location((*before, *after)) if policy.location == "chosen" else policy.location
    return _located(before, name), _located(after, name)


def _located(series: tuple[Array, ...], name: LocationName) -> Array:
    if len({len(values) for values in series}) == 1:
        return location(np.stack(series), name)
    return np.array([float(location(values, name)) for values in series])


def _verdict(cell: _Prepared, p_adjusted: float, policy: Policy, strictest: float) -> Verdict:
    found = cell.comparison
    if found is None:
        return Verdict(*cell.key, "unsure", cell.unsure, dropped=cell.dropped, warnings=cell.warnings)
    metric = METRICS[cell.key[1]]
    df = found.df if np.isfinite(found.df) else found.n_baseline + found.n_current - 2.0
    seen = smallest_detectable(found.standard_error, df, strictest, policy.power)
    detectable = float(np.exp(seen)) if metric.scale == "log" else seen
    word, why, needed = ("unsure", cell.unsure, None) if cell.unsure else _answer(cell, p_adjusted, policy, strictest)
    return Verdict(*cell.key, word, why, found, p_adjusted, detectable, needed, cell.dropped, cell.warnings)


def _answer(cell: _Prepared, p_adjusted: float, policy: Policy, strictest: float) -> tuple[str, str, int | None]:
    """Return the word, why, and the processes a side that would settle an unsure one."""
    found, metric, margin = cell.comparison, METRICS[cell.key[1]], policy.margin_of(cell.key)
    assert found is not None
    limit, percent = margin_on_scale(margin, metric.scale), f"{100 * margin:.3g} %"
    significant, large = p_adjusted <= 2 * policy.alpha, abs(found.effect) > limit
    if significant and large:
        word = metric.words[0 if (found.effect > 0) == metric.worse_when_larger else 1]
        return word, f"beyond {percent}", None
    if cell.same:
        return "same", f"within {percent}", None
    reason = f"the interval reaches beyond {percent}"
    if large:
        reason = f"beyond {percent}, but not significant"
    elif significant:
        reason = f"significant, but maybe within {percent}"
    needed = _needed(found, limit, policy, strictest)
    return "unsure", f"{needed} a side would settle it: {reason}", needed


def _needed(found: Comparison, limit: float, policy: Policy, strictest: float) -> int:
    """Return the processes a side that would show the effect, or, where it is small, that it lies within the margin."""
    pairs = found.test == "paired"
    groups = 1 / found.n_current if pairs else 1 / found.n_baseline + 1 / found.n_current
    deviation = found.standard_error / np.sqrt(groups)
    if abs(found.effect) > limit:
        return processes_needed(abs(found.effect), deviation, strictest, policy.power, pairs)
    return processes_needed_for_same(limit, deviation, policy.alpha, policy.power, pairs)
