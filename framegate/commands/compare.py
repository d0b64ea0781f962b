"""framegate compare: stored runs against a baseline, with the engine and the exit statuses of the pytest plugin."""

import argparse
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framegate.stats import choices
from framegate.stats.metrics import METRICS
from framegate.stored import calibration_in, side_of, stored_run

if TYPE_CHECKING:
    from framegate.stats.samples import Key, Side
    from framegate.stats.verdict import Policy

_DESCRIPTION = """Compare stored runs with a baseline. Each argument is one side: a JSON file of pytest-benchmark, a
folder of them, or a pattern in quotes, such as 'before-*.json'; several files of one side are replicates of one another.
A run's name (`framegate runs` lists them), latest, or a journal's path serve too. Exit status: 0 nothing slower, 10
something is, 11 unsure (with --fail unsure, or where nothing could be compared), 2 an error."""


def add_to(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser("compare", help="compare stored runs with a baseline", description=_DESCRIPTION)
    parser.add_argument("baseline", metavar="BASELINE")
    parser.add_argument("runs", nargs="+", metavar="RUN", help="compared with the baseline, each by itself")
    add_policy(parser)
    parser.add_argument("--fail", choices=choices.FAIL_ON, default="slower")
    parser.add_argument("-q", "--quiet", action="store_true", help="leave out what is the same: for CI logs")
    parser.epilog = "example: framegate compare 'before-*.json' 'after-*.json'"
    parser.set_defaults(run=run)


def add_policy(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what counts as a shift."""
    add = parser.add_argument
    add("--margin", action="append", default=[], type=choices.margin_asked, metavar="[CELL=]SHARE",
        help="smallest shift that counts (default: 0.05), for all or for cells with CELL in their names")  # fmt: skip
    add("--alpha", type=choices.alpha_asked, default=choices.DEFAULT_ALPHA, metavar="LEVEL",
        help="chance of a false shift, one-sided, over a run (default: 0.025)")  # fmt: skip
    add("--test", choices=choices.TEST_NAMES, default="auto")
    add("--correction", choices=choices.CORRECTION_NAMES, default="holm")
    add("--unit", choices=choices.UNITS, default="process", help="what is a replicate")
    add("--metric", action="append", choices=tuple(METRICS), help="what to compare (default: seconds)")
    add("--allow", action="append", default=[], choices=choices.CONDITIONS, help="what may differ from the baseline")


def policy_of(options: argparse.Namespace, keys: "Iterable[Key]") -> "Policy":
    """Return the policy that the options ask for, with margins for these cells. Raises SamplesError."""
    from framegate.stats.verdict import Policy, with_margins

    asked = Policy(
        alpha=options.alpha, test=options.test, correction=options.correction, unit=options.unit,
        allowed_mismatches=frozenset(options.allow),
    )  # fmt: skip
    return with_margins(asked, options.margin, keys)


def run(options: argparse.Namespace) -> int:
    """Print each comparison; return the most serious exit status."""
    from framegate.report.terminal import Screen, coloured, encodable, printable, shift_section
    from framegate.report.words import calibration_line
    from framegate.stats.judging import judge
    from framegate.stats.verdict import exit_status

    metrics, allowed = options.metric or ["seconds"], frozenset(options.allow)
    journals = options.suite / ".framegate" / "journal"
    baseline = read_side(options.baseline, metrics, allowed, journals)
    sides = [
        read_side(text, metrics, allowed, journals) for text in options.runs
    ]  # all are read before anything is said
    statuses, notes = [], calibration_line(calibration_in(options.suite / ".framegate"))
    screen = Screen(shutil.get_terminal_size().columns, sys.stdout.encoding or "utf-8", options.quiet)
    for text, side in zip(options.runs, sides, strict=True):
        policy = policy_of(options, {**baseline.samples, **side.samples})
        verdicts = judge(baseline, side, policy)
        print(encodable(printable(f"{text} against {options.baseline}"), screen.encoding))
        for line, colour in shift_section(verdicts, policy, notes, screen):
            print(coloured(line, colour) if is_coloured() else line)
        statuses.append(exit_status(verdicts, options.fail))
    return choices.STATUS_WORSE if choices.STATUS_WORSE in statuses else max(statuses)


def is_coloured() -> bool:
    """Return whether standard output is a terminal whose user did not ask for no colours (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def read_side(text: str, metrics: Sequence[str], allowed: frozenset[str], journals: Path) -> "Side":
    """Return the samples of one side, from JSON files or journals; what a reader must know of them goes to stderr."""
    files = stored_run(text, journals)
    for note in (note for file in files for note in file.notes):
        print(note, file=sys.stderr)
    return side_of(files, metrics, allowed)
