"""framegate recover: the JSON of a run that was cut short."""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from framegate.errors import FramegateError
from framegate.runner.journal import find_run


def add_to(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser("recover", help="write pytest-benchmark's JSON of a run that was cut short")
    parser.add_argument("wanted", nargs="?", default="latest", metavar="RUN", help="its name (default: latest)")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the JSON file to write")
    parser.epilog = "example: framegate recover -o saved.json"
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Replay a run's finished processes through the benchmarks, so that its JSON is made where all others are."""
    journals = options.suite / ".framegate" / "journal"
    name = find_run(journals, options.wanted)
    output = options.output.absolute()
    if not output.parent.is_dir():
        raise FramegateError(f"{output.parent} is not a folder; make it, or choose another file for --output")
    with tempfile.TemporaryDirectory(dir=output.parent) as scratch:
        written = Path(scratch) / output.name
        command = [sys.executable, "-m", "pytest", "benchmarks", "-m", "cpu or gpu", "-q", "--recover", name]
        status = subprocess.run([*command, "--benchmark-json", str(written)], cwd=options.suite, check=False).returncode
        if not written.exists():
            raise FramegateError(f"run {name}: no finished process to recover; pytest's exit status was {status}")
        written.replace(output)
    print(f"{output} written from run {name}")
    return 0
