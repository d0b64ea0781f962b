"""Workers are started, granted epochs, stopped, and their deaths told in words."""

import json
import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from framegate.errors import MatrixError, WorkerFailed
from framegate.runner.driver import Worker, run_alone, run_alternating
from framegate.runner.jobs import processors


def names(events):
    return [event["event"] for event in events]


def test_a_worker_tells_its_phases_then_each_epoch_then_that_it_is_done(toy_suite):
    events = []
    wall_seconds = run_alone(toy_suite.launch("out"), events.append)
    assert names(events) == ["phase"] * 5 + ["ready"] + ["epoch"] * 3 + ["done"]
    assert [event["name"] for event in events[:5]] == ["start-up", "import", "load", "preprocess", "build"]
    phases = events[-1]["phases"]
    assert set(phases) >= {"first step", "epochs", "evaluate", "save", "waiting"}
    assert 0 < sum(phases.values()) <= wall_seconds


def test_an_epoch_carries_loss_accuracy_memory_and_the_witnesses_of_noise(toy_suite):
    events = []
    run_alone(toy_suite.launch("out"), events.append)
    first, last = [event for event in events if event["event"] == "epoch"][::2]
    assert last["test_accuracy"] > 0.85
    assert last["train_loss"] < first["train_loss"]
    assert last["peak_bytes"] > 10_000_000
    assert 0 < first["first_step_seconds"] < first["seconds"]
    witnesses = {"cpu_seconds", "involuntary_switches", "machine_busy_seconds", "steal_seconds", "pressure_seconds"}
    assert witnesses <= set(last)


def test_one_thread_means_at_most_one_processor_second_a_second(toy_suite):
    events = []
    run_alone(toy_suite.launch("out"), events.append)
    warm = [event for event in events if event["event"] == "epoch"][1:]
    # One tick of the kernel's clock for the reading on either side.
    assert sum(event["cpu_seconds"] for event in warm) <= sum(event["seconds"] for event in warm) + 0.02


def test_epochs_wait_for_their_grants(toy_suite):
    with Worker(toy_suite.launch("out")) as worker:
        list(worker.events_until("ready"))
        assert not _readable(worker)
        worker.grant()
        assert names(worker.events_until("epoch")) == ["epoch"]
        assert not _readable(worker)


def _readable(worker):
    import select

    return bool(select.select([worker._process.stdout], [], [], 0.2)[0])


def _state(worker):
    stat = Path(f"/proc/{worker._process.pid}/stat").read_text()
    return stat.rpartition(")")[2].split()[0]


def test_two_workers_alternate_and_the_waiting_one_is_stopped(toy_suite, monkeypatch):
    alive = []
    begin = Worker.__init__

    def remember(worker, launch):
        begin(worker, launch)
        alive.append(worker)

    monkeypatch.setattr(Worker, "__init__", remember)
    sequence, states = [], []

    def on_event(side, event):
        if event["event"] == "epoch":
            sequence.append("AB"[side] + str(event["number"]))
            states.append(_state(alive[1 - side]))

    run_alternating((toy_suite.launch("a"), toy_suite.launch("b")), on_event, epochs=3)
    assert sequence == ["A1", "B1", "B2", "A2", "A3", "B3"]
    assert set(states) == {"T"}  # stopped by a signal


def test_the_same_seed_gives_the_same_losses_alone_and_alternating(toy_suite):
    alone, alternating = [], []
    run_alone(toy_suite.launch("alone"), alone.append)
    run_alternating(
        (toy_suite.launch("a"), toy_suite.launch("b")), lambda side, event: alternating.append((side, event)), epochs=3
    )
    expected = [event["test_loss"] for event in alone if event["event"] == "epoch"]
    for wanted in (0, 1):
        assert [e["test_loss"] for side, e in alternating if side == wanted and e["event"] == "epoch"] == expected


@pytest.mark.parametrize(
    ("fault", "words", "epochs"),
    [
        ("crash@2", r"killed by signal 11 \(Segmentation fault\)", 1),
        ("memory@3", "killed by SIGKILL from outside, most often the kernel's answer to too little memory", 2),
        ("exit@1", "exit status 7", 0),
        ("garble@2", "where an event was wanted", 1),
        ("nonsense", "exit status 1", 0),
    ],
)
def test_a_death_is_told_with_its_cause_the_epochs_done_and_how_to_repeat_it(toy_suite, fault, words, epochs):
    launch = toy_suite.launch("out", TOY_FAULT=fault)
    with pytest.raises(WorkerFailed, match=words) as caught:
        run_alone(launch, lambda event: None)
    assert "toy/logistic_regression/digits/b32, training process 1: " in str(caught.value)
    assert f"{epochs} of 3 epochs were done" in str(caught.value)
    assert f"repeat with: sh {launch.directory / 'repeat.sh'}" in str(caught.value)


