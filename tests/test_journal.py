"""The journal loses nothing that was finished, and never takes half a line for a result."""

import json
import resource
import signal

import pytest

from framegate.errors import DiskFull, JournalError
from framegate.runner.journal import (
    Journal,
    Task,
    event_record,
    extra_info,
    find_run,
    finished_record,
    harvest,
    read_journal,
    results_of,
)

TASK = Task("toy/mlp/digits/b32", "training", 1)
START = {
    "event": "process",
    "key": "k",
    "packages": "toy",
    "seed": 1,
    "fingerprint": "f",
    "complete": True,
    "directory": "d",
}
START |= {"settings": {"model": "mlp"}, "study": "K3"}
READY = {"event": "ready", "about": {"framework": "toy"}}
DONE = {"event": "done", "phases": {"epochs": 2.0, "build": 1.0}}


def epoch(number):
    return {"event": "epoch", "number": number, "seconds": 0.5 * number}


@pytest.fixture
def journal_of():
    opened = []

    def write(folder, *events, run="r"):
        opened.append(Journal(folder, run))
        for event in events:
            opened[-1].append(event_record(TASK, event))
        return opened[-1]

    yield write
    for journal in opened:
        journal.close()


def test_a_finished_process_comes_back_as_its_result(tmp_path, journal_of):
    journal = journal_of(tmp_path, START, READY, epoch(1), epoch(2), DONE)
    journal.append(finished_record(TASK, 3.5, 0.5, None))
    journal.close()
    records, torn = read_journal(tmp_path / "r.jsonl")
    result = results_of(records)[TASK.cell, "training", 1]
    assert torn is None
    assert result.warm_seconds == [1.0]
    assert (result.wall_seconds, result.remainder_seconds, result.key) == (3.5, 0.5, "k")


def test_an_unfinished_process_has_no_result(tmp_path, journal_of):
    journal = journal_of(tmp_path, START, READY, epoch(1))
    assert results_of(journal.records) == {}


def test_of_two_attempts_the_last_finished_counts(tmp_path, journal_of):
    journal = journal_of(tmp_path, START, READY, epoch(1), epoch(2), DONE)
    journal.append(finished_record(TASK, 3.5, 0.5, "noise"))
    again = Task(TASK.cell, "training", 1, attempt=2)
    journal.append(event_record(again, START))
    assert results_of(journal.records)[TASK.cell, "training", 1].task.attempt == 1


def test_extra_info_comes_from_the_journal_alone(tmp_path, journal_of):
    journal = journal_of(tmp_path, START, READY, epoch(1), epoch(2), DONE)
    journal.append(finished_record(TASK, 3.5, 0.5, None))
    told = extra_info(list(results_of(journal.records).values()))
    assert (told["cell"], told["study"], told["settings"]) == (TASK.cell, "K3", {"model": "mlp"})
    assert told["dataset"] == {"fingerprint": "f", "complete": True}
    assert [epoch["seconds"] for epoch in told["processes"][0]["epochs"]] == [0.5, 1.0]


def test_a_torn_last_line_is_left_out_and_said(tmp_path, journal_of):
    journal = journal_of(tmp_path, START, READY)
    journal.close()
    with (tmp_path / "r.jsonl").open("ab") as file:
        file.write(b'{"event": "epo')
    records, torn = read_journal(tmp_path / "r.jsonl")
    assert len(records) == 2
    assert torn.endswith("line 3: cut short by a kill, left out")


def test_a_resumed_journal_goes_on_behind_a_torn_line(tmp_path, journal_of):
    journal_of(tmp_path, START).close()
    with (tmp_path / "r.jsonl").open("ab") as file:
        file.write(b'{"event": "epo')
    journal = Journal(tmp_path, "r")
    journal.append({"event": "run", "run": "r"})
    journal.close()
    records, _ = read_journal(tmp_path / "r.jsonl")
    assert [record["event"] for record in records] == ["process", "run"]


def test_damage_in_the_middle_is_refused_with_file_and_line(tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_text('{"event": "run"}\n?\n{"event": "ready"}\n', encoding="utf-8")
    with pytest.raises(JournalError, match=r"r.jsonl, line 2: .* is not an event"):
        read_journal(path)


def test_a_full_disk_leaves_whole_lines(tmp_path, journal_of):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    journal = journal_of(tmp_path, START)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "r.jsonl").stat().st_size + 20, hard))
    try:
        with pytest.raises(DiskFull, match=r"20 of \d+ bytes written: is the disk full\?"):
            journal.append(event_record(TASK, READY))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    journal.append(event_record(TASK, READY))
    assert [record["event"] for record in read_journal(tmp_path / "r.jsonl")[0]] == ["process", "ready"]


def test_two_writers_of_one_run_are_refused(tmp_path, journal_of):
    journal = journal_of(tmp_path)
    with pytest.raises(JournalError, match="run r is still being written by another process"):
        Journal(tmp_path, "r")
    journal.close()


def test_the_latest_run_is_found_and_a_wrong_name_lists_the_known(tmp_path, journal_of):
    journal_of(tmp_path, START, run="2026-01-01T00-00-00-1").close()
    journal_of(tmp_path, START, run="2026-01-02T00-00-00-1").close()
    assert find_run(tmp_path, "latest") == "2026-01-02T00-00-00-1"
    with pytest.raises(JournalError, match="no run 'x'; found 2026-01-01T00-00-00-1, 2026-01-02T00-00-00-1"):
        find_run(tmp_path, "x")


def test_harvest_takes_over_epochs_that_only_the_worker_wrote_down(tmp_path, journal_of):
    journal = journal_of(tmp_path, START, READY, epoch(1))
    directory = TASK.directory(tmp_path / "runs")
    directory.mkdir(parents=True)
    lines = [json.dumps(event) + "\n" for event in (READY, epoch(1), epoch(2), epoch(3))]
    (directory / "events.jsonl").write_text("".join(lines) + '{"event": "ep', encoding="utf-8")
    assert harvest(journal, tmp_path / "runs") == 2
    assert [record["number"] for record in journal.records if record["event"] == "epoch"] == [1, 2, 3]
    assert harvest(journal, tmp_path / "runs") == 0


def test_harvest_finishes_a_process_whose_last_event_was_done(tmp_path, journal_of):
    journal = journal_of(tmp_path, START, READY, epoch(1))
    directory = TASK.directory(tmp_path / "runs")
    directory.mkdir(parents=True)
    lines = [json.dumps(event) + "\n" for event in (READY, epoch(1), epoch(2), DONE)]
    (directory / "events.jsonl").write_text("".join(lines), encoding="utf-8")
    harvest(journal, tmp_path / "runs")
    assert results_of(journal.records)[TASK.cell, "training", 1].wall_seconds == 3.0
