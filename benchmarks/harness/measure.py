"""Measures what Framegate itself costs and prints the table of docs/harness.md:  nox -s harness [-- --bare | --loops PART]

--bare also clones the suite into an empty folder, with empty caches, and runs the README's first command there.
--loops jax-0.10/lenet measures the idiomatic loops of the cells with that in their id, and nothing else.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from framegate.runner.cell import Cell
from framegate.runner.data import data_home
from framegate.runner.declarations import Environment, load
from framegate.runner.driver import run_alternating
from framegate.runner.environments import ensure
from framegate.runner.jobs import Launch
from framegate.runner.journal import read_journal, runs
from framegate.runner.matrix import read_matrix
from framegate.runner.run import launch_outside, machine

ROOT = Path(__file__).parents[2]
STORE = ROOT / ".framegate"
PAIRS, EPOCHS = 5, 12

MODELS = ("logistic_regression", "dense", "fashion_mlp", "lenet", "lstm_rows")
# Quick has no cells of these: each is trained on the digits as this other model is.
LIKE = {"fashion_mlp": "dense", "lstm_rows": "dense"}
# Environment -> the loop that a good user of its framework would write, and the models that both train.
LOOPS = {
    "pytorch-2.13": ("torch_loop", MODELS),
    "jax-0.10": ("jax_loop", MODELS),
    "mxnet-1.9": ("gluon_loop", MODELS),
    "keras-tensorflow-2.21": ("keras_fit", MODELS),
    "keras-jax-0.10": ("keras_fit", ("lenet",)),
    "keras-pytorch-2.13": ("keras_fit", ("lenet",)),
    "tensorflow-2.21": ("tensorflow_loop", ("lenet",)),
    "scikit-learn-1.9": ("sklearn_partial_fit", ("dense",)),
}

Row = tuple[str, str, str]  # what, the figure to reach, measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bare", action="store_true", help="also from an empty folder, with empty caches")
    parser.add_argument("--pairs", type=int, default=PAIRS, help="processes a side for the epoch seconds")
    parser.add_argument("--loops", metavar="PART", help="only the epoch seconds, of the cells with this in their id")
    options = parser.parse_args()
    print(machine(), time.strftime("%Y-%m-%d"))
    rows = [] if options.loops else [collecting(), *quick_matrix(), driver_memory()]
    if options.bare:
        rows.append(bare_machine())
    contests = [(cell, loop) for cell, loop in cells_and_loops() if (options.loops or "") in cell.id]
    rows += [overhead(cell, loop, options.pairs) for cell, loop in contests]
    for what, reach, measured in rows:
        print(f"| {what} | {reach} | {measured} |")


def pytest_seconds(*arguments: str) -> float:
    """Return the wall seconds of one run of the benchmarks; exits if it fails."""
    begin = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", *arguments], cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(f"pytest {' '.join(arguments)}: exit status {done.returncode}; mend that first")
    return time.monotonic() - begin


def collecting() -> Row:
    """Time the collection of 500 cells, in a suite that differs only in its matrix."""
    text = (ROOT / "matrix.toml").read_text(encoding="utf-8")
    head = text[: text.index("\n[[cells]]") + 1]
    cells = "".join(
        f'[[cells]]\nmodel = "lenet"\ndataset = "digits"\nimage_size = 32\nenvironments = ["mxnet-1.9"]\n'
        f'devices = ["cpu"]\nbatch_size = {size}\noptimizer = {{ name = "adam" }}\nfloor = 0.5\n'
        for size in range(1, 501)
    )
    with tempfile.TemporaryDirectory() as folder:
        for name in ("conftest.py", "pytest.ini"):
            shutil.copy(ROOT / name, folder)
        for name in ("benchmarks", "environments", "models", "datasets"):
            shutil.copytree(ROOT / name, Path(folder, name))
        Path(folder, "matrix.toml").write_text(head + cells, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "benchmarks/test_training.py", "--collect-only", "-q"]
        seconds = []
        for _ in range(5):
            begin = time.monotonic()
            done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
            seconds.append(time.monotonic() - begin)
            if "500 tests collected" not in done.stdout:
                sys.exit(f"collecting 500 cells failed:\n{done.stdout}{done.stderr}")
    return "collecting 500 cells, median of 5", "under 1.5 s", f"{statistics.median(seconds):.2f} s"


def last_journal() -> list[dict]:
    folder = STORE / "journal"
    return read_journal(folder / f"{runs(folder)[-1]}.jsonl")[0]


def quick_matrix() -> Iterator[Row]:
    environments = load(ROOT / "environments")
    for cell in read_matrix(ROOT / "matrix.toml", environments):
        if (cell.tier, cell.device) == ("quick", "cpu"):
            ensure(environments[cell.environment], "cpu", STORE / "envs", print)
    seconds = pytest_seconds("benchmarks")
    records = last_journal()
    finished = [record for record in records if record["event"] == "finished"]
    inside = sum(record["wall_seconds"] for record in finished)
    cells = {(record["cell"], record["purpose"]) for record in finished}
    used = {record["cell"].split("/")[0] for record in finished}
    scope = f"{len(cells)} cells over {len(used)} environments"
    yield "quick matrix, environments built", "under 5 min", f"{seconds / 60:.1f} min, {scope}"
    share = (seconds - inside) / seconds
    yield "share of its wall time outside workers", "under 3 %", f"{share:.1%} ({seconds - inside:.1f} s)"


def driver_memory() -> Row:
    reach = ("driver's peak memory beside a worker with CIFAR-10 in memory", "under 150 MB")
    if data_home(None) is None:
        return (*reach, "not measured: FRAMEGATE_DATA is not set")
    cell = "mxnet-1.9/lenet/cifar-10/b32/L1"
    pytest_seconds(f"benchmarks/test_training.py::test_training[{cell}]", "--processes=1")
    records = last_journal()
    worker = max(record["peak_bytes"] for record in records if record["event"] == "epoch")
    driver = records[-1]["driver_peak_bytes"]
    return (*reach, f"{driver / 1e6:.0f} MB (worker: {worker / 1e6:.0f} MB)")


def bare_machine() -> Row:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "clone", "--quiet", str(ROOT), f"{folder}/suite"], check=True)
        hidden = ("UV_", "PIP_CACHE", "VIRTUAL_ENV", "FRAMEGATE_")
        variables = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
        variables |= {"UV_CACHE_DIR": f"{folder}/uv", "PIP_CACHE_DIR": f"{folder}/pip"}
        script = "python3 -m venv ../venv && . ../venv/bin/activate && pip install -q nox uv && nox -s bench"
        begin = time.monotonic()
        subprocess.run(["sh", "-c", script], cwd=f"{folder}/suite", env=variables, check=True)
        seconds = time.monotonic() - begin
    return "the same from a bare machine, environments built on the way", "under 12 min", f"{seconds / 60:.1f} min"


def cells_and_loops() -> Iterator[tuple[Cell, str]]:
    """Yield each cell of ours with the loop that it is measured against."""
    cells = read_matrix(ROOT / "matrix.toml", load(ROOT / "environments"))
    quick = {(cell.environment, cell.model): cell for cell in cells if (cell.tier, cell.device) == ("quick", "cpu")}
    for environment, (loop, models) in LOOPS.items():
        for model in models:
            yield replace(quick[environment, LIKE.get(model, model)], model=model), loop


def overhead(cell: Cell, loop: str, pairs: int) -> Row:
    """Alternate fresh processes of ours and of the idiomatic loop, epoch by epoch."""
    ours, theirs = [], []
    for number in range(1, pairs + 1):
        with tempfile.TemporaryDirectory() as folder:
            for seconds, found in zip((ours, theirs), pair(cell, loop, number, Path(folder)), strict=True):
                seconds.append(statistics.median(found[1:]))
    ratio = statistics.median(ours) / statistics.median(theirs)
    each = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    what = f"epoch seconds of {cell.id} against {loop}, {pairs} alternating processes a side"
    return what, "at most 1.02", f"{ratio:.3f} (median of the pairs' ratios {each:.3f})"


def loop_launch(cell: Cell, environment: Environment, loop: str, folder: Path, number: int = 1) -> Launch:
    """Return the launch of a process in which an idiomatic loop does a cell's work."""
    adapter = f"benchmarks.harness.idiomatic.{loop}"
    launch = launch_outside(cell, environment, ROOT, folder, number, adapter=adapter)
    return replace(launch, script="benchmarks/harness/idiomatic/main.py")


def pair(cell: Cell, loop: str, number: int, folder: Path) -> tuple[list[float], list[float]]:
    """Return the epoch seconds of one process of ours and one of theirs; who starts alternates from pair to pair."""
    cell = replace(cell, epochs=EPOCHS)
    environment = load(ROOT / "environments")[cell.environment]
    own = launch_outside(cell, environment, ROOT, folder / "ours", number)
    their = loop_launch(cell, environment, loop, folder / "theirs", number)
    launches = (own, their) if number % 2 else (their, own)
    events: dict[str, list[dict]] = {"ours": [], "theirs": []}
    run_alternating(launches, lambda side, event: events[launches[side].directory.name].append(event), EPOCHS)
    ours = [event["seconds"] for event in events["ours"] if event["event"] == "epoch"]
    theirs = events["theirs"][-1]["seconds"]
    print(json.dumps({"cell": cell.id, "ours": ours, "theirs": theirs}), flush=True)
    return ours, theirs


if __name__ == "__main__":
    main()
