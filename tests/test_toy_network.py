"""The reference's arithmetic forward, by small cases worked by hand."""

import math

import numpy
import pytest
from mounted import worker_module

layers = worker_module("models.layers")
network = worker_module("tests.toy_framework.network")
toy = worker_module("tests.toy_framework.session")
weights = worker_module("models.weights")


def outputs(layer, images, **roles):
    return network.LAYERS[type(layer)][0](layer, roles, numpy.array(images, float), None)[0]


FOUR_BY_FOUR = numpy.arange(16.0).reshape(1, 4, 4, 1)


def test_same_padding_with_stride_two_adds_the_odd_pixel_right_and_below():
    ones = numpy.ones((3, 3, 1, 1))
    found = outputs(layers.Conv(1, 3, 2, "same", bias=False), FOUR_BY_FOUR, kernel=ones)
    assert found[0, :, :, 0].tolist() == [[45, 39], [66, 50]]


def test_convolution_does_not_flip_the_kernel():
    kernel = numpy.array([1.0, 2.0, 3.0, 4.0]).reshape(2, 2, 1, 1)
    found = outputs(layers.Conv(1, 2), [[[[1], [2]], [[3], [4]]]], kernel=kernel, bias=numpy.array([100.0]))
    assert found.tolist() == [[[[130]]]]  # 1 + 4 + 9 + 16 + 100; flipped it would be 120


def test_valid_padding_with_stride_two_leaves_the_last_pixels_out():
    kernel = numpy.array([[[[1.0]]]])
    found = outputs(layers.Conv(1, 1, 2, bias=False), FOUR_BY_FOUR[:, :3, :3], kernel=kernel)
    assert found[0, :, :, 0].tolist() == [[0, 2], [8, 10]]


def test_pooling_takes_the_largest_and_drops_partial_windows():
    assert outputs(layers.MaxPool(2), FOUR_BY_FOUR)[0, :, :, 0].tolist() == [[5, 7], [13, 15]]
    assert outputs(layers.MaxPool(3), FOUR_BY_FOUR)[0, :, :, 0].tolist() == [[10]]


def test_of_equal_values_the_first_gets_the_gradient():
    pool = (layers.MaxPool(2),)
    _, kept = network.forward(pool, {}, numpy.ones((1, 2, 2, 1)))
    spread, _ = network.backward(pool, {}, kept, numpy.ones((1, 1, 1, 1)))
    assert spread[0, :, :, 0].tolist() == [[1, 0], [0, 0]]


def test_flatten_takes_channels_fastest():
    images = numpy.arange(8.0).reshape(1, 2, 2, 2)
    assert outputs(layers.Flatten(), images).tolist() == [[0, 1, 2, 3, 4, 5, 6, 7]]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("relu", [0, 0, 2, 7]),
        ("relu6", [0, 0, 2, 6]),
        ("tanh", [-0.76159416, 0, 0.96402758, 0.99999834]),
        ("sigmoid", [0.26894142, 0.5, 0.88079708, 0.99908895]),
        ("elu", [-0.63212056, 0, 2, 7]),
        ("selu", [-1.11133074, 0, 2.10140197, 7.35490691]),
    ],
)
def test_activations_are_these(function, expected):
    assert outputs(layers.Activation(function), [[-1, 0, 2, 7]])[0] == pytest.approx(expected, abs=1e-8)


def test_batch_norm_takes_the_biased_variance_and_moves_by_it():
    roles = {"gamma": 2.0, "beta": 1.0, "moving_mean": 0.0, "moving_variance": 1.0}
    roles = {role: numpy.array([value]) for role, value in roles.items()}
    norm = layers.BatchNorm(epsilon=0.75, momentum=0.9)
    found, _ = network.forward([norm], {"0-batchnorm": roles}, numpy.array([[1.0], [2.0]]), random=True)
    # mean 1.5, variance .25 (unbiased it would be .5); sqrt(.25 + .75) = 1
    assert found.ravel().tolist() == [0.0, 2.0]
    assert roles["moving_mean"] == pytest.approx(0.15)
    assert roles["moving_variance"] == pytest.approx(0.9 + 0.1 * 0.25)
    predicted, _ = network.forward([norm], {"0-batchnorm": roles}, numpy.array([[1.15]]))
    assert predicted == pytest.approx(1 + 2 * (1.15 - 0.15) / math.sqrt(0.925 + 0.75))


def test_a_frozen_batch_norm_takes_the_moving_statistics_and_leaves_them():
    roles = {"gamma": [1.0], "beta": [0.0], "moving_mean": [1.0], "moving_variance": [4.0]}
    roles = {role: numpy.array(value) for role, value in roles.items()}
    frozen = layers.Frozen((layers.BatchNorm(epsilon=0.0),))
    found, _ = network.forward(
        [frozen], {"0-frozen": {"body": {"0-batchnorm": roles}}}, numpy.array([[3.0]]), random=True
    )
    assert found.tolist() == [[1.0]]
    assert [roles["moving_mean"][0], roles["moving_variance"][0]] == [1.0, 4.0]


