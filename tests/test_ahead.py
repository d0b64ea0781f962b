"""A worker is started before it is wanted; it is the one that is wanted, or it is killed."""

from contextlib import closing
from dataclasses import replace

import pytest

from framegate.runner.ahead import Ahead
from framegate.runner.driver import run_alone


def test_a_worker_started_ahead_is_the_one_that_works(toy_suite):
    launch, events = toy_suite.launch("out"), []
    with closing(Ahead()) as ahead:
        ahead.start(launch)
        waiting = ahead._worker
        assert [event["event"] for event in waiting.events_until("ready")][-1] == "ready"
        run_alone(replace(launch), events.append, ahead.take)
    assert [event["event"] for event in events] == ["epoch"] * 3 + ["done"]
    assert events[-1]["phases"]["waiting"] > 0


@pytest.mark.parametrize("change", ["job", "directory", "variables"])
def test_a_worker_of_another_job_is_killed_and_the_wanted_one_is_started(toy_suite, change):
    launch, events = toy_suite.launch("out"), []
    other = {
        "job": {**launch.job, "seed": 7},
        "directory": launch.directory.with_name("other"),
        "variables": {**launch.variables, "TOY_FAULT": "exit@1"},
    }
    with closing(Ahead()) as ahead:
        ahead.start(replace(launch, **{change: other[change]}))
        waiting = ahead._worker
        run_alone(launch, events.append, ahead.take)
    assert waiting._process.returncode == -9
    assert [event["event"] for event in events][-4:] == ["epoch"] * 3 + ["done"]


def test_a_waiting_worker_is_killed_when_nothing_follows(toy_suite):
    with closing(Ahead()) as ahead:
        ahead.start(toy_suite.launch("out"))
        waiting = ahead._worker
    assert waiting._process.returncode == -9


def test_a_lap_ends_when_the_next_worker_was_set_to_work(toy_suite):
    hours = iter([0.0, 1.0, 3.0, 7.0])
    with closing(Ahead(lambda: next(hours))) as ahead:
        assert ahead.lap() == 1.0  # since it was made
        ahead.start(toy_suite.launch("out"))
        ahead.set_to_work()
        assert ahead.lap() == 2.0  # until then, whenever it is asked
        assert ahead.lap() == 0.0
        ahead.close()
        assert ahead.lap() == 4.0  # nobody works: it is lost
