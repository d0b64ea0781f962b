"""framegate accuracy: two cells of one run, over their seeds and label by label on the same test rows."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framegate.errors import FramegateError, JournalError
from framegate.runner.cell import TRAINING
from framegate.runner.journal import ProcessResult, find_run, read_journal, results_of, run_folder
from framegate.stats.metrics import METRICS

if TYPE_CHECKING:
    from framegate.runner.labels import Labels
    from framegate.stats.accuracy import TestResult
    from framegate.stats.comparison import Comparison

_DESCRIPTION = """Compare how well two cells of one run learned: the accuracies of all seeds by a t-test, and, seed by seed, the
labels that both predicted for the same test rows: McNemar's test, Cohen's kappa, the chi-squared test of association. Each
accuracy has its Wilson interval. What the tests mean: docs/statistics.md."""
STUDIED = ("test_accuracy", "test_loss")
EPOCHS_WANTED = 2  # a side, for the studies' test: no variance of one value


def add_to(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser("accuracy", help="compare how well two cells learned", description=_DESCRIPTION)
    parser.add_argument("wanted", metavar="RUN", help="a run's name, latest, or a journal's path")
    parser.add_argument("baseline", metavar="CELL_A", help="a cell's id, or a part that no other has")
    parser.add_argument("current", metavar="CELL_B")
    parser.add_argument(
        "--studies-t-test", action="store_true",
        help="also the t-test over the epochs of one process, as published studies did: not valid, for repeating them",
    )  # fmt: skip
    parser.epilog = "example: framegate accuracy latest mxnet-1.9/lenet jax-0.10/lenet"
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the comparison; return 0: it says how they differ, not whether that is good."""
    from framegate.runner.labels import labels_of

    given = Path(options.wanted)
    journals = options.suite / ".framegate" / "journal"
    path = given if given.is_file() else journals / f"{find_run(journals, options.wanted)}.jsonl"
    records, torn = read_journal(path)
    if not records:
        raise JournalError(f"{path}: no journal of a run; wanted RUN, a name that `framegate runs` lists, or latest")
    if torn:
        print(torn, file=sys.stderr)
    results = results_of(records)
    sides = [trained(results.values(), part) for part in (options.baseline, options.current)]
    folder = run_folder(path)
    labels = [[labels_of(folder, result.task) for result in side] for side in sides]
    lines = [f"A: {sides[0][0].task.cell}", f"B: {sides[1][0].task.cell}", *seed_lines(*sides), *label_lines(*labels)]
    if options.studies_t_test:
        lines += study_lines(*sides)
    print("\n".join(lines))
    return 0


def trained(results: "Sequence[ProcessResult] | Any", part: str) -> list[ProcessResult]:
    """Return the trained processes of the one cell that is meant, by seed. Raises FramegateError."""
    known = [result for result in results if result.task.purpose == TRAINING]
    cells = sorted({result.task.cell for result in known})
    meant = [part] if part in cells else [cell for cell in cells if part in cell]
    if len(meant) != 1:
        found = f"{len(meant)} cells have" if meant else "no trained cell has"
        raise FramegateError(f"{found} {part!r} in the id; there are: {', '.join(meant or cells) or 'none'}")
    return sorted((result for result in known if result.task.cell == meant[0]), key=lambda result: result.start["seed"])


def seed_lines(baseline: Sequence[ProcessResult], current: Sequence[ProcessResult]) -> list[str]:
    """Return what the accuracies of all seeds say: paired where both sides used the same ones."""
    from framegate.stats.comparison import compare

    before, after = ([result.epochs[-1]["test_accuracy"] for result in side] for side in (baseline, current))
    if min(len(before), len(after)) < 2:
        return [f"over seeds: {len(before)} against {len(after)}; a comparison needs two a side: --processes=5"]
    same = [result.start["seed"] for result in baseline] == [result.start["seed"] for result in current]
    found = compare(before, after, "paired" if same else "welch", scale="linear")
    return [f"over {len(before)} against {len(after)} seeds: {difference(found)}", *found.warnings]


def difference(found: "Comparison") -> str:
    """Return the difference of mean accuracy, its interval, and both p values: of a difference, and of equivalence."""
    from framegate.stats.equivalence import within_p

    margin = METRICS["accuracy"].margin
    assert margin is not None
    low, high = found.interval
    return (
        f"B - A = {found.effect:+.4f}, 95 % interval {low:+.4f} to {high:+.4f}, p {found.p:.4g} ({found.test} t-test, df"
        f" {found.df:.3g}); within {margin:g}: p {within_p(found, margin):.4g} (two one-sided tests)"
    )


def label_lines(baseline: "Sequence[Labels]", current: "Sequence[Labels]") -> list[str]:
    """Return a table with a line a pair of processes: the first of A with the first of B, and so on."""
    head = f"{'pair':>4}  {'A right':24} {'B right':24} {'only A':>6} {'only B':>6} {'McNemar p':>9} {'kappa':>6} chi-squared"
    lines, warnings = [head], list[str]()
    for number, (one, other) in enumerate(zip(baseline, current, strict=False), 1):
        line, found = label_line(one, other)
        lines.append(f"{number:4}  {line}")
        warnings += [warning for result in found for warning in result.warnings]
    return lines + [f"  {warning}" for warning in dict.fromkeys(warnings)]


def label_line(one: "Labels", other: "Labels") -> "tuple[str, list[TestResult]]":
    """Return the line of one pair of processes, and its tests."""
    from framegate.stats.accuracy import association, cohens_kappa, mcnemar, wilson_interval

    if one.true.tolist() != other.true.tolist():
        raise JournalError(
            "A and B were tested on different rows: their labels cannot be compared; run both in one run"
        )
    right = [side.predicted == side.true for side in (one, other)]
    share = []
    for hits in right:
        low, high = wilson_interval(int(hits.sum()), len(hits))
        share.append(f"{hits.mean():.4f} ({low:.4f}-{high:.4f})")
    only = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    changed = mcnemar(one.true, one.predicted, other.predicted)
    classes = len(one.classes)
    related = association(one.predicted, other.predicted, classes)
    kappa = cohens_kappa(one.predicted, other.predicted, classes)
    return (
        f"{share[0]:24} {share[1]:24} {only[0]:6} {only[1]:6} {changed.p:9.4f} {kappa:6.3f} {related.statistic:.1f} (df"
        f" {related.df:g}, p {related.p:.2g})",
        [changed, related],
    )


def study_lines(baseline: Sequence[ProcessResult], current: Sequence[ProcessResult]) -> list[str]:
    """Return the studies' test over the epochs of the first process of each side, and why it is not valid."""
    from framegate.stats.accuracy import epochs_t_test_of_the_studies

    lines = []
    for name in STUDIED:
        before, after = ([epoch[name] for epoch in side[0].epochs] for side in (baseline, current))
        if min(len(before), len(after)) < EPOCHS_WANTED:
            return [f"studies' t-test: {len(before)} against {len(after)} epochs; it needs {EPOCHS_WANTED} a side"]
        found = epochs_t_test_of_the_studies(before, after)
        lines.append(f"{found.name}, {name}: t {found.statistic:.4f}, p {found.p:.4g}, df {found.df:g}")
    return [*lines, f"  {found.warnings[0]}"]
