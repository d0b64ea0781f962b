"""The lines of a long run."""

from dataclasses import replace

import pytest

from framegate.runner.cell import Cell
from framegate.runner.journal import Task
from framegate.runner.progress import Progress, duration

CELL = Cell(
    environment="mxnet-1.9",
    framework="mxnet",
    device="cpu",
    model="lenet",
    dataset="digits",
    image_size=32,
    batch_size=32,
    optimizer=(("name", "sgd"), ("learning_rate", 0.1)),
    tier="quick",
    processes=2,
    epochs=3,
    seed=1,
    threads=2,
    limit_seconds=60,
    floor=0.8,
    floor_part=None,
    reruns=0,
)
EPOCH = {"event": "epoch", "seconds": 0.2134, "train_loss": 0.3141, "test_accuracy": 0.94}


def progress(interactive, clock):
    lines = []
    shown = Progress(4, lambda line, overwritten: lines.append((line, overwritten)), interactive, clock)
    return shown, lines


def test_a_line_names_cell_process_epoch_loss_accuracy_and_the_time_left():
    readings = iter([0.0, 60.0])
    shown, _ = progress(True, lambda: next(readings))
    shown.begin(CELL)
    line = shown.line(Task(CELL.id, "training", 2), EPOCH | {"number": 3})
    assert line == (
        "[1/4] mxnet-1.9/lenet/digits-32px/b32 training process 2/2, epoch 3/3 0.213 s, loss 0.314 accuracy 0.940,"
        " about 3 min left"
    )


def test_on_a_terminal_each_event_overwrites_the_line():
    shown, lines = progress(True, lambda: 0.0)
    shown.begin(CELL)
    shown.watch(Task(CELL.id, "training", 1), {"event": "phase", "name": "import", "seconds": 1.0})
    shown.watch(Task(CELL.id, "training", 1), EPOCH | {"number": 1})
    assert [overwritten for _, overwritten in lines] == [True, True]


def test_without_a_terminal_only_a_processs_last_epoch_is_a_line():
    shown, lines = progress(False, lambda: 0.0)
    shown.begin(CELL)
    for number in (1, 2, 3):
        shown.watch(Task(CELL.id, "training", 1), EPOCH | {"number": number})
    assert len(lines) == 1
    assert "epoch 3/3" in lines[0][0]


def test_without_a_terminal_a_long_process_says_every_half_minute_that_it_lives():
    now = [0.0]
    shown, lines = progress(False, lambda: now[0])
    shown.begin(replace(CELL, epochs=10))
    for number in (1, 2, 3):
        now[0] += 20.0
        shown.watch(Task(CELL.id, "training", 1), EPOCH | {"number": number})
    assert [line.split(", ")[1].split()[1] for line, _ in lines] == ["2/10"]


@pytest.mark.parametrize(("seconds", "words"), [(40, "40 s"), (89.4, "89 s"), (700, "12 min"), (11100, "3 h 05 min")])
def test_durations_read_as_people_say_them(seconds, words):
    assert duration(seconds) == words
