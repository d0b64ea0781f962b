"""The reference's arithmetic backward, by central differences."""

import numpy
import pytest
from mounted import worker_module

layers = worker_module("models.layers")
network = worker_module("tests.toy_framework.network")
toy = worker_module("tests.toy_framework.session")
weights = worker_module("models.weights")


CHECKED = [
    layers.Conv(3, 3),
    layers.Conv(3, 3, 2),
    layers.Conv(3, 2, 3, "same"),
    layers.Conv(3, 3, 2, "same"),
    layers.Conv(3, 5, 1, "same", bias=False),
    layers.MaxPool(2),
    layers.MaxPool(4),
    layers.Activation("relu"),
    layers.Activation("tanh"),
    layers.Activation("sigmoid"),
    layers.Activation("relu6"),
    layers.Activation("elu"),
    layers.Activation("selu"),
    layers.AveragePool(2),
    layers.AveragePool(3, 2, "same"),
    layers.BatchNorm(),
    layers.DepthwiseConv(3, 2, "same"),
    layers.DepthwiseConv(2, bias=False),
    layers.Dropout(0.5),
    layers.Flatten(),
    layers.Frozen((layers.Conv(2, 3), layers.BatchNorm(), layers.Dropout(0.5))),
    layers.GlobalAveragePool(),
    layers.MaxPool(3, 2, "same"),
    layers.MaxPool(3, 1),
    layers.Parallel(((layers.Conv(3, 1),), (), (layers.BatchNorm(),)), "concatenate"),
    layers.Parallel(((layers.Conv(2, 1),), (layers.Activation("tanh"),)), "add"),
    layers.Rescale((2.0, 3.0), (-1.0, 0.5)),
    layers.Residual((layers.Conv(2, 3, padding="same"), layers.BatchNorm())),
    layers.Residual((layers.Conv(3, 3, 2, "same"),), (layers.Conv(3, 1, 2, "same"),)),
    layers.Resize(7),
    layers.ZeroPad(2, 1),
]


def assert_gradients_agree(described, images):
    random = numpy.random.RandomState(5)
    found_weights = weights.weight_shapes(described, images.shape[1:])
    flat = {weight.name: random.normal(size=weight.shape) for weight in found_weights}
    for name, weight in flat.items():
        if name.endswith("variance"):
            weight[:] = numpy.abs(weight) + 0.5
    nested = layers.by_layer(flat)
    labels = random.randint(0, 3, len(images))

    def passed():
        # The same stream at each pass drops the same values.
        logits, kept = network.forward(described, nested, images, numpy.random.RandomState(9))
        return (*network.cross_entropy(logits, labels), kept)

    _, gradient, kept = passed()
    by_image, gradients = network.backward(described, nested, kept, gradient)
    trained = [weight.name for weight in found_weights if weight.trainable]
    checked = [(images, by_image)] + [(flat[name], toy.at(gradients, name)) for name in trained]
    for values, found in checked:
        assert found.shape == values.shape
        for place in numpy.ndindex(*values.shape):
            assert found[place] == pytest.approx(slope(passed, values, place), abs=1e-8, rel=1e-6)


def slope(passed, values, place, step=1e-5):
    middle = values[place]
    values[place] = middle + step
    above = passed()[0]
    values[place] = middle - step
    below = passed()[0]
    values[place] = middle
    return (above - below) / (2 * step)


@pytest.mark.parametrize("layer", CHECKED, ids=repr)
def test_gradients_are_the_slopes_of_the_loss(layer):
    images = numpy.random.RandomState(3).normal(size=(2, 6, 5, 2))
    assert_gradients_agree((layer, layers.Flatten(), layers.Dense(3)), images)


SEQUENCES = [
    layers.SimpleRNN(3),
    layers.SimpleRNN(3, "relu"),
    layers.SimpleRNN(3, sequences=True),
    layers.LSTM(3),
    layers.LSTM(3, sequences=True),
    layers.LSTM(3, sequences=True, gates="hard_sigmoid"),
    layers.GRU(3),
    layers.GRU(3, sequences=True),
    layers.TimeDistributed((layers.Dense(3), layers.Activation("tanh"))),
]


@pytest.mark.parametrize("layer", SEQUENCES, ids=repr)
def test_gradients_through_the_steps_are_the_slopes_of_the_loss(layer):
    steps = numpy.random.RandomState(4).normal(size=(2, 5, 2))
    assert_gradients_agree((layer, layers.Flatten(), layers.Dense(3)), steps)


def test_gradients_of_nested_sequences_are_the_slopes_of_the_loss():
    images = numpy.random.RandomState(4).normal(size=(2, 3, 4, 2))
    assert_gradients_agree((layers.TimeDistributed((layers.LSTM(3),)), layers.GRU(2), layers.Dense(3)), images)


def test_gradients_of_a_story_and_its_question_are_the_slopes_of_the_loss():
    words = (
        numpy.array([[0, 3, 1, 2, 3, 4], [1, 1, 0, 4, 2, 2]]) + 0.5
    )  # between two words, so that a slope step stays in one
    story = (layers.Select(0, 4), layers.Embedding(5, 2))
    question = (layers.Select(4, 6), layers.Embedding(5, 2), layers.LSTM(2), layers.RepeatVector(4))
    assert_gradients_agree((layers.Parallel((story, question), "add"), layers.LSTM(3), layers.Dense(3)), words)


def test_gradients_of_dense_layers_are_the_slopes_of_the_loss():
    rows = numpy.random.RandomState(3).normal(size=(4, 5))
    assert_gradients_agree((layers.Dense(4), layers.Activation("tanh"), layers.Dense(3, bias=False)), rows)


def test_layers_below_the_lowest_that_is_wanted_get_no_gradient_and_change_none():
    described = (layers.Dense(4), layers.Activation("tanh"), layers.Dense(3))
    rows = numpy.random.RandomState(3).normal(size=(4, 5))
    nested = layers.by_layer(weights.initial_weights(described, (5,), 1))
    logits, kept = network.forward(described, nested, rows)
    _, gradient = network.cross_entropy(logits, numpy.array([0, 1, 2, 0]))
    _, whole = network.backward(described, nested, kept, gradient)
    by_input, above = network.backward(described, nested, kept, gradient, 2)
    assert list(above) == ["2-dense"]
    assert (above["2-dense"]["kernel"] == whole["2-dense"]["kernel"]).all()
    assert by_input.shape == (4, 4)
