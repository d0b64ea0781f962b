"""The scripts and loops that a good user of each framework would write: they run, and what they ask of him is counted right."""

import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.harness.effort import Effort, effort_of, table
from benchmarks.harness.measure import cells_and_loops, loop_launch
from framegate.runner.driver import run_alone
from framegate.runner.environments import ensure

ROOT = Path(__file__).parent.parent
SCRIPTS = {
    "c1_jax": "jax-0.10",
    "c1_keras": "keras-tensorflow-2.21",
    "c1_mxnet": "mxnet-1.9",
    "c1_pytorch": "pytorch-2.13",
    "c1_tensorflow": "tensorflow-2.21",
}
# Of each loop what asks most of it, in its first environment.
ASKING = {"sklearn_partial_fit": ("dense",), "tensorflow_loop": ("lenet",)}
LOOP_CELLS = [
    (loop, cell) for cell, loop in cells_and_loops() if cell.model in ASKING.get(loop, ("lenet", "lstm_rows"))
]


@pytest.fixture(scope="module")
def few_images(tmp_path_factory):
    """Return a folder as `framegate data prepare` leaves it, of images that differ in brightness."""
    folder, random = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for split, count in (("train", 160), ("test", 40)):
        labels = np.arange(count) % 2
        images = random.integers(0, 160, (count, 64, 64, 3)) + 95 * labels[:, None, None, None]
        np.save(folder / f"{split}_images.npy", images.astype(np.uint8))
        np.save(folder / f"{split}_labels.npy", labels)
    return folder


def test_every_script_has_its_environment():
    assert {path.stem for path in (ROOT / "docs" / "idiomatic").glob("*.py")} == set(SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_learns(script, built_environment, few_images, tmp_path):
    environment = built_environment(SCRIPTS[script])
    python = ensure(environment, "cpu", ROOT / ".framegate" / "envs", print)
    done = subprocess.run(
        [python, "-I", ROOT / "docs" / "idiomatic" / f"{script}.py", few_images],
        cwd=tmp_path, env={**os.environ, **environment.variables}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    accuracy = float(re.search(r"^accuracy (\d\.\d{4})$", done.stdout, re.MULTILINE)[1])
    assert accuracy > 0.9


@pytest.mark.parametrize(("loop", "ours"), LOOP_CELLS, ids=[f"{loop}-{cell.id}" for loop, cell in LOOP_CELLS])
def test_a_loop_of_the_harness_trains_as_many_epochs_as_it_is_granted(loop, ours, built_environment, tmp_path):
    events = []
    launch = loop_launch(replace(ours, epochs=2), built_environment(ours.environment), loop, tmp_path / loop)
    run_alone(launch, events.append)
    assert [event["event"] for event in events] == ["ready", "epoch", "epoch", "done"]
    assert [seconds > 0 for seconds in events[-1]["seconds"]] == [True, True]


def test_lines_names_and_steps_of_a_script():
    source = '''"""What it is.

    Two lines more."""

import keras  # a comment
import numpy as np
from torch import nn

model = keras.layers.Dense(
    units=1,
)

for k in range(2):
    x = np.zeros(3).sum()
    loss = nn.Loss()(model, k).mean()
    loss.backward()
    loss.data = k
'''
    assert effort_of(source) == Effort(11, (".backward", ".mean", ".sum", "keras.layers.Dense", "torch.nn.Loss"), 6)


def test_the_page_shows_what_is_counted():
    page = (ROOT / "docs" / "programming-effort.md").read_text(encoding="utf-8")
    assert "\n".join(table()) in page
