"""framegate report: stored runs as one page that opens without a network, and as Markdown, JSON, CSV or Parquet."""

import argparse
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framegate.commands.compare import add_policy, policy_of
from framegate.stored import StoredFile, calibration_in, labels_in, locked_packages, side_of, stored_run

if TYPE_CHECKING:
    from framegate.report.cells import Beside

_DESCRIPTION = """Write a report of stored runs into a folder: index.html, which opens from disk without a network, and
summary.md for a pull request. Each argument is one run: a name (or latest), a journal, a JSON file of pytest-benchmark, a
folder of them, or a pattern in quotes. Of several runs each is compared with the one before it."""
DATA = ("json", "csv", "parquet")


def add_to(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser("report", help="write a page about stored runs", description=_DESCRIPTION)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="oldest first")
    parser.add_argument("-o", "--output", type=Path, default=Path("report"), metavar="DIR", help="default: report/")
    parser.add_argument("--data", action="append", choices=DATA, default=[],
                        help="also write report.json, or every epoch as epochs.csv or epochs.parquet")  # fmt: skip
    add_policy(parser)
    parser.epilog = "example: framegate report before-*.json latest -o report/"
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the folder and name the page; return 0."""
    from framegate.report.folder import write_folder
    from framegate.report.markdown import summary_text

    store = options.suite / ".framegate"
    files = [stored_run(text, store / "journal") for text in options.runs]
    found = described(options.runs, files, options, store)
    write_folder(options.output, found, options.data)
    for note in (note for run in found["runs"] for note in run["notes"]):
        print(note)
    print(summary_text(found))
    print(f"{options.output / 'index.html'} written")
    return 0


def described(
    names: Sequence[str], files: Sequence[Sequence[StoredFile]], options: argparse.Namespace, store: Path
) -> dict[str, Any]:
    """Return the document of runs that were read, judged as the options say."""
    from framegate.report.document import METRICS, Measured, document

    metrics = options.metric or ["seconds"]
    wanted, allowed = tuple(dict.fromkeys([*METRICS, *metrics])), frozenset(options.allow)
    runs = [Measured(name, own, side_of(own, wanted, allowed)) for name, own in zip(names, files, strict=True)]
    policies = [policy_of(options, [*a.side.samples, *b.side.samples]) for a, b in pairwise(runs)]
    policies = policies or [policy_of(options, runs[0].side.samples)]
    return document(runs, policies, metrics, beside(store), calibration_in(store))


def beside(store: Path) -> "Beside":
    """Return how what lies beside a run is found."""
    from framegate.report.cells import Beside

    return Beside(labels_in, lambda name: locked_packages(store / "envs", name))
