"""Prints how long a report of a large run and the list of a long history take: nox -s scale. Prints docs/harness.md's rows.

The runs are invented, their files as real ones: a journal, and labels of the first process of each cell, which alone are read.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

RUNS = 1000  # of the history
ENVIRONMENTS = [
    *(f"tensorflow-2.{minor}" for minor in (18, 19, 20, 21)), "keras-tensorflow-2.21", "keras-jax-0.10", "mxnet-1.8",
    "mxnet-1.9", "torch-2.13", "scikit-learn-1.9",
]  # fmt: skip
MACHINE = {"system": "Linux 6.18", "architecture": "x86_64", "processor": "invented", "processors": 2}
PHASES = ("start-up", "import", "load", "preprocess", "build", "first step", "evaluate", "save", "waiting")
TEST_ROWS, CLASSES = 1000, 10

Record = dict[str, Any]


def write_run(
    store: Path, name: str, works: int, processes: int, epochs: int, slower: float = 1.0, seed: int = 1
) -> Path:
    """Return the journal of an invented run below store: each work in ten environments. slower: of TensorFlow 2.20 and on."""
    (store / "journal").mkdir(parents=True, exist_ok=True)
    journal = store / "journal" / f"{name}.jsonl"
    random = np.random.default_rng(seed)
    true = np.random.default_rng(0).integers(0, CLASSES, TEST_ROWS).astype(np.uint8)
    started = {"event": "run", "run": name, "started": "2026-11-21T00:00:00+00:00", "arguments": [], "machine": MACHINE}
    with journal.open("w", encoding="utf-8") as file:
        for record in [started, *_records(store / "runs" / name, works, processes, epochs, slower, random, true)]:
            file.write(json.dumps(record) + "\n")
        file.write(json.dumps({"event": "end", "driver_peak_bytes": 1}) + "\n")
    return journal


def _records(
    folder: Path, works: int, processes: int, epochs: int, slower: float, random: np.random.Generator, true: Any
) -> Iterator[Record]:
    for work in range(works):
        model, dataset = ("lenet", "dense", "simple_cnn", "mlp")[work % 4], f"dataset-{work // 4}"
        for k, environment in enumerate(ENVIRONMENTS):
            cell = f"{environment}/{model}/{dataset}/b32"
            level = 0.5 * (1 + k / 10) * (slower if environment in ("tensorflow-2.20", "tensorflow-2.21") else 1.0)
            settings = {"environment": environment, "framework": environment.split("-")[0], "device": "cpu", "model": model,
                        "dataset": dataset, "batch_size": 32}  # fmt: skip
            for process in range(1, processes + 1):
                address = {"cell": cell, "purpose": "training", "process": process, "attempt": 1}
                directory = folder / cell.replace("/", "--") / f"training-{process}-1"
                if process == 1:
                    _write_labels(directory, true, random)
                start = {"event": "process", "key": "k", "directory": str(directory), "packages": f"{environment}-cpu-0",
                         "seed": process, "fingerprint": f"f{work}", "complete": True, "settings": settings, "study": "",
                         "variables": {}, "cpus": [0, 1], "machine": MACHINE, "commit": None}  # fmt: skip
                own = [start, {"event": "ready", "about": {"framework": environment, "version": "1"}}]
                own += _epochs(epochs, level * random.lognormal(0, 0.02), random)
                seconds = sum(event["seconds"] for event in own[2:])
                phases = dict.fromkeys(PHASES, 0.1) | {"epochs": seconds}
                own += [{"event": "done", "phases": phases}]
                own += [{"event": "finished", "wall_seconds": seconds + 1, "remainder_seconds": 0.1, "disturbed": None}]
                yield from (record | address for record in own)


def _epochs(epochs: int, level: float, random: np.random.Generator) -> list[Record]:
    return [
        {"event": "epoch", "number": n, "seconds": (1.6 if n == 1 else 1.0) * level * random.lognormal(0, 0.02),
         "images_per_second": 2000 / level, "cpu_seconds": 2 * level, "involuntary_switches": 3, "machine_busy_seconds": 0.1,
         "steal_seconds": 0.0, "pressure_seconds": 0.01, "cpu_per_second": 1.98, "peak_bytes": 512_000_000 + 1000 * n,
         "device_peak_bytes": None, "train_loss": 2.1 / n + random.random() / 20, "test_loss": 2.2 / n + random.random() / 20,
         "test_accuracy": round(1 - 0.9 / (n + 1) - random.random() / 50, 3), "evaluate_seconds": 0.1}
        for n in range(1, epochs + 1)
    ]  # fmt: skip


def _write_labels(directory: Path, true: Any, random: np.random.Generator) -> None:
    directory.mkdir(parents=True)
    predicted = np.where(random.random(len(true)) < 0.9, true, random.integers(0, CLASSES, len(true))).astype(np.uint8)
    np.savez_compressed(directory / "labels.npz", predicted=predicted, true=true)
    job = {"dataset": {"classes": [str(label) for label in range(CLASSES)]}}
    (directory / "job.json").write_text(json.dumps(job), encoding="utf-8")


def write_history(store: Path, runs: int) -> None:
    """Write so many runs of ten cells, two processes and three epochs each."""
    text = write_run(store, "run-0000", 1, 2, 3).read_text(encoding="utf-8")
    for number in range(1, runs):
        name = f"run-{number:04}"
        (store / "journal" / f"{name}.jsonl").write_text(text.replace("run-0000", name), encoding="utf-8")


def seconds_of(*command: str) -> str:
    """Return in words how long a command of Framegate takes, and how much of a processor's time."""
    begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "framegate", *command], check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    own = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return f"{wall:.2f} s ({own:.2f} s of a processor)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--works", type=int, default=200, help="each in ten environments (default: 200)")
    works = parser.parse_args().works
    with tempfile.TemporaryDirectory() as scratch:
        suite = Path(scratch)
        journal = write_run(suite / ".framegate", "large", works, processes=5, epochs=10)
        took = seconds_of("--suite", scratch, "report", str(journal), "-o", str(suite / "report"))
        size = sum(path.stat().st_size for path in (suite / "report").iterdir()) / 1e6
        print(
            f"| report of {10 * works:,} cells x 5 processes x 10 epochs | under 15 s, 25 MB | {took}, {size:.1f} MB |"
        )
        write_history(suite / "history" / ".framegate", RUNS)
        took = seconds_of("--suite", str(suite / "history"), "runs")
        print(f"| list of {RUNS:,} runs | under 1 s | {took} |")


if __name__ == "__main__":
    main()
