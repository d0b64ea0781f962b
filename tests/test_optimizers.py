"""The optimizers' constants are those of the studies, and each is known by its name in matrix.toml."""

import numpy
import pytest
from mounted import worker_module

optimizers = worker_module("models.optimizers")
steps = worker_module("tests.toy_framework.steps")


def test_the_defaults_are_written_out():
    assert optimizers.SGD(0.1) == (0.1, 0.0)
    assert optimizers.Adam() == (0.001, 0.9, 0.999, 1e-7)
    assert optimizers.RMSprop() == (0.001, 0.9, 1e-7)
    assert optimizers.Adadelta() == (1.0, 0.95, 1e-7)


def test_every_name_has_an_optimizer_and_the_reference_can_compute_it():
    assert list(optimizers.BY_NAME) == ["sgd", "adam", "rmsprop", "adadelta"]
    assert set(optimizers.BY_NAME.values()) == set(steps.OPTIMIZERS)


@pytest.mark.parametrize(
    ("described", "message"),
    [
        (
            {"name": "adam", "learning_rat": 0.1},
            "adam: got an unexpected .*'learning_rat'; it takes learning_rate, beta_1",
        ),
        (
            {"name": "sgd", "momentum": 0.9},
            "sgd: missing 1 required .*'learning_rate'; it takes learning_rate, momentum",
        ),
    ],
)
def test_an_optimizers_wrong_constants_are_told_with_those_it_takes(described, message):
    with pytest.raises(ValueError, match=f"^optimizer {message}"):
        optimizers.made(described)


# The weight starts at 1, the gradients are 0.5, then -0.25. Worked by hand from the docstrings, line by line:
# SGD 0.1, momentum 0.9: v = -0.05, w = 0.95; v = -0.045 + 0.025 = -0.02, w = 0.93.
# Adam 0.1: m = 0.05, v = 0.00025, rate = 0.1 * sqrt(0.001) / 0.1 = sqrt(0.001);
#   w = 1 - 0.0316228 * 0.05 / (0.0158114 + 1e-7) = 0.9000006; m = 0.02, v = 0.00031225,
#   rate = 0.1 * sqrt(0.001999) / 0.19 = 0.0235317; w = 0.9000006 - 0.0235317 * 0.02 / 0.0176707 = 0.8733671.
# RMSprop 0.1: v = 0.025, w = 1 - 0.05 / sqrt(0.0250001) = 0.6837729; v = 0.02875, w = 0.6837729 + 0.025 / sqrt(0.0287501).
# Adadelta 1.0: v = 0.0125, d = sqrt(1e-7 / 0.0125001) * 0.5 = 0.00141421; w = 0.99858579; u = 0.05 * d^2 = 9.9999e-8;
#   v = 0.015, d = sqrt((u + 1e-7) / 0.0150001) * -0.25 = -0.00091287, w = 0.99949866.
STEPS = [
    (optimizers.SGD(0.1, 0.9), 0.95, 0.93),
    (optimizers.SGD(0.1), 0.95, 0.975),
    (optimizers.Adam(0.1), 0.90000063, 0.87336708),
    (optimizers.RMSprop(0.1), 0.68377286, 0.83121457),
    (optimizers.Adadelta(1.0), 0.99858579, 0.99949866),
]


@pytest.mark.parametrize(("optimizer", "first", "second"), STEPS)
def test_the_first_two_steps_are_the_formulas(optimizer, first, second):
    step, count = steps.OPTIMIZERS[type(optimizer)]
    weight = numpy.array([1.0])
    state = [numpy.zeros(1) for _ in range(count)]
    step(optimizer, weight, numpy.array([0.5]), state, 1)
    assert weight[0] == pytest.approx(first, abs=2e-8)
    step(optimizer, weight, numpy.array([-0.25]), state, 2)
    assert weight[0] == pytest.approx(second, abs=2e-8)


@pytest.mark.parametrize("name", optimizers.BY_NAME)
def test_a_step_in_pieces_is_the_step_of_the_whole(name):
    optimizer = optimizers.BY_NAME[name](learning_rate=0.1)
    step, count = steps.OPTIMIZERS[type(optimizer)]
    gradient = numpy.random.RandomState(1).normal(size=(3, steps.PIECE))
    whole, in_pieces = numpy.ones((2, *gradient.shape))
    states, in_pieces_too = numpy.ones((2, count, *gradient.shape))
    step(optimizer, whole, gradient, list(states), 2)
    steps.update(optimizer, in_pieces, gradient, list(in_pieces_too), 2)
    assert (whole != 1).all()
    assert (in_pieces == whole).all()
    assert (in_pieces_too == states).all()
