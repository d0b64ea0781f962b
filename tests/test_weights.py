"""From a model's description follow its weights: names, shapes, counts and canonical initial values, without a framework."""

import math

import numpy
import pytest
from mounted import worker_module

layers = worker_module("models.layers")
weights = worker_module("models.weights")
LENET = worker_module("models.lenet").layers(10)

# Seed 1, image 32x32x1: the first three values drawn, and the last three.
FIRST_OF_CONV = [-0.030729077756404877, 0.08159233629703522, -0.18512167036533356]
LAST_OF_DENSE = [0.08332809805870056, 0.04104195907711983, -0.1267606019973755]


def test_weights_are_named_by_position_type_and_role():
    found = weights.weight_shapes(LENET, (32, 32, 1))
    assert [(weight.name, weight.shape) for weight in found] == [
        ("0-conv/kernel", (5, 5, 1, 6)),
        ("0-conv/bias", (6,)),
        ("3-conv/kernel", (5, 5, 6, 16)),
        ("3-conv/bias", (16,)),
        ("7-dense/kernel", (400, 120)),
        ("7-dense/bias", (120,)),
        ("9-dense/kernel", (120, 84)),
        ("9-dense/bias", (84,)),
        ("11-dense/kernel", (84, 10)),
        ("11-dense/bias", (10,)),
    ]


def test_without_bias_there_is_only_a_kernel():
    bare = [layers.Conv(4, 3, bias=False), layers.Flatten(), layers.Dense(2, bias=False)]
    assert [weight.name for weight in weights.weight_shapes(bare, (3, 3, 1))] == ["0-conv/kernel", "2-dense/kernel"]
    assert weights.parameter_count(bare, (3, 3, 1)) == 3 * 3 * 4 + 4 * 2


def test_initial_weights_of_seed_1_are_these_in_every_numpy():
    found = weights.initial_weights(LENET, (32, 32, 1), seed=1)
    assert list(found) == [weight.name for weight in weights.weight_shapes(LENET, (32, 32, 1))]
    assert found["0-conv/kernel"].ravel()[:3].tolist() == FIRST_OF_CONV
    assert found["11-dense/kernel"].ravel()[-3:].tolist() == LAST_OF_DENSE


def test_another_seed_draws_other_weights():
    one, two = (weights.initial_weights(LENET, (32, 32, 1), seed)["0-conv/kernel"] for seed in (1, 2))
    assert not (one == two).any()


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("0-conv/kernel", 0.18516402),  # sqrt(6 / (25 * (1 + 6)))
        ("3-conv/kernel", 0.10444659),  # sqrt(6 / (25 * (6 + 16)))
        ("7-dense/kernel", 0.10741724),  # sqrt(6 / (400 + 120))
        ("11-dense/kernel", 0.25264558),  # sqrt(6 / (84 + 10))
    ],
)
def test_kernels_fill_the_glorot_interval(name, limit):
    drawn = weights.initial_weights(LENET, (32, 32, 1), seed=1)[name]
    assert drawn.dtype == numpy.float32
    assert limit * 0.95 < numpy.abs(drawn).max() <= limit
    assert abs(drawn.mean()) < 4 * limit / math.sqrt(3 * drawn.size)  # four standard errors of a uniform mean


def test_biases_start_at_zero():
    drawn = weights.initial_weights(LENET, (32, 32, 1), seed=1)
    biases = [weight for name, weight in drawn.items() if name.endswith("/bias")]
    assert len(biases) == 5
    assert not any(bias.any() for bias in biases)


def names(model, shape, trainable):
    return [weight.name for weight in weights.weight_shapes(model, shape) if weight.trainable is trainable]


def test_batch_norm_has_two_weights_that_are_trained_and_two_that_move():
    model = (layers.BatchNorm(), layers.Flatten(), layers.BatchNorm())
    assert names(model, (2, 2, 3), True) == [
        f"{layer}/{role}" for layer in ("0-batchnorm", "2-batchnorm") for role in ("gamma", "beta")
    ]
    assert names(model, (2, 2, 3), False) == [
        f"{layer}/{role}" for layer in ("0-batchnorm", "2-batchnorm") for role in ("moving_mean", "moving_variance")
    ]
    assert weights.parameter_count(model, (2, 2, 3)) == 4 * 3 + 4 * 12
    assert weights.parameter_count(model, (2, 2, 3), trainable=True) == 2 * 3 + 2 * 12
    drawn = weights.initial_weights(model, (2, 2, 3), 1)
    assert [
        float(drawn[f"2-batchnorm/{role}"].mean()) for role in ("gamma", "beta", "moving_mean", "moving_variance")
    ] == [1, 0, 0, 1]


