"""A model is a tuple of layer descriptions, and layers may hold others."""

import pytest
from mounted import worker_module

layers = worker_module("models.layers")

NESTED = (
    layers.Residual((layers.Conv(4, 3), layers.Dropout(0.5)), (layers.Conv(4, 1),)),
    layers.Parallel(((layers.Flatten(),), (layers.Flatten(), layers.Dropout(0.2))), "concatenate"),
    layers.Dropout(0.1),
)


def test_every_layer_is_found_wherever_it_is():
    kinds = [type(layer).__name__ for layer in layers.every(NESTED)]
    assert kinds == ["Residual", "Conv", "Dropout", "Conv", "Parallel", "Flatten", "Flatten", "Dropout", "Dropout"]


def test_without_dropout_the_rates_are_zero_and_all_else_is_as_it_was():
    still = layers.without_dropout(NESTED)
    assert [layer.rate for layer in layers.every(still) if isinstance(layer, layers.Dropout)] == [0.0, 0.0, 0.0]
    others = [
        [layer for layer in layers.every(model) if type(layer) in (layers.Conv, layers.Flatten)]
        for model in (NESTED, still)
    ]
    assert others[0] == others[1]


def test_weights_nest_as_their_layers_do():
    flat = {"0-conv/kernel": 1, "3-residual/body/0-conv/kernel": 2, "3-residual/body/0-conv/bias": 3}
    assert layers.by_layer(flat) == {
        "0-conv": {"kernel": 1},
        "3-residual": {"body": {"0-conv": {"kernel": 2, "bias": 3}}},
    }


def test_a_layer_that_a_framework_lacks_is_refused_inside_others_too():
    class Job:
        layers = NESTED
        optimizer = None

    with pytest.raises(layers.NotExpressible, match="Tinyflow has no Dropout"):
        layers.refuse("Tinyflow", Job, {layers.Residual, layers.Conv, layers.Parallel}, {type(None)})
