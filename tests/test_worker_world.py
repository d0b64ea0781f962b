"""The worker world reads clocks in one place only, and is written for Python 3.6.

vermin reads the source; the toy framework runs on the interpreters themselves (test_toy_framework.py).
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted(
    path
    for folder in ("models", "datasets", "frameworks", "worker", "tests/toy_framework")
    for path in (ROOT / folder).rglob("*.py")
)
CLOCKS = {
    "time": {"time", "time_ns", "perf_counter", "perf_counter_ns", "monotonic", "monotonic_ns", "process_time"}
    | {"process_time_ns", "thread_time", "clock", "clock_gettime"},
    "timeit": {"default_timer", "timeit", "repeat", "Timer"},
    "datetime": {"now", "utcnow", "today"},
    "os": {"times"},
    "resource": {"getrusage"},
}


def clock_readings(source: str) -> list[int]:
    """Return the lines that read a clock. time.sleep is none."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
            if node.attr in CLOCKS.get(owner, ()):
                lines.append(node.lineno)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            if any(alias.name in CLOCKS.get(node.module or "", ()) for alias in node.names):
                lines.append(node.lineno)
        elif isinstance(node, ast.Import) and any(a.asname and a.name in CLOCKS for a in node.names):
            lines.append(node.lineno)  # under another name the uses would not be seen
    return lines


def test_in_the_worker_world_only_the_worker_reads_clocks():
    files = [path for path in FILES if path.parent.name != "worker"]
    readers = {
        str(path.relative_to(ROOT)): lines
        for path in files
        if (lines := clock_readings(path.read_text(encoding="utf-8")))
    }
    assert readers == {}
    assert clock_readings((ROOT / "worker" / "main.py").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        ("import time\ntime.perf_counter()", True),
        ("from time import monotonic", True),
        ("import time as t", True),
        ("import datetime\ndatetime.datetime.now()", True),
        ("import resource\nresource.getrusage(0)", True),
        ("import time\ntime.sleep(1)", False),
        ("order.time()", False),
    ],
)
def test_a_clock_is_recognised(source, reads):
    assert bool(clock_readings(source)) == reads


def python_36_complaints(*paths: Path) -> str:
    command = [sys.executable, "-c", "from vermin.main import main; main()", "-t=3.6-", "--processes=1", "--violations"]
    command += ["--eval-annotations", "--no-parse-comments", *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_the_worker_world_is_written_for_python_36():
    assert len(FILES) > 20
    complaints = python_36_complaints(*FILES)
    assert not complaints, complaints


def test_what_python_36_lacks_is_recognised(tmp_path):
    newer = {
        "dataclass": "from dataclasses import dataclass\n",
        "walrus": "if (n := 1):\n    print(n)\n",
        "positional": "def f(a, /):\n    return a\n",
        "future": "from __future__ import annotations\n",
        "clock": "import time\ntime.perf_counter_ns()\n",
        "generic": "def f(a: list[int]) -> None:\n    pass\n",
        "debug": 'x = 1\nprint(f"{x=}")\n',
    }
    for name, source in newer.items():
        (tmp_path / f"{name}.py").write_text(source)
    complaints = python_36_complaints(*sorted(tmp_path.glob("*.py")))
    assert [name for name in newer if f"{name}.py" not in complaints] == []
