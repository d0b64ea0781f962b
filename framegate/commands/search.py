"""framegate search: hyperparameter search as a benchmark: what each procedure costs and brings, in each framework."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framegate.commands.markdown import check_report, write_report
from framegate.errors import DiskFull, FramegateError, SearchError
from framegate.runner.data import data_home
from framegate.runner.declarations import load
from framegate.runner.journal import SEARCH
from framegate.runner.run import Run
from framegate.runner.searches import Search, read_searches
from framegate.runner.trials import Outcome
from framegate.stats import choices

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

    from framegate.runner.search import Bench

_DESCRIPTION = """Run searches that matrix.toml declares, one environment after the other: each trial is trained in workers of its
own, Optuna draws the configurations, and the best one is trained once more on the whole train split and tested on rows that the
search never saw. A trial that fails is told with its reason, and the search goes on. The results: docs/search.md."""


def add_to(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser(
        "search", help="search hyperparameters, and say what that cost", description=_DESCRIPTION
    )
    add = parser.add_argument
    add("searches", nargs="+", metavar="SEARCH", help="names in matrix.toml, such as F2")
    add(
        "--environments",
        nargs="+",
        metavar="NAME",
        help="some of the search's own (default: all of them; with --resume those of the run)",
    )
    add(
        "--budget",
        type=choices.seconds_asked,
        metavar="TIME",
        help="for the trials, such as 10m, instead of the search's own",
    )
    add("--report", type=Path, metavar="FILE", help="write the results as Markdown, too")
    add("--resume", nargs="?", const="latest", metavar="RUN", help="go on with a run that was cut short")
    add("--data-home", type=Path, metavar="DIR", help="datasets fetched by hand")
    parser.epilog = "example: framegate search F2 --environments mxnet-1.9"
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Search, print what was found and return 0. Raises SearchError where a search came to nothing, the others told before."""
    from framegate.report.search import search_lines, search_page
    from framegate.runner.draws import check_library, open_storage
    from framegate.runner.search import Bench

    check_library()
    if options.report:
        check_report(options.report)
    environments = load(options.suite / "environments")
    searches = chosen(read_searches(options.suite / "matrix.toml", environments), options)
    home, root = data_home(options.data_home), options.suite.resolve()
    measured = Run(root, environments, data_home=home, resume=options.resume, kind=SEARCH, arguments=sys.argv[1:])
    say(f"run {measured.journal.run}")
    try:
        searches = as_begun(measured, searches, options.environments)
        storage = open_storage(measured.folder)
        benches = [Bench(measured, search, cell, say, options.budget) for search in searches for cell in search.cells]
        outcomes, problems = run_all(benches, storage)
    except KeyboardInterrupt:
        say(f"to go on: framegate search {' '.join(options.searches)} --resume {measured.journal.run}")
        raise
    finally:
        measured.close()
    print("\n".join(search_lines(outcomes)))
    if options.report:
        write_report(options.report, search_page(outcomes, measured.journal.run))
    if problems:
        raise SearchError("\nframegate: ".join(problems))
    return 0


def chosen(declared: Mapping[str, Search], options: argparse.Namespace) -> list[Search]:
    """Return the searches named, in the environments asked for. Raises SearchError."""
    found = []
    for name in dict.fromkeys(options.searches):
        if name not in declared:
            raise SearchError(f"no search {name!r}; wanted one of {', '.join(declared) or '(matrix.toml has none)'}")
        search = declared[name]
        known = [cell.environment for cell in search.cells]
        for environment in options.environments or ():
            if environment not in known:
                raise SearchError(f"{name} is not declared in {environment!r}; wanted one of {', '.join(known)}")
        cells = [cell for cell in search.cells if cell.environment in (options.environments or known)]
        found.append(replace(search, cells=tuple(cells)))
    return found


def as_begun(run: Run, searches: list[Search], named: Sequence[str] | None) -> list[Search]:
    """Return the searches in the environments named, or else in those that the run began with. Raises SearchError.

    A run that holds other searches is not resumed: who typed another name did not mean that run.
    """
    asked = {search.name: [cell.environment for cell in search.cells] for search in searches}
    begun = next((record["asked"] for record in run.journal.records if record["event"] == "search"), None)
    if begun is None:
        run.journal.append({"event": "search", "asked": asked})
        return searches
    if begun.keys() != asked.keys():
        raise SearchError(
            f"run {run.journal.run} holds {' '.join(begun)}, not {' '.join(asked)}; type the same, or start anew without --resume"
        )
    if named:
        return searches
    return [
        replace(search, cells=tuple(cell for cell in search.cells if cell.environment in begun[search.name]))
        for search in searches
    ]


def run_all(benches: "Sequence[Bench]", storage: "BaseStorage") -> tuple[list[Outcome], list[str]]:
    """Return what the searches found, and in words why some came to nothing. Raises DiskFull: no other would fare better."""
    from framegate.runner.search import run_search

    outcomes, problems = [], []
    for bench in benches:
        try:
            outcomes.append(run_search(bench, storage))
        except DiskFull:
            raise
        except FramegateError as error:
            problems.append(str(error))
    return outcomes, problems


def say(line: str) -> None:
    print(line, flush=True)