def test_what_is_frozen_is_not_trained():
    model = (layers.Conv(1, 1), layers.Frozen((layers.Residual((layers.Conv(1, 1),)),)), layers.Conv(1, 1))
    assert names(model, (4, 4, 1), False) == [
        "1-frozen/body/0-residual/body/0-conv/kernel",
        "1-frozen/body/0-residual/body/0-conv/bias",
    ]
    assert names(model, (4, 4, 1), True) == ["0-conv/kernel", "0-conv/bias", "2-conv/kernel", "2-conv/bias"]


def test_a_depthwise_kernel_is_one_for_each_channel():
    model = (layers.DepthwiseConv(3),)
    assert weights.weight_shapes(model, (5, 5, 4)) == [
        ("0-depthwiseconv/kernel", (3, 3, 4, 1), "glorot_uniform", True),
        ("0-depthwiseconv/bias", (4,), "zeros", True),
    ]


@pytest.mark.parametrize(
    ("initial", "variance", "largest"),
    [
        ("glorot_uniform", 2 / 500, math.sqrt(6 / 500)),
        ("he_uniform", 2 / 300, math.sqrt(6 / 300)),
        ("lecun_uniform", 1 / 300, math.sqrt(3 / 300)),
        ("he_normal", 2 / 300, 2 * math.sqrt(2 / 300) / 0.8796256610342398),
        ("lecun_normal", 1 / 300, 2 * math.sqrt(1 / 300) / 0.8796256610342398),
    ],
)
def test_initialisers_have_their_variance_and_end(initial, variance, largest):
    drawn = weights.initial_weights([layers.Dense(200, initial=initial)], (300,), 3)["0-dense/kernel"]
    assert drawn.var() == pytest.approx(variance, rel=0.02)  # of 60,000 values: four standard errors of a normal's
    assert 0.98 * largest < numpy.abs(drawn).max() <= largest * (1 + 1e-6)


def test_recurrent_layers_have_a_part_a_gate_and_a_gru_two_biases():
    model = (layers.TimeDistributed((layers.LSTM(3),)), layers.GRU(2, sequences=True), layers.SimpleRNN(5))
    found = weights.weight_shapes(model, (4, 6, 1))
    assert [(weight.name, weight.shape) for weight in found] == [
        ("0-timedistributed/body/0-lstm/kernel", (1, 12)),
        ("0-timedistributed/body/0-lstm/recurrent", (3, 12)),
        ("0-timedistributed/body/0-lstm/bias", (12,)),
        ("1-gru/kernel", (3, 6)),
        ("1-gru/recurrent", (2, 6)),
        ("1-gru/bias", (2, 6)),
        ("2-simplernn/kernel", (2, 5)),
        ("2-simplernn/recurrent", (5, 5)),
        ("2-simplernn/bias", (5,)),
    ]


def test_an_lstm_starts_with_orthonormal_rows_and_remembers():
    drawn = weights.initial_weights((layers.LSTM(3),), (4, 2), seed=1)
    recurrent = drawn["0-lstm/recurrent"].astype(float)
    assert recurrent @ recurrent.T == pytest.approx(numpy.eye(3), abs=1e-6)
    assert drawn["0-lstm/bias"].tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    without = weights.initial_weights((layers.LSTM(3, forget_bias=False),), (4, 2), seed=1)
    assert not without["0-lstm/bias"].any()


def test_orthogonal_draws_have_no_preferred_sign():
    corners = [weights.DRAW["orthogonal"](numpy.random.RandomState(seed), (4, 4))[0, 0] for seed in range(200)]
    assert abs(numpy.mean(corners)) < 4 * 0.5 / math.sqrt(
        200
    )  # four standard errors; without the sign it would be -0.4


def test_embeddings_start_small():
    kernel = weights.initial_weights((layers.Embedding(1000, 9),), (4,), seed=1)["0-embedding/kernel"]
    assert kernel.shape == (1000, 9)
    assert 0.049 < numpy.abs(kernel).max() <= 0.05
