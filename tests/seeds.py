"""Prints with which noise the reference rounds calmly: python -m tests.seeds MODEL ... [--tried 12]

A run of the reference in float32 is calm where it stays within 1e-5 of float64, with each optimizer that the matrix of parity trains
the model with. Printed for each seed of the noise is how many runs are before the first that is not, and how far the very first goes.
The first two seeds with which all are calm go to tests/subjects.py, or else the two with the most, or whose first run goes least far.
No framework's training is looked at.
"""

import argparse

import numpy

from tests import reference
from tests.parity_matrix import trained


def calm_runs(model: str, optimizer: str, seed: int) -> tuple[int, float]:
    """Return how many runs in float32 are calm before the first that is not, and how far the very first goes."""
    exact, moved = reference.training(model, optimizer, seed), []
    for run in reference.rounded(model, optimizer, seed, exact):
        moved.append(run)
        if not numpy.max(run) <= reference.TOLERANCE:  # or NaN
            return len(moved) - 1, max(moved[0])
    reference.keep(reference.path_of(model, optimizer, seed), exact, moved)  # the matrix will want it
    return len(moved), max(moved[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", choices=sorted(reference.SUBJECTS), metavar="MODEL")
    parser.add_argument("--tried", type=int, default=12, metavar="N", help="seeds, from 1")
    options = parser.parse_args()
    for model in options.models:
        found = 0
        for seed in range(1, options.tried + 1):
            runs = [calm_runs(model, optimizer, seed) for name, optimizer in trained() if name == model]
            calm, first = min(calm for calm, _ in runs), max(first for _, first in runs)
            print(f"{model:20} {seed:3}: {calm} of {len(reference.NUDGES)} calm, the first {first:.0e}", flush=True)
            found += calm == len(reference.NUDGES)
            if found == 2:
                break


if __name__ == "__main__":
    main()
