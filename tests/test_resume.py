"""A run cut short loses nothing that was finished: resumed, recovered, killed at random moments."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from framegate.runner.journal import read_journal


def epochs_of(records):
    """Return how often each epoch of each process and attempt was recorded."""
    keys = [
        (record["cell"], record["purpose"], record["process"], record["attempt"], record["number"])
        for record in records
        if record["event"] == "epoch"
    ]
    return {key: keys.count(key) for key in keys}


def test_the_latest_run_is_one_that_measured(toy_suite, monkeypatch):
    toy_suite.pytest("-k", "training and not adam")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    environment = toy_suite.root / "environments" / "toy.toml"
    environment.write_text(environment.read_text() + 'gpu = ["numpy==2.4.6"]\n')
    toy_suite.pytest("-m", "gpu")
    toy_suite.pytest("--resume", "-k", "training and not adam")
    measured = min((toy_suite.root / ".framegate" / "journal").glob("*.jsonl"))
    records, _ = read_journal(measured)
    assert set(epochs_of(records).values()) == {1}
    assert len([record for record in records if record["event"] == "run"]) == 2


def test_resume_does_not_take_the_folder_for_a_run(toy_suite):
    command = [sys.executable, "-m", "pytest", "--resume", "benchmarks"]
    done = subprocess.run(command, cwd=toy_suite.root, capture_output=True, text=True, check=False)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--resume benchmarks: that is a path; wanted --resume=RUN, or --resume behind all paths" in done.stderr


def test_resume_runs_only_what_is_missing(toy_suite):
    toy_suite.pytest("-k", "training and not adam")
    done = toy_suite.pytest("--resume")
    assert "3 passed" in done.stdout
    records = toy_suite.records()
    assert set(epochs_of(records).values()) == {1}
    assert len(epochs_of(records)) == 3 * 2 * 3


def test_resume_measures_again_what_was_changed(toy_suite):
    toy_suite.pytest("-k", "training and not adam")
    matrix = toy_suite.root / "matrix.toml"
    matrix.write_text(matrix.read_text().replace("learning_rate = 0.1,", "learning_rate = 0.2,"))
    toy_suite.pytest("--resume", "-k", "training and not adam")
    records = toy_suite.records()
    assert {record["attempt"] for record in records if record["event"] == "epoch"} == {1, 2}


def test_a_journal_torn_by_a_kill_is_resumed_any_number_of_times(toy_suite):
    toy_suite.pytest("-k", "training and not adam")
    journal = toy_suite.journal()
    text = journal.read_bytes()
    journal.write_bytes(text[: text.rindex(b'{"event": "epoch"') + 20])
    for _ in range(3):
        done = toy_suite.pytest("--resume", "-k", "training and not adam")
        assert "1 passed" in done.stdout
        assert "cut short by a kill, left out" in done.stdout


def test_resume_measures_again_under_other_variables(toy_suite):
    toy_suite.pytest("-k", "training and not adam")
    toy_suite.fault("slow:2")
    toy_suite.pytest("--resume", "-k", "training and not adam")
    records = toy_suite.records()
    assert {record["attempt"] for record in records if record["event"] == "epoch"} == {1, 2}


def test_without_a_run_there_is_nothing_to_resume(toy_suite):
    done = toy_suite.pytest("--resume")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "no run 'latest'; found none; start one with: pytest benchmarks" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_killed_run_loses_no_finished_epoch_and_resumes(toy_suite, seed):
    matrix = toy_suite.root / "matrix.toml"
    matrix.write_text(matrix.read_text().replace("epochs = 3", "epochs = 12"))
    process = subprocess.Popen(toy_suite.command(), cwd=toy_suite.root, stdout=subprocess.DEVNULL)
    journals = toy_suite.root / ".framegate" / "journal"
    while not any(b'"event": "process"' in path.read_bytes() for path in journals.glob("*.jsonl")):
        assert process.poll() is None
        time.sleep(0.05)
    pause = random.Random(seed).uniform(0.0, 3.5)
    time.sleep(pause)  # the moment of the kill: anywhere from the first worker's start to the last cell
    for pid in [process.pid, *descendants(process.pid)]:
        os.kill(pid, signal.SIGKILL)
    process.wait()
    finished = sum(
        line.startswith(b'{"event": "epoch"')
        for path in (toy_suite.root / ".framegate" / "runs").rglob("events.jsonl")
        for line in path.read_bytes().split(b"\n")[:-1]
    )
    done = toy_suite.pytest("--resume", "--benchmark-json=out.json")
    assert "3 passed" in done.stdout, done.stdout
    records = toy_suite.records()
    second_run = [record["event"] for record in records].index("run", 1)
    assert set(epochs_of(records).values()) == {1}
    assert len(epochs_of(started_in(records, records[:second_run]))) == finished
    stored = json.loads((toy_suite.root / "out.json").read_text())["benchmarks"]
    assert [len(benchmark["stats"]["data"]) for benchmark in stored] == [22, 22, 22]


def test_an_interrupted_run_says_how_to_go_on_though_no_cell_is_finished(toy_suite):
    matrix = toy_suite.root / "matrix.toml"
    matrix.write_text(matrix.read_text().replace("epochs = 3", "epochs = 500"))
    command = toy_suite.command("-k", "training and not adam")
    # As at a terminal: what nohup or a shell's & starts ignores SIGINT, and so would this.
    listens = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(
        command, cwd=toy_suite.root, stdout=subprocess.PIPE, text=True, preexec_fn=listens
    ) as process:
        journals = toy_suite.root / ".framegate" / "journal"
        while not any(b'"event": "process"' in path.read_bytes() for path in journals.glob("*.jsonl")):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate()
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert "\ngo on with: pytest benchmarks --resume\n" in told


def started_in(records, first_run):
    """Return the records of all processes that the first run started, those that were harvested later too."""
    started = [address(record) for record in first_run if record["event"] == "process"]
    return [record for record in records if "attempt" in record and address(record) in started]


def address(record):
    return record["cell"], record["purpose"], record["process"], record["attempt"]


def descendants(pid):
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [found for child in map(int, children) for found in (child, *descendants(child))]


def test_recover_writes_the_json_of_what_a_killed_run_had_finished(toy_suite):
    toy_suite.pytest("-k", "training and not adam")
    journal = toy_suite.journal()
    text = journal.read_bytes()
    second_finish = text.rindex(b'{"event": "finished"')
    journal.write_bytes(text[: second_finish + 20])  # torn in the second process's last line
    command = [sys.executable, "-m", "framegate", "recover", "--output", "saved.json"]
    done = subprocess.run(command, cwd=toy_suite.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (benchmark,) = json.loads((toy_suite.root / "saved.json").read_text())["benchmarks"]
    assert len(benchmark["extra_info"]["processes"]) == 2  # the worker's own file says that the second was done
    assert len(benchmark["stats"]["data"]) == 4