def test_a_hang_is_ended_at_the_limit(toy_suite):
    launch = replace(toy_suite.launch("out", TOY_FAULT="hang@2"), limit_seconds=3.0)
    begin = time.monotonic()
    with pytest.raises(WorkerFailed, match=r"was silent for 3 s, the cell's limit_seconds, and was killed; 1 of 3"):
        run_alone(launch, lambda event: None)
    assert time.monotonic() - begin < 10


def test_an_exceptions_traceback_is_in_the_message(toy_suite):
    with pytest.raises(WorkerFailed, match="ValueError: TOY_FAULT is 'nonsense'"):
        run_alone(toy_suite.launch("out", TOY_FAULT="nonsense"), lambda event: None)


def test_the_repeat_command_runs_the_same_worker_again(toy_suite):
    launch = toy_suite.launch("out")
    first = []
    run_alone(launch, first.append)
    done = subprocess.run(["sh", launch.directory / "repeat.sh"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    again = [json.loads(line) for line in (launch.directory / "repeat" / "events.jsonl").read_text().splitlines()]
    assert [event.get("test_loss") for event in again] == [event.get("test_loss") for event in first]


def test_the_users_own_configuration_does_not_reach_a_worker(toy_suite):
    launch = toy_suite.launch("out")
    with Worker(launch) as worker:
        list(worker.events_until("ready"))
        seen = Path(f"/proc/{worker._process.pid}/environ").read_bytes().decode().split("\0")
    assert f"HOME={launch.directory}" in seen


def test_more_threads_than_processors_are_refused(toy_suite):
    with pytest.raises(MatrixError, match=r"4096 threads wanted, .* processors found; set threads in matrix.toml"):
        processors(4096)


def test_what_a_framework_prints_goes_to_the_log_and_never_looks_like_an_event(toy_suite):
    launch = toy_suite.launch("out", TOY_FAULT="noise@1")
    events = []
    run_alone(launch, events.append)
    assert names(events).count("epoch") == 3
    log = (launch.directory / "log.txt").read_text()
    for line in ("noise on sys.stdout", "noise on sys.stderr", "noise on descriptor 1", "noise on descriptor 2"):
        assert line in log


def test_no_process_that_a_worker_started_outlives_it(toy_suite):
    launch = toy_suite.launch("out", TOY_FAULT="fork@1")
    run_alone(launch, lambda event: None)
    assert has_ended(int((launch.directory / "log.txt").read_text().split("grandchild ")[1].split()[0]))


def has_ended(pid):
    """Return whether a process has ended, or does within 2 s: the kernel reaps a killed orphan soon, not at once."""
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists() or "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text():
            return True
        time.sleep(0.02)
    return False


def test_the_drivers_python_and_framework_variables_do_not_reach_a_worker(toy_suite, monkeypatch):
    for name in ("PYTHONPATH", "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "KERAS_BACKEND"):
        monkeypatch.setenv(name, "17")
    with Worker(toy_suite.launch("out")) as worker:
        list(worker.events_until("ready"))
        seen = Path(f"/proc/{worker._process.pid}/environ").read_bytes().decode().split("\0")
    assert "OMP_NUM_THREADS=1" in seen
    assert not [variable for variable in seen if variable.endswith("=17")]


def test_a_worker_dies_with_its_driver(toy_suite):
    script = (
        "import os, pickle, sys\n"
        "from framegate.runner.driver import Worker\n"
        "worker = Worker(pickle.load(open(sys.argv[1], 'rb')))\n"
        "list(worker.events_until('ready'))\n"
        "print(worker._process.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    import pickle
    import sys

    stored = toy_suite.root / "launch.pickle"
    stored.write_bytes(pickle.dumps(toy_suite.launch("out", TOY_FAULT="hang@1")))
    done = subprocess.run([sys.executable, "-c", script, stored], capture_output=True, text=True, check=False)
    pid = int(done.stdout)
    if not has_ended(pid):
        os.kill(pid, 9)
        pytest.fail("the worker outlived its driver")


def test_the_train_split_is_judged_where_the_job_asks_for_it(toy_suite):
    events = []
    launch = toy_suite.launch("out")
    run_alone(replace(launch, job={**launch.job, "train_accuracy": True}), events.append)
    judged = [event["train_accuracy"] for event in events if event["event"] == "epoch"]
    assert len(judged) == 3
    assert 0.85 < judged[-1] <= 1.0
    assert judged[0] < judged[-1]
