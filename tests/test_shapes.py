"""From a model's description follow the shapes of what its layers make, without a framework."""

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mounted import worker_module

layers = worker_module("models.layers")
shapes = worker_module("models.shapes")
LENET = worker_module("models.lenet").layers(10)

sides = st.integers(1, 40)
kernels = st.integers(1, 7)
strides = st.integers(1, 4)


@settings(deadline=None)  # a busy machine is no failure
@given(sides, sides, kernels, strides)
def test_same_padding_keeps_the_ceiling_of_side_over_stride(height, width, kernel, stride):
    conv = layers.Conv(3, kernel, stride, "same")
    expected = (math.ceil(height / stride), math.ceil(width / stride), 3)
    assume(min(height, width) >= stride)
    assert shapes.output_shapes([conv], (height, width, 2)) == [expected]


@settings(deadline=None)  # a busy machine is no failure
@given(sides, kernels, strides)
def test_valid_padding_counts_the_kernels_that_fit(side, kernel, stride):
    fits = len(range(0, side - kernel + 1, stride))
    conv = layers.Conv(3, kernel, stride)
    if fits:
        assert shapes.output_shapes([conv], (side, side, 1)) == [(fits, fits, 3)]
    else:
        with pytest.raises(shapes.ShapeError):
            shapes.output_shapes([conv], (side, side, 1))


def test_pooling_drops_partial_windows():
    assert shapes.output_shapes([layers.MaxPool(2)], (5, 4, 3)) == [(2, 2, 3)]


def test_flatten_joins_all_axes():
    assert shapes.output_shapes([layers.Flatten()], (5, 4, 3)) == [(60,)]


def test_lenets_shapes_after_each_layer():
    assert shapes.output_shapes(LENET, (32, 32, 1)) == [
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
    with pytest.raises(shapes.ShapeError) as raised:
        shapes.output_shapes(LENET, (8, 8, 1))
    text = str(raised.value)
    assert text.startswith("layer 3-conv Conv(filters=16, kernel=5")
    assert "(2, 2, 6)" in text
    assert text.endswith("the model wants larger images than (8, 8, 1)")


def test_a_dense_layer_on_an_image_is_refused():
    with pytest.raises(shapes.ShapeError, match=r"layer 0-dense Dense\(.*\) takes 1 axes, but is given \(8, 8, 1\)"):
        shapes.output_shapes([layers.Dense(10)], (8, 8, 1))


def test_an_unknown_padding_is_refused():
    with pytest.raises(ValueError, match='padding is "valid" or "same"'):
        shapes.output_shapes([layers.Conv(6, 5, padding="SAME")], (8, 8, 1))


@pytest.mark.parametrize("kind", [layers.MaxPool, layers.AveragePool])
def test_a_pools_stride_is_its_size_unless_given(kind):
    assert shapes.output_shapes([kind(3)], (9, 9, 2)) == [(3, 3, 2)]
    assert shapes.output_shapes([kind(3, 2)], (9, 9, 2)) == [(4, 4, 2)]
    assert shapes.output_shapes([kind(3, 2, "same")], (9, 9, 2)) == [(5, 5, 2)]


@pytest.mark.parametrize(
    ("layer", "output"),
    [
        (layers.DepthwiseConv(3, 2, "same"), (4, 3, 2)),
        (layers.GlobalAveragePool(), (2,)),
        (layers.ZeroPad(1, 2), (10, 9, 2)),
        (layers.Resize(32), (32, 32, 2)),
        (layers.Rescale((2.0,), (-1.0,)), (7, 6, 2)),
        (layers.BatchNorm(), (7, 6, 2)),
        (layers.Residual((layers.Conv(2, 3, padding="same"),)), (7, 6, 2)),
        (layers.Parallel(((layers.Conv(3, 1),), ()), "concatenate"), (7, 6, 5)),
        (layers.Frozen((layers.Conv(3, 3),)), (5, 4, 3)),
    ],
    ids=repr,
)
def test_an_image_of_7_by_6_by_2_becomes(layer, output):
    assert shapes.output_shapes([layer], (7, 6, 2)) == [output]


def test_pixels_between_two_share_both_and_those_outside_are_the_nearest():
    assert shapes.interpolation(2, 4) == [[1, 0.75, 0.25, 0], [0, 0.25, 0.75, 1]]
    assert shapes.interpolation(1, 2) == [[1, 1]]
    assert shapes.interpolation(3, 3) == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_a_layer_inside_others_is_named_by_its_place():
    model = (layers.Residual((layers.Conv(2, 3), layers.Frozen((layers.Conv(2, 5),))), (layers.Conv(2, 7),)),)
    assert [(one.name, one.input) for one in shapes.placed(model, (7, 7, 1))] == [
        ("0-residual/body/0-conv", (7, 7, 1)),
        ("0-residual/body/1-frozen/body/0-conv", (5, 5, 2)),
        ("0-residual/body/1-frozen", (5, 5, 2)),
        ("0-residual/shortcut/0-conv", (7, 7, 1)),
        ("0-residual", (7, 7, 1)),
    ]


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (layers.Residual((layers.Conv(3, 1),)), r"layer 0-residual would add \(7, 6, 3\) and \(7, 6, 2\)"),
        (layers.Parallel(((), (layers.MaxPool(2),)), "concatenate"), r"would concatenate \(7, 6, 2\) and \(3, 3, 2\)"),
        (layers.Resize(5), r"0-resize Resize\(side=5\) is given \(7, 6, 2\), which it would shrink"),
        (layers.Frozen((layers.Conv(1, 9),)), "layer 0-frozen/body/0-conv Conv.* wants larger images than"),
        (layers.MaxPool(2, padding="full"), 'padding is "valid" or "same"'),
    ],
    ids=repr,
)
def test_what_does_not_fit_is_refused(layer, words):
    with pytest.raises(shapes.ShapeError, match=words):
        shapes.output_shapes([layer], (7, 6, 2))


