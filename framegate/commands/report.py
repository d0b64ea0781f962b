"""framegate report: stored runs as one page that opens without a network, and as Markdown, JSON, CSV or Parquet."""

import argparse
import gc
from pathlib import Path
from typing import Any

from framegate.commands.compare import add_policy, policy_of
from framegate.errors import SamplesError
from framegate.reporting import describe
from framegate.stored import stored_run

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
    gc.disable()  # a document is millions of objects and no garbage: to look for it takes a fifth of the time
    try:
        write(options)
    finally:
        gc.enable()
    print(f"{options.output / 'index.html'} written")
    return 0


def write(options: argparse.Namespace) -> None:
    """Read the runs, print the answer and write the folder."""
    from framegate.report.folder import write_folder
    from framegate.report.markdown import summary_text

    store = options.suite / ".framegate"
    read = [(text, stored_run(text, store / "journal")) for text in options.runs]
    runs = [(Path(files[0].source).stem if text == "latest" else text, files) for text, files in read]
    metrics = options.metric or ["seconds"]
    found = describe(runs, metrics, lambda keys: policy_of(options, keys), store, frozenset(options.allow))
    if not found["cells"]:
        raise SamplesError(
            f"{', '.join(options.runs)}: nothing was measured; framegate runs says how far each run came"
        )
    write_folder(options.output, found, options.data)
    print(summary_text(found))
