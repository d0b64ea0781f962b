"""framegate gate: is an upgrade slower, faster, the same, or is there not enough evidence?"""

import argparse
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from framegate.commands.markdown import check_report, write_report
from framegate.errors import ReportError, SideError
from framegate.runner.cell import Cell
from framegate.runner.data import data_home
from framegate.runner.declarations import load
from framegate.runner.devices import gpu_reason
from framegate.runner.matrix import read_matrix
from framegate.runner.selection import selected
from framegate.stats import choices

_DESCRIPTION = """Compare two releases: fresh pairs of processes, one of each side, alternate epoch by epoch until the evidence
suffices or the budget is used up. Each side is a known environment, a requirement (tensorflow==2.20.0, tf-nightly), a local
wheel or a requirements file. Exit status: 0 all the same or faster, 10 something is slower or worse, 11 not enough evidence,
12 the candidate is broken; 13 an environment cannot be made, 14 another gate is measuring, 15 the disk is full, 2 any other
error."""


def add_to(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser("gate", help="say whether an upgrade is slower", description=_DESCRIPTION)
    parser.epilog = "example: framegate gate tensorflow==2.20.0 tensorflow==2.21.0 --budget 20m --report verdict.md"
    add = parser.add_argument
    add("baseline", metavar="BASELINE")
    add("candidate", metavar="CANDIDATE")
    add(
        "-m", dest="markers", metavar="EXPR", help="cells, by markers as in pytest (default: the quick ones on the CPU)"
    )
    add("--cells", nargs="+", default=[], metavar="PART", help="cells with one of these in their ids")
    add("--margin", type=choices.margin_of_number, default=choices.DEFAULT_MARGIN, metavar="SHARE",
        help="smallest shift that counts (default: 5%%)")  # fmt: skip
    add("--budget", type=choices.seconds_asked, default=1800.0, metavar="TIME", help="of measuring (default: 30m)")
    add("--report", type=Path, metavar="FILE", help="write the answer as Markdown, too")
    add("--resume", nargs="?", const="latest", metavar="RUN", help="go on with a gate that was cut short")
    add("--data-home", type=Path, metavar="DIR", help="datasets fetched by hand")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Measure, print the answer and return its exit status."""
    from framegate.report.gate import gate_lines, gate_page
    from framegate.upgrade import Request, exit_status, gate_upgrade

    if options.report:
        check_report(options.report)
    for one in (
        signal.SIGINT,
        signal.SIGTERM,
    ):  # a CI that cancels gets the answer so far, too; so does a job in the background
        signal.signal(one, signal.default_int_handler)
    environments = load(options.suite / "environments")
    cells = selected(read_matrix(options.suite / "matrix.toml", environments), options.markers, options.cells)
    cells = on_this_machine(cells)
    request = Request(
        root=options.suite.resolve(),
        sides=(options.baseline, options.candidate),
        margin=options.margin,
        budget_seconds=options.budget,
        data_home=data_home(options.data_home),
        resume=options.resume,
        arguments=tuple(sys.argv[1:]),
    )
    answer = gate_upgrade(request, cells, environments, lambda line: print(line, flush=True))
    print("\n".join(gate_lines(answer, shutil.get_terminal_size().columns)))
    if options.report:
        try:
            write_report(options.report, gate_page(answer))
        except ReportError as error:  # the answer stands
            print(error, file=sys.stderr)
    return exit_status(answer)


def on_this_machine(cells: list[Cell]) -> list[Cell]:
    """Return the cells that can run here: without a GPU those on the CPU. Raises SideError where none is left."""
    if not any(cell.device == "gpu" for cell in cells) or not (reason := gpu_reason()):
        return cells
    kept = [cell for cell in cells if cell.device == "cpu"]
    if not kept:
        raise SideError(reason)
    print(f"{len(cells) - len(kept)} cells on a GPU left out: {reason.split(';')[0]}", flush=True)
    return kept
