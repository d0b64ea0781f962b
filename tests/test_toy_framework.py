"""The toy framework computes what it says, in every Python of the worker world, and fails as it is told to."""

import subprocess
import sys
from types import SimpleNamespace

import numpy
import pytest
from mounted import ROOT, worker_module
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits

from framegate.errors import PythonMissing
from framegate.runner.declarations import load
from framegate.runner.environments import ensure

layers = worker_module("models.layers")
optimizers = worker_module("models.optimizers")
weights = worker_module("models.weights")
toy = worker_module("tests.toy_framework.session")

ENVIRONMENTS = load(ROOT / "tests" / "toy_framework" / "environments")


def session_of(described, arrays, optimizer=None, batch_size=32):
    shape = arrays.train_images.shape[1:]
    arrays.weights = weights.initial_weights(described, shape, 1)
    job = SimpleNamespace(
        layers=described,
        input_shape=shape,
        classes=10,
        batch_size=batch_size,
        optimizer=optimizer or optimizers.SGD(0.1),
        seed=1,
        device="cpu",
        threads=2,
    )
    return toy.Session(job, arrays)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Keep BLAS to one thread: its threads spin while they wait, tenfold slower where other work shares the processors."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def digits():
    """Return the arrays of scikit-learn's digits: every fifth of the 1,797 rows tests, the others train."""
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype(numpy.float32).reshape(-1, 8, 8, 1)
    labels = labels.astype(numpy.int64)
    test = numpy.arange(1797) % 5 == 0
    return SimpleNamespace(
        train_images=images[~test], train_labels=labels[~test], test_images=images[test], test_labels=labels[test]
    )


@pytest.fixture
def linear(digits, monkeypatch):
    """Return a function that starts a session of logistic regression on digits, with a fault."""

    def start(fault=None):
        if fault:
            monkeypatch.setenv("TOY_FAULT", fault)
        return session_of((layers.Flatten(), layers.Dense(10)), digits)

    return start


def accuracy(session):
    return (session.predict("test").argmax(axis=1) == session.arrays.test_labels).mean()


def test_an_mlp_learns_the_digits(digits):
    session = session_of(worker_module("models.mlp").layers(10), digits, optimizers.Adam())
    losses = [session.train_epoch(numpy.random.RandomState(epoch).permutation(1437)) for epoch in (1, 2, 3)]
    assert losses == sorted(losses, reverse=True)
    assert accuracy(session) > 0.9


def test_the_loss_of_an_epoch_is_the_mean_over_its_rows_not_its_batches(digits):
    session = session_of((layers.Flatten(), layers.Dense(10)), digits, optimizers.SGD(0.0), batch_size=2)
    rows = numpy.arange(3)
    by_row = [session.train_epoch(rows[row : row + 1]) for row in rows]
    assert session.train_epoch(rows) == pytest.approx(sum(by_row) / 3, rel=1e-12)


def test_an_epoch_in_pieces_trains_as_in_one(linear):
    whole, pieces = linear(), linear()
    order = numpy.random.RandomState(1).permutation(1437)
    whole.train_epoch(order)
    pieces.train_epoch(order[:32])
    assert pieces.epoch == 1
    pieces.train_epoch(order[32:])
    assert pieces.epoch == 2
    assert all((whole.weights()[name] == pieces.weights()[name]).all() for name in whole.names)


def test_predictions_are_float32_probabilities(linear):
    found = linear().predict("test")
    assert found.dtype == numpy.float32
    assert found.shape == (360, 10)
    assert found.sum(axis=1) == pytest.approx(1, abs=1e-6)


def test_the_weights_come_back_as_they_went_in(linear):
    session = linear()
    assert list(session.weights()) == ["1-dense/kernel", "1-dense/bias"]
    for name, weight in session.weights().items():
        assert weight.dtype == numpy.float32
        assert (weight == session.arrays.weights[name]).all()


