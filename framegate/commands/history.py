"""framegate history: journals published among asv's results, and the releases at which cells shifted."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framegate.errors import HistoryError, JournalError
from framegate.runner.journal import ProcessResult, read_journal, valid_results
from framegate.runner.run import machine
from framegate.stats import choices

if TYPE_CHECKING:
    from framegate.stats.shifts import Answer

_DESCRIPTION = """Publish what the journals hold among asv's results: runs of pytest benchmarks, gates and asv's own. Then
`asv publish` and `asv preview` show them on one dashboard. With --shifts: name the releases at which a cell shifted, from the
processes of each release; the chance that any unchanged cell is called shifted is at most --alpha over the whole table."""


def add_to(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser(
        "history", help="publish runs for asv; find shifts over releases", description=_DESCRIPTION
    )
    parser.epilog = "example: framegate history --shifts"
    add = parser.add_argument
    add("--shifts", action="store_true", help="publish nothing: name the releases at which cells shifted")
    add("--machine", metavar="NAME", help="asv's name of the machine (default: this one)")
    add("--margin", type=choices.margin_of_number, default=choices.DEFAULT_MARGIN, metavar="SHARE",
        help="smallest shift that counts (default: 0.05)")  # fmt: skip
    add("--alpha", type=choices.alpha_asked, default=2 * choices.DEFAULT_ALPHA, metavar="LEVEL",
        help="chance of any false shift, either way (default: 0.05)")  # fmt: skip
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print a line a release, or a line a shift; return 0."""
    try:
        from framegate import asv_results
    except ModuleNotFoundError as error:
        raise HistoryError(f"{error.name} is not installed; install it with: pip install 'framegate[asv]'") from None

    store = asv_results.open_store(options.suite.resolve(), options.machine)
    if options.shifts:
        from framegate.stats.shifts import find_shifts

        answers = find_shifts(list(asv_results.series(store)), options.alpha, options.margin)
        print("\n".join(table(answers)))
        return 0
    published, left_out = asv_results.publish(store, _processes(options.suite, named=bool(options.machine)))
    for tag, count in published.items():
        print(f"{tag}: {count} processes published")
    for why, count in left_out.items():
        print(f"{count} processes left out: {why}")
    for package in sorted({tag.rpartition("-")[0] for tag in published} - set(store.branches)):
        print(
            f"asv.conf.json: {package!r} is not among the branches: asv draws it as one of {', '.join(store.branches)}"
        )
    if not published:
        raise HistoryError("nothing was published; measure first: pytest benchmarks")
    print(f"in {store.results}; show them with: asv publish && asv preview")
    return 0


def _processes(suite: Path, named: bool) -> Iterator[tuple[str, ProcessResult]]:
    """Yield the valid processes of all journals with their runs, oldest first; those of another machine only where it was named."""
    here = machine()
    for path in sorted((suite / ".framegate" / "journal").glob("*.jsonl")):
        try:
            records, torn = read_journal(path)
        except JournalError as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        if torn:
            print(torn, file=sys.stderr)
        results = valid_results(records)
        elsewhere = [result for result in results if result.start["machine"] != here]
        if elsewhere and not named:
            print(f"{path}: {len(elsewhere)} processes of another machine left out; publish them with --machine NAME")
        yield from ((path.stem, result) for result in results if named or result.start["machine"] == here)


def table(answers: "list[Answer]") -> list[str]:
    """Return a line a shift, then a line for each series that could not be judged, then how many had none."""
    lines = []
    for answer in sorted(answers, key=lambda one: (one.word != "shifted", one.name)):
        for shift in answer.shifts:
            low, high = shift.comparison.interval
            word = "slower" if shift.comparison.effect > 0 else "faster"
            ratio = f"{shift.comparison.ratio:.3f} [{low:.3f}, {high:.3f}]"
            lines.append(f"{word:7} at {shift.release:12} {ratio:24} p {shift.p:<8.2g} {answer.name}")
        if answer.word == "unsure":
            lines.append(f"{'unsure':7} {answer.why}: {answer.name}")
    none, unsure = (sum(answer.word == word for answer in answers) for word in ("none found", "unsure"))
    return [*lines, f"{len(answers)} series, {none} of them without a shift" + f", {unsure} unsure" * bool(unsure)]