def test_a_stride_wider_than_the_image_has_nothing_left_to_reduce():
    with pytest.raises(shapes.ShapeError, match="shrinks its input"):
        shapes.output_shapes([layers.Conv(1, 3, 2, "same")], (1, 8, 1))


SEQUENCES = [
    (layers.Select(2, 7), (9,), (5,)),
    (layers.Embedding(36, 50), (552,), (552, 50)),
    (layers.RepeatVector(4), (3,), (4, 3)),
    (layers.SimpleRNN(6), (28, 5), (6,)),
    (layers.LSTM(6, sequences=True), (28, 5), (28, 6)),
    (layers.GRU(6), (28, 5), (6,)),
    (layers.TimeDistributed((layers.Flatten(), layers.Dense(4))), (28, 5, 2), (28, 4)),
    (layers.TimeDistributed((layers.LSTM(4),)), (28, 5, 1), (28, 4)),
]


@pytest.mark.parametrize(("layer", "shape", "expected"), SEQUENCES, ids=repr)
def test_shapes_of_sequences(layer, shape, expected):
    assert shapes.output_shapes([layer], shape) == [expected]


@pytest.mark.parametrize(
    ("layer", "shape", "words"),
    [
        (layers.LSTM(3), (28, 28, 1), r"layer 0-lstm LSTM\(.*\) takes 2 axes, but is given \(28, 28, 1\)"),
        (layers.Embedding(9, 2), (8, 8, 1), r"0-embedding .* takes 1 axes, but is given \(8, 8, 1\)"),
        (layers.Select(0, 552), (100,), r"0-select Select\(start=0, stop=552\) is given 100 words"),
        (
            layers.TimeDistributed((layers.Dense(3),)),
            (7,),
            r"layer 0-timedistributed takes at least 2 axes, but is given \(7,\)",
        ),
        (
            layers.TimeDistributed((layers.LSTM(3),)),
            (7, 2),
            r"0-timedistributed/body/0-lstm .* takes 2 axes, but is given \(2,\)",
        ),
    ],
    ids=repr,
)
def test_sequences_refuse_what_is_none(layer, shape, words):
    with pytest.raises(shapes.ShapeError, match=words):
        shapes.output_shapes([layer], shape)


@pytest.mark.parametrize(
    ("layer", "words"),
    [(layers.Dropout(1.0), "its rate is at least 0 and below 1"), (layers.Dense(0), "has no units")],
)
def test_a_layer_that_leaves_nothing_is_refused(layer, words):
    with pytest.raises(shapes.ShapeError, match=words):
        shapes.output_shapes([layer], (4,))
