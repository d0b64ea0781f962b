"""framegate runs: the history, a line a run."""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framegate.errors import FramegateError


@dataclass(frozen=True)
class RunLine:
    """What is told of a run without parsing all of it: a history of a thousand is listed at once."""

    name: str
    finished: int  # processes
    failed: int
    void: int  # cells
    whole: bool  # it came to its own end
    commit: str


def add_to(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser("runs", help="list the runs of this suite", description="List the runs, oldest first.")
    parser.epilog = "example: framegate runs"
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the table; return 0."""
    folder = options.suite / ".framegate" / "journal"
    paths = sorted(folder.glob("*.jsonl"))
    if not paths:
        raise FramegateError(f"{folder}: no runs; start one with: pytest benchmarks")
    print(f"{'run':28} {'processes':>9} {'failed':>6} {'void':>5}  {'commit':14} state")
    for found in map(line_of, paths):
        state = "" if found.whole else "cut short, or still running"
        line = f"{found.name:28} {found.finished:9,} {found.failed:6} {found.void:5}  {found.commit:14} {state}"
        print(line.rstrip())
    return 0


def line_of(path: Path) -> RunLine:
    """Return what a journal tells by its first and last line and by how often an event's name is in it."""
    content = path.read_bytes()
    first = content.partition(b"\n")[0]
    try:
        commit = str(json.loads(first).get("commit") or "")
    except (ValueError, AttributeError):
        commit = ""
    finished, failed, void = (content.count(b'"event": "%b"' % name) for name in (b"finished", b"failed", b"void"))
    last = content.rstrip(b"\n").rpartition(b"\n")[2]
    return RunLine(path.stem, finished, failed, void, b'"event": "end"' in last, commit)