@pytest.mark.parametrize(
    ("word", "change"),
    [
        ("the toy framework has no tuple", {"layers": ((1, 2),)}),
        ("the toy framework has no optimizer None", {"optimizer": None}),
        ("the toy framework has no device 'gpu', only cpu", {"device": "gpu"}),
    ],
)
def test_what_the_toy_cannot_express_is_refused(linear, word, change):
    session = linear()
    job = SimpleNamespace(**{**vars(session.job), **change})
    with pytest.raises(layers.NotExpressible, match=word):
        toy.Session(job, session.arrays)


def test_dropout_is_off_where_nothing_is_trained(digits):
    session = session_of((layers.Flatten(), layers.Dropout(0.9), layers.Dense(10)), digits)
    assert (session.predict("test") == session.predict("test")).all()


# ---------------------------------------------------------------------------------------------------------------------
# Faults; those that end the process are tested with the driver


def test_a_fault_strikes_once_as_its_epoch_begins(linear, capfd):
    session = linear("noise@2")
    order = numpy.arange(1437)
    session.train_epoch(order)
    assert capfd.readouterr() == ("", "")
    session.train_epoch(order[:32])
    printed, errors = capfd.readouterr()
    assert printed.splitlines() == ["noise on sys.stdout", '{"event": "noise on descriptor 1"}']
    assert errors.splitlines() == ["noise on sys.stderr", "noise on descriptor 2"]
    session.train_epoch(order[32:])
    assert capfd.readouterr() == ("", "")


def test_exit_ends_with_status_7(linear):
    with pytest.raises(SystemExit, match="7"):
        linear("exit").train_epoch(numpy.arange(32))


def test_garble_leaves_a_line_in_the_event_file_that_is_no_json(linear, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["main.py", "job.json", str(tmp_path)])
    linear("garble").train_epoch(numpy.arange(32))
    assert (tmp_path / "events.jsonl").read_bytes() == b'\x00\xff{"event": "epo\n'


def test_wrong_predictions_begin_after_their_epoch(linear):
    session = linear("wrong@2")
    order = numpy.arange(1437)
    session.train_epoch(order)
    assert accuracy(session) > 0.5
    session.train_epoch(order)
    assert accuracy(session) < 0.2


def test_slow_does_more_work_for_the_same_result(linear, monkeypatch):
    steps = []
    step = toy.Trainer.step
    monkeypatch.setattr(toy.Trainer, "step", lambda *arguments: steps.append(1) or step(*arguments))
    order = numpy.arange(640)
    plain = linear()
    plain.train_epoch(order)
    assert len(steps) == 20
    slow = linear("slow:1.5")
    slow.train_epoch(order)
    assert len(steps) == 20 + 30
    assert all((plain.weights()[name] == slow.weights()[name]).all() for name in plain.names)


def test_an_unknown_fault_is_refused(linear):
    with pytest.raises(ValueError, match="TOY_FAULT is 'crush@2'; wanted KIND, KIND@EPOCH or slow:FACTOR"):
        linear("crush@2")


# ---------------------------------------------------------------------------------------------------------------------
# Every Python of the worker world


def three_steps(name, out):
    """Return the weights after three steps in the environment, built first where it is not there."""
    try:
        python = ensure(ENVIRONMENTS[name], "cpu", ROOT / ".framegate" / "envs", print)
    except PythonMissing as error:
        pytest.skip(str(error))
    script = ROOT / "tests" / "toy_framework" / "three_steps.py"
    variables = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([python, "-I", script, out], env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with numpy.load(out) as weights:
        return dict(weights)


@pytest.fixture(scope="module")
def expected_weights(tmp_path_factory):
    return three_steps("toy-3.11", tmp_path_factory.mktemp("toy-3.11") / "weights.npz")


@pytest.mark.parametrize("name", ["toy-3.6", "toy-3.7", "toy-3.8", "toy-3.9", "toy-3.10", "toy-3.12", "toy-3.13"])
def test_every_python_computes_the_same_weights(name, expected_weights, tmp_path):
    found = three_steps(name, tmp_path / "weights.npz")
    assert list(found) == list(expected_weights)
    for weight, values in expected_weights.items():
        assert values.dtype == numpy.float64
        assert numpy.abs(found[weight] - values).max() < 1e-12, weight
