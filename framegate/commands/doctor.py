"""framegate doctor: what of this machine stops a run, skips cells or makes timings noisy."""

import argparse
import time
from typing import Any

from framegate.runner import checkup
from framegate.runner.checkup import Finding
from framegate.runner.declarations import load
from framegate.runner.matrix import read_matrix

_DESCRIPTION = """Look at Pythons, GPU and driver, disk, memory, processors, container limits, the CPU governor and what else
runs here, and say what stops a run, what skips cells and what makes timings noisy. Exit status 1 where nothing can run."""
LOAD_SECONDS = 2.0  # how long the machine is watched


def add_to(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser(
        "doctor",
        help="say what stops a run here or makes it noisy",
        description=_DESCRIPTION,
    )
    parser.epilog = "example: framegate doctor"
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print a line a finding; return 1 if one of them stops every run."""
    found = findings(options)
    for finding in found:
        print(f"{finding.state:6} {finding.subject:16} {finding.words}")
    if any(finding.state == "noisy" for finding in found):
        print("\nTimings will be noisy here. How noisy, and what can still be told apart: framegate calibrate dense")
    return int(any(finding.state == "stops" for finding in found))


def findings(options: argparse.Namespace) -> list[Finding]:
    """Return all findings on this machine, worst first."""
    environments = load(options.suite / "environments")
    cells = read_matrix(options.suite / "matrix.toml", environments)
    before = checkup.processor_ticks()
    time.sleep(LOAD_SECONDS)
    after = checkup.processor_ticks()
    found = [
        checkup.load_finding(before, after),
        checkup.governor_finding(),
        checkup.processors_finding(checkup.usable_processors(), max(cell.threads for cell in cells)),
        checkup.memory_finding(),
        checkup.disk_finding(options.suite.resolve()),
        checkup.gpu_finding(),
        *checkup.python_findings(environments.values()),
    ]
    return sorted(found, key=lambda finding: ["stops", "skips", "noisy", "ok"].index(finding.state))
