"""From a model's description follow shapes, parameter counts and the canonical initial weights, without a framework."""

import math

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mounted import worker_module

layers = worker_module("models.layers")
LENET = worker_module("models.lenet").layers(10)

# Seed 1, image 32x32x1: the first three values drawn, and the last three.
FIRST_OF_CONV = [-0.030729077756404877, 0.08159233629703522, -0.18512167036533356]
LAST_OF_DENSE = [0.08332809805870056, 0.04104195907711983, -0.1267606019973755]

sides = st.integers(1, 40)
kernels = st.integers(1, 7)
strides = st.integers(1, 4)


@settings(deadline=None)  # a busy machine is no failure
@given(sides, sides, kernels, strides)
def test_same_padding_keeps_the_ceiling_of_side_over_stride(height, width, kernel, stride):
    conv = layers.Conv(3, kernel, stride, "same")
    expected = (math.ceil(height / stride), math.ceil(width / stride), 3)
    assert layers.output_shapes([conv], (height, width, 2)) == [expected]


@settings(deadline=None)  # a busy machine is no failure
@given(sides, kernels, strides)
def test_valid_padding_counts_the_kernels_that_fit(side, kernel, stride):
    fits = len(range(0, side - kernel + 1, stride))
    conv = layers.Conv(3, kernel, stride)
    if fits:
        assert layers.output_shapes([conv], (side, side, 1)) == [(fits, fits, 3)]
    else:
        with pytest.raises(layers.ShapeError):
            layers.output_shapes([conv], (side, side, 1))


def test_pooling_drops_partial_windows():
    assert layers.output_shapes([layers.MaxPool(2)], (5, 4, 3)) == [(2, 2, 3)]


def test_flatten_joins_all_axes():
    assert layers.output_shapes([layers.Flatten()], (5, 4, 3)) == [(60,)]


def test_lenets_shapes_after_each_layer():
    assert layers.output_shapes(LENET, (32, 32, 1)) == [
        (28, 28, 6),
        (28, 28, 6),
        (14, 14, 6),
        (10, 10, 16),
        (10, 10, 16),
        (5, 5, 16),
        (400,),
        (120,),
        (120,),
        (84,),
        (84,),
        (10,),
    ]


def test_an_image_too_small_names_the_layer_it_vanishes_in():
    with pytest.raises(layers.ShapeError) as raised:
        layers.output_shapes(LENET, (8, 8, 1))
    text = str(raised.value)
    assert text.startswith("layer 3 Conv(filters=16, kernel=5")
    assert "(2, 2, 6)" in text
    assert text.endswith("the model wants larger images than (8, 8, 1)")


def test_a_dense_layer_on_an_image_is_refused():
    with pytest.raises(
        layers.ShapeError, match=r"layer 0 Dense\(units=10, bias=True\) takes 1 axes, but is given \(8, 8, 1\)"
    ):
        layers.output_shapes([layers.Dense(10)], (8, 8, 1))


def test_an_unknown_padding_is_refused():
    with pytest.raises(ValueError, match='padding is "valid" or "same"'):
        layers.output_shapes([layers.Conv(6, 5, padding="SAME")], (8, 8, 1))


def test_weights_are_named_by_position_type_and_role():
    assert layers.weight_shapes(LENET, (32, 32, 1)) == [
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
    assert [weight.name for weight in layers.weight_shapes(bare, (3, 3, 1))] == ["0-conv/kernel", "2-dense/kernel"]
    assert layers.parameter_count(bare, (3, 3, 1)) == 3 * 3 * 4 + 4 * 2


def test_initial_weights_of_seed_1_are_these_in_every_numpy():
    found = layers.initial_weights(LENET, (32, 32, 1), seed=1)
    assert list(found) == [weight.name for weight in layers.weight_shapes(LENET, (32, 32, 1))]
    assert found["0-conv/kernel"].ravel()[:3].tolist() == FIRST_OF_CONV
    assert found["11-dense/kernel"].ravel()[-3:].tolist() == LAST_OF_DENSE


def test_another_seed_draws_other_weights():
    one, two = (layers.initial_weights(LENET, (32, 32, 1), seed)["0-conv/kernel"] for seed in (1, 2))
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
    drawn = layers.initial_weights(LENET, (32, 32, 1), seed=1)[name]
    assert drawn.dtype == numpy.float32
    assert limit * 0.95 < numpy.abs(drawn).max() <= limit
    assert abs(drawn.mean()) < 4 * limit / math.sqrt(3 * drawn.size)  # four standard errors of a uniform mean


def test_biases_start_at_zero():
    drawn = layers.initial_weights(LENET, (32, 32, 1), seed=1)
    biases = [weight for name, weight in drawn.items() if name.endswith("/bias")]
    assert len(biases) == 5
    assert not any(bias.any() for bias in biases)
