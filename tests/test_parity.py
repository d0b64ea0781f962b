"""Fairness is asserted: from the same weights and batches every installed environment computes the same training.

Each environment trains 5 steps; its mean loss, its weights and its predictions are compared with the toy framework's, which
computes in float64. The deviation of an array is the largest absolute difference over the largest absolute value.

Equal arithmetic must not be hidden by what rounding alone does, so
- the images are noise: on the plateaus of digits several pixels of a pooling window are the largest, and frameworks may send
  the gradient to any of these;
- steps and rows are few: each of the millions of ReLU inputs of a CNN has a chance of 1e-7 or so to be rounded to the other
  side of zero, and after 20 steps of 8 rows one usually was (SEED is one with which none comes that close in 5 of 2);
- the epsilons are 1e-4: with 1e-7 a step of Adam on a gradient of 1e-8 divides one rounding error by another.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy
import pytest

from framegate.errors import WorkerFailed
from framegate.runner.cell import TRAINING, Cell
from framegate.runner.data import Dataset
from framegate.runner.declarations import load
from framegate.runner.driver import run_alone
from framegate.runner.environments import built_folder, ensure, is_built
from framegate.runner.jobs import launch_of, make_job

ROOT = Path(__file__).parent.parent
STORE = ROOT / ".framegate"
TOLERANCE = 1e-5
STEPS = 5
BATCH_SIZE = 2
CLASSES = 10
SEED = 1

ENVIRONMENTS = load(ROOT / "environments")
TOY = load(ROOT / "tests/toy_framework/environments")["toy"]
SHAPES = {
    "logistic_regression": (8, 8, 1),
    "dense": (8, 8, 1),
    "mlp": (8, 8, 1),
    "lenet": (32, 32, 1),
    "simple_cnn": (32, 32, 3),
    "mnist_cnn": (28, 28, 1),
    "cifar_cnn": (32, 32, 3),
    "simple_rnn_rows": (8, 8, 1),
    "lstm_rows": (8, 8, 1),
    "gru_rows": (8, 8, 1),
    "hierarchical_rnn": (8, 8, 1),
    "babi_rnn": (25,),
}
PARAMETERS = {"babi_rnn": {"story": 20, "question": 5}}
OPTIMIZERS = {
    "sgd": {"name": "sgd", "learning_rate": 0.01, "momentum": 0.9},
    "adam": {"name": "adam", "learning_rate": 0.001, "epsilon": 1e-4},
    "rmsprop": {"name": "rmsprop", "learning_rate": 0.001, "epsilon": 1e-4},
    "adadelta": {"name": "adadelta", "learning_rate": 1.0, "epsilon": 1e-4},
}
# Every model with SGD; every optimizer on a model with and one without convolutions.
PAIRS = [(model, "sgd") for model in SHAPES] + [
    (model, optimizer) for model in ("dense", "lenet") for optimizer in OPTIMIZERS if optimizer != "sgd"
]
PAIRS += [("hierarchical_rnn", "rmsprop"), ("babi_rnn", "adam"), ("gru_rows", "rmsprop")]

RECURRENT = {"simple_rnn_rows", "lstm_rows", "gru_rows", "hierarchical_rnn", "babi_rnn"}

# What a framework lacks: (framework, models, optimizers or None for all, its own words). Any other refusal fails.
INEXPRESSIBLE = (
    ("sklearn", {"mlp"}, None, "scikit-learn's MLPClassifier has no Dropout"),
    ("sklearn", {"lenet", "simple_cnn", "mnist_cnn", "cifar_cnn"}, None, "scikit-learn's MLPClassifier has no Conv"),
    ("sklearn", RECURRENT, None, "scikit-learn's MLPClassifier has no (TimeDistributed|Parallel)"),
    ("pytorch", RECURRENT, None, "this adapter of PyTorch has no (TimeDistributed|Select)"),
    ("jax", RECURRENT, None, "this adapter of JAX has no (TimeDistributed|Select)"),
    ("keras2", RECURRENT, None, "this adapter of Keras 2 has no (TimeDistributed|Select)"),
    ("sklearn", {"dense"}, {"rmsprop", "adadelta"}, "scikit-learn's MLPClassifier has no optimizer"),
)

# (framework, model, optimizer) -> (tolerance, cause). Nothing else may deviate by more than TOLERANCE.
EXCEPTIONS: dict[tuple[str, str, str], tuple[float, str]] = {}


class Trained(NamedTuple):
    loss: float
    weights: dict[str, numpy.ndarray]
    probabilities: numpy.ndarray


def noise(shape, folder):
    """Return images, or texts, of uniform noise with random labels, in files below the folder."""
    random = numpy.random.RandomState(SEED)
    files = {}
    for split, rows in (("train", STEPS * BATCH_SIZE), ("test", 64)):
        arrays = {
            "images": random.randint(0, 256, (rows, *shape)).astype(numpy.uint8)
            if len(shape) == 3
            else random.randint(0, CLASSES, (rows, *shape)).astype(numpy.int32),  # a text
            "labels": random.randint(0, CLASSES, rows).astype(numpy.int64),
        }
        for name, array in arrays.items():
            files[f"{split}_{name}"] = str(folder / f"{split}_{name}.npy")
            numpy.save(files[f"{split}_{name}"], array)
    return Dataset(
        dataset="noise",
        size=None,
        shape=shape,
        classes=tuple(str(label) for label in range(CLASSES)),
        rows={"train": STEPS * BATCH_SIZE, "test": 64},
        complete=True,
        notes=(),
        left_out=(),
        fingerprint="",
        files=files,
    )


def train(environment, model, optimizer, directory, init="canonical"):
    directory.mkdir(exist_ok=True)
    cell = Cell(
        environment=environment.name,
        framework=environment.framework,
        device="cpu",
        model=model,
        parameters=tuple(PARAMETERS.get(model, {}).items()),
        dataset="noise",
        image_size=None,
        batch_size=BATCH_SIZE,
        optimizer=tuple(OPTIMIZERS[optimizer].items()),
        tier="quick",
        processes=1,
        epochs=1,
        seed=1,
        threads=2,
        limit_seconds=120,
        floor=0,
        floor_part=None,
        reruns=0,
        init=init,
    )
    job = make_job(cell, TRAINING, 1, environment.adapter, noise(SHAPES[model], directory), ROOT)
    job |= {"dropout": False, "save": ["weights", "probabilities"]}
    events = []
    python = ensure(environment, "cpu", STORE / "envs", print)
    run_alone(launch_of(job, environment, python, cell, directory), events.append)
    (loss,) = [event["train_loss"] for event in events if event["event"] == "epoch"]
    with numpy.load(directory / "weights.npz") as arrays:
        return Trained(loss, dict(arrays), numpy.load(directory / "probabilities.npy"))


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """Return the toy framework's training of a model with an optimizer, done once."""
    return cache(lambda model, optimizer: train(TOY, model, optimizer, tmp_path_factory.mktemp("toy")))


