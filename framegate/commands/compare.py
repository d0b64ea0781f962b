"""framegate compare: stored runs against a baseline, with the engine and the exit statuses of the pytest plugin."""

import argparse
import glob
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framegate.errors import SamplesError
from framegate.runner.journal import ProcessResult, Record, extra_info, read_journal, results_of
from framegate.stats import choices
from framegate.stats.metrics import METRICS

if TYPE_CHECKING:
    from framegate.stats.samples import Side

_DESCRIPTION = """Compare stored runs with a baseline. Each argument is one side: a JSON file of pytest-benchmark, a
folder of them, or a pattern in quotes, such as 'before-*.json'; several files of one side are replicates of one another.
A journal (.framegate/journal/RUN.jsonl) serves too. Exit status: 0 nothing slower, 10 something is, 11 unsure (with
--fail unsure, or where nothing could be compared), 2 an error."""


def add_to(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser("compare", help="compare stored runs with a baseline", description=_DESCRIPTION)
    parser.add_argument("baseline", metavar="BASELINE")
    parser.add_argument("runs", nargs="+", metavar="RUN", help="compared with the baseline, each by itself")
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
    add("--fail", choices=choices.FAIL_ON, default="slower")
    parser.epilog = "example: framegate compare 'before-*.json' 'after-*.json'"
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print each comparison; return the most serious exit status."""
    from framegate.report.terminal import shift_section
    from framegate.stats.judging import judge
    from framegate.stats.verdict import Policy, exit_status, with_margins

    metrics, allowed = options.metric or ["seconds"], frozenset(options.allow)
    baseline = read_side(options.baseline, metrics, allowed)
    sides = [read_side(text, metrics, allowed) for text in options.runs]  # all are read before anything is said
    asked = Policy(
        alpha=options.alpha, test=options.test, correction=options.correction, unit=options.unit,
        allowed_mismatches=allowed,
    )  # fmt: skip
    statuses = []
    for text, side in zip(options.runs, sides, strict=True):
        policy = with_margins(asked, options.margin, {**baseline.samples, **side.samples})
        verdicts = judge(baseline, side, policy)
        print(f"{text} against {options.baseline}")
        for line, _ in shift_section(verdicts, policy, [], shutil.get_terminal_size().columns):
            print(line)
        statuses.append(exit_status(verdicts, options.fail))
    return choices.STATUS_WORSE if choices.STATUS_WORSE in statuses else max(statuses)


def files_of(text: str) -> list[Path]:
    """Return the files that an argument means: itself, a folder's JSON files, or what a pattern finds."""
    path = Path(text)
    if path.is_file():
        return [path]
    found = sorted(path.glob("*.json") if path.is_dir() else map(Path, glob.glob(text)))
    if not found:
        raise SamplesError(f"{text}: no such file; wanted JSON of pytest-benchmark: save it with --benchmark-json=FILE")
    return found


def read_side(text: str, metrics: Sequence[str], allowed: frozenset[str]) -> "Side":
    """Return the samples of one side, from JSON files or journals."""
    from framegate.stats.samples import pooled, read_run

    files = files_of(text)
    journals = [path for path in files if path.suffix == ".jsonl"]
    runs = [read_run([path for path in files if path not in journals], metrics, allowed)]
    return pooled([*runs, *(journal_run(path, metrics) for path in journals)], allowed)


def journal_run(path: Path, metrics: Sequence[str]) -> "Side":
    """Return the samples of all cells of a journal that finished and were not voided."""
    from framegate.stats.samples import run_of

    try:
        records, torn = read_journal(path)
        content = journal_content(records)
    except (OSError, KeyError, AttributeError) as error:
        raise SamplesError(f"{path}: no journal of Framegate: {error!r}") from None
    if torn:
        print(torn, file=sys.stderr)
    return run_of(content, str(path), metrics)


def journal_content(records: Sequence[Record]) -> Record:
    """Return what pytest-benchmark's file of that run would hold, as far as samples need it."""
    last = {(found["cell"], found["purpose"]): found["event"] for found in records if "cell" in found}
    processes: dict[tuple[str, str], list[ProcessResult]] = {}
    for (cell, purpose, _), result in sorted(results_of(records).items()):
        if last[cell, purpose] != "void":
            processes.setdefault((cell, purpose), []).append(result)
    benchmarks = [
        {"fullname": f"benchmarks/test_{purpose}.py::test_{purpose}[{cell}]", "extra_info": extra_info(own)}
        for (cell, purpose), own in processes.items()
    ]
    started = next((found for found in records if found["event"] == "run"), {})
    machine = started.get("machine") or {}
    described = {
        "system": str(machine.get("system", "")).partition(" ")[0],
        "machine": machine.get("architecture"),
        "cpu": {"brand_raw": machine.get("processor"), "count": machine.get("processors")},
    }
    return {"benchmarks": benchmarks, "machine_info": described}