def test_average_pooling_does_not_count_the_pixels_outside():
    assert outputs(layers.AveragePool(3, 2, "same"), FOUR_BY_FOUR)[0, :, :, 0].tolist() == [[5, 6.5], [11, 12.5]]
    assert outputs(layers.AveragePool(3, 1), FOUR_BY_FOUR)[0, :, :, 0].tolist() == [[5, 6], [9, 10]]


def test_max_pooling_of_negative_values_never_takes_the_padding():
    assert outputs(layers.MaxPool(3, 2, "same"), -FOUR_BY_FOUR)[0, :, :, 0].tolist() == [[0, -2], [-8, -10]]


def test_resizing_interpolates_between_pixel_centres():
    found = outputs(layers.Resize(4), [[[[0.0], [4.0]], [[8.0], [12.0]]]])
    assert found[0, 0, :, 0].tolist() == [0, 1, 3, 4]
    assert found[0, :, 0, 0].tolist() == [0, 2, 6, 8]


def test_depthwise_convolution_keeps_channels_apart():
    kernel = numpy.array([[[[10.0], [100.0]]]])
    found = outputs(layers.DepthwiseConv(1, bias=False), [[[[1.0, 2.0]]]], kernel=kernel)
    assert found.tolist() == [[[[10, 200]]]]


def test_a_simple_rnn_feeds_its_output_back():
    kernels = {"kernel": [[1.0]], "recurrent": [[10.0]], "bias": [0.5]}
    kernels = {role: numpy.array(values) for role, values in kernels.items()}
    found = outputs(layers.SimpleRNN(1, "relu", sequences=True), [[[1.0], [2.0], [-100.0]]], **kernels)
    assert found.ravel().tolist() == [1.5, 17.5, 75.5]


def lstm(gates, values):
    """Return the output of an LSTM of one unit after one step whose sums are the values, of the gates and the new."""
    kernels = {"kernel": numpy.array([values], float), "recurrent": numpy.zeros((1, 4)), "bias": numpy.zeros(4)}
    return outputs(layers.LSTM(1, gates=gates), [[[1.0], [1.0]]], **kernels).item()


def test_the_gates_of_an_lstm_are_in_forget_new_out():
    large = 1000.0
    # After two steps with all gates open the memory is tanh(1) twice; without forgetting's gate it is there once.
    assert lstm("sigmoid", [large, large, 1.0, large]) == pytest.approx(math.tanh(2 * math.tanh(1)))
    assert lstm("sigmoid", [large, -large, 1.0, large]) == pytest.approx(math.tanh(math.tanh(1)))
    assert lstm("sigmoid", [-large, large, 1.0, large]) == 0.0
    assert lstm("sigmoid", [large, large, 1.0, -large]) == 0.0


def test_hard_gates_are_straight_between_their_ends():
    # in 0.7, forget 0.5, out 1: memory 0.7 * t, then 0.5 * 0.7 * t + 0.7 * t, where t = tanh(1)
    assert lstm("hard_sigmoid", [1.0, 0.0, 1.0, 2.5]) == pytest.approx(math.tanh(1.05 * math.tanh(1)))


def test_a_gru_resets_the_product_with_its_own_bias():
    kernels = {"kernel": numpy.zeros((1, 3)), "recurrent": numpy.zeros((1, 3)), "bias": numpy.zeros((2, 3))}
    kernels["bias"][1] = [0.0, -2.0, 5.0]  # update 1/2, reset sigmoid(-2), new tanh(reset * 5)
    expected = 0.5 * math.tanh(5 / (1 + math.exp(2)))
    assert outputs(layers.GRU(1), [[[7.0]]], **kernels).item() == pytest.approx(expected)


def test_the_rows_of_an_image_are_the_steps_of_what_is_distributed():
    found = outputs(layers.TimeDistributed((layers.Flatten(),)), numpy.arange(8.0).reshape(1, 2, 2, 2))
    assert found.tolist() == [[[0, 1, 2, 3], [4, 5, 6, 7]]]


def test_cross_entropy_of_equal_logits_is_the_logarithm_of_the_classes():
    loss, gradient = network.cross_entropy(numpy.zeros((2, 4)), numpy.array([0, 3]))
    assert loss == pytest.approx(1.38629436, abs=1e-8)  # ln 4
    assert gradient.tolist() == [[-0.375, 0.125, 0.125, 0.125], [0.125, 0.125, 0.125, -0.375]]


def test_huge_logits_stay_finite():
    loss, gradient = network.cross_entropy(numpy.array([[1000.0, 0.0]]), numpy.array([1]))
    assert loss == 1000.0
    assert gradient.tolist() == [[1.0, -1.0]]


def test_dropout_zeroes_its_share_and_scales_the_rest():
    values = numpy.ones((200, 200))
    found, _ = network.forward([layers.Dropout(0.25)], {}, values, numpy.random.RandomState(1))
    assert set(numpy.unique(found)) == {0.0, 1 / 0.75}
    assert (found == 0).mean() == pytest.approx(0.25, abs=0.0087)  # four standard errors