def deviation(found, wanted):
    return float(numpy.abs(numpy.subtract(found, wanted, dtype=numpy.float64)).max() / numpy.abs(wanted).max())


def lacking(environment, model, optimizer):
    """Return in whose words the environment cannot express the pair, or None."""
    for framework, models, optimizers, words in INEXPRESSIBLE:
        if framework == environment.framework and model in models and (optimizers is None or optimizer in optimizers):
            return words
    return None


@pytest.fixture(params=ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def environment(request):
    """Return an environment that is built; others are skipped, those of the quick tier fail under --strict-environments."""
    if not is_built(built_folder(request.param, "cpu", STORE / "envs")):
        missing = f"{request.param.name} is not built; build it with: framegate envs build {request.param.name}"
        quick = {cell.environment for cell in request.config.framegate_cells if cell.tier == "quick"}
        is_wanted = request.config.option.strict_environments and request.param.name in quick
        (pytest.fail if is_wanted else pytest.skip)(missing)
    return request.param


@pytest.mark.parametrize(("model", "optimizer"), PAIRS, ids=["-".join(pair) for pair in PAIRS])
def test_training_agrees_with_the_reference(environment, model, optimizer, reference, tmp_path):
    if words := lacking(environment, model, optimizer):
        with pytest.raises(WorkerFailed, match=f"NotExpressible: {words}"):
            train(environment, model, optimizer, tmp_path)
        return
    found, wanted = train(environment, model, optimizer, tmp_path), reference(model, optimizer)
    assert found.weights.keys() == wanted.weights.keys()
    deviations = {name: deviation(found.weights[name], wanted.weights[name]) for name in wanted.weights}
    deviations["loss"] = abs(found.loss / wanted.loss - 1)
    deviations["predictions"] = deviation(found.probabilities, wanted.probabilities)
    print(f"largest deviation {max(deviations.values()):.1e}")  # shown by: pytest tests/test_parity.py -rP
    tolerance, _ = EXCEPTIONS.get((environment.framework, model, optimizer), (TOLERANCE, ""))
    assert {name: value for name, value in deviations.items() if not value <= tolerance} == {}


def test_native_weights_are_the_frameworks_own(environment, tmp_path):
    canonical = train(environment, "dense", "sgd", tmp_path / "canonical")
    native = train(environment, "dense", "sgd", tmp_path / "native", init="native")
    assert {name: weight.shape for name, weight in native.weights.items()} == {
        name: weight.shape for name, weight in canonical.weights.items()
    }
    # scikit-learn's first kernel is the canonical one: the same formula, drawn from the same stream. Its biases are not.
    assert max(deviation(native.weights[name], canonical.weights[name]) for name in canonical.weights) > 0.1
    assert numpy.isfinite(native.loss)
