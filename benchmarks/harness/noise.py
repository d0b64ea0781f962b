"""Noise to test the rules on: simulated with a fixed seed, or resampled from the bank of recorded epoch series."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
BANK = Path(__file__).parent / "bank"


@dataclass(frozen=True)
class Noise:
    """Standard deviations of log seconds, and the disturbances that only slow down."""

    between: float  # from process to process: memory layout, hash seeds
    within: float  # from epoch to epoch, independent
    drift: float  # of the machine while a process runs
    drift_epochs: float  # after which the drift has forgotten itself to 1/e
    disturbed_epochs: float  # share
    epoch_disturbance: float  # mean log slow-down of such an epoch, exponential
    disturbed_processes: float = 0.0
    process_disturbance: float = 0.0
    second_epoch: float = 0.0  # log cost of running as the second of two neighbours


PROFILES = {
    "quiet": Noise(0.03, 0.02, 0.0, 3, 0.02, 0.2),
    "usual": Noise(0.02, 0.03, 0.03, 4, 0.05, 0.3, 0.03, 0.1, 0.01),
    "disturbed": Noise(0.02, 0.02, 0.02, 4, 0.05, 0.3, 0.15, 0.15, 0.01),
    "bursts": Noise(0.005, 0.08, 0.0, 4, 0.10, 0.5),
    "shared": Noise(0.02, 0.04, 0.13, 15, 0.05, 0.3, 0.0, 0.0, 0.01),  # the 2-core machine of docs/statistics.md
}


def drift(random: np.random.Generator, shape: tuple[int, ...], epochs: float) -> Array:
    """Return an autoregressive series of unit variance along the last axis."""
    kept = np.exp(-1 / epochs)
    series = random.standard_normal(shape)
    for k in range(1, shape[-1]):
        series[..., k] = kept * series[..., k - 1] + np.sqrt(1 - kept**2) * series[..., k]
    return series


def _disturbance(random: np.random.Generator, shape: tuple[int, ...], share: float, size: float) -> Array:
    return (random.random(shape) < share) * random.exponential(size, shape) if share else np.zeros(shape)


def processes(random: np.random.Generator, shape: tuple[int, ...], noise: Noise) -> Array:
    """Return log seconds of processes that run alone: (..., processes, epochs)."""
    own = noise.between * random.standard_normal(shape[:-1])
    own += _disturbance(random, shape[:-1], noise.disturbed_processes, noise.process_disturbance)
    epochs = noise.within * random.standard_normal(shape) + noise.drift * drift(random, shape, noise.drift_epochs)
    return own[..., None] + epochs + _disturbance(random, shape, noise.disturbed_epochs, noise.epoch_disturbance)


def alternating(random: np.random.Generator, runs: int, pairs: int, epochs: int, noise: Noise) -> tuple[Array, Array]:
    """Return log seconds of alternating pairs, (runs, pairs, side, epochs), and which epochs the baseline ran first.

    Neighbouring epochs share the machine's drift; A B B A, and the other side begins in every second pair.
    """
    machine = noise.drift * drift(random, (runs, pairs, 2 * epochs), noise.drift_epochs)
    alone = Noise(**{**vars(noise), "drift": 0.0})
    series = processes(random, (runs, pairs, 2, epochs), alone)
    baseline_first = (np.arange(epochs)[None, :] + np.arange(pairs)[:, None]) % 2 == 0
    early, late = machine[..., 0::2], machine[..., 1::2] + noise.second_epoch
    series[:, :, 0] += np.where(baseline_first, early, late)
    series[:, :, 1] += np.where(baseline_first, late, early)
    return series, baseline_first


@dataclass(frozen=True)
class Recorded:
    """One cell of the bank: the same code in every process, log seconds; the warm-up epoch is left out."""

    cell: str
    machine: str
    processes: Array  # (processes, epochs); empty where only pairs were recorded
    alone: Array  # (pairs, side, epochs) of two processes one after the other; empty where no pairs were recorded
    pairs: Array  # (pairs, side, epochs) of two processes that alternated, right after those; empty likewise
    baseline_first: NDArray[np.bool_]  # (pairs, epochs)


def read_bank(folder: Path = BANK) -> list[Recorded]:
    """Return the recorded cells of the folder's *.json files, by name.

    A file is {"cell", "machine", "date", "processes": [[seconds of each epoch, the warm-up first], ...]} and may have
    "pairs": [{"alone": [[seconds], [seconds]], "baseline": [seconds], "current": [seconds], "baseline_first": [true,
    ...]}, ...], warm-up first too.
    """
    return [_recorded(json.loads(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*.json"))]


def _recorded(found: dict) -> Recorded:  # type: ignore[type-arg]
    pairs = found.get("pairs", [])
    return Recorded(
        found["cell"],
        found["machine"],
        np.log(np.array(found["processes"])[:, 1:]) if found["processes"] else np.empty((0, 0)),
        np.log(np.array([pair["alone"] for pair in pairs])[..., 1:]) if pairs else np.empty(0),
        np.log(np.array([[pair["baseline"][1:], pair["current"][1:]] for pair in pairs])) if pairs else np.empty(0),
        np.array([pair["baseline_first"][1:] for pair in pairs], dtype=bool),
    )


def resampled(random: np.random.Generator, bank: Sequence[Recorded], pairs: int, count: int) -> tuple[Array, Array]:
    """Return log seconds of `count` processes against `count` others of one cell: twice (pairs, count, epochs).

    Every cell serves equally often; no process is on both sides. Drawn in the order of recording or not: at random.
    """
    alone = [cell.processes for cell in bank if cell.processes.size]
    shortest = min(series.shape[1] for series in alone)
    baseline, current = [], []
    for index in range(pairs):
        rows = alone[index % len(alone)][:, :shortest]
        chosen = random.permutation(len(rows))[: 2 * count]
        baseline.append(rows[chosen[:count]])
        current.append(rows[chosen[count:]])
    return np.array(baseline), np.array(current)
