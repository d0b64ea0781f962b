"""The models have the parameter counts of the studies they come from."""

import ast
import re

import pytest
from mounted import ROOT, worker_module

from framegate.runner.declarations import load
from framegate.runner.matrix import read_matrix

layers = worker_module("models.layers")
shapes = worker_module("models.shapes")
weights = worker_module("models.weights")
F2 = {"widths": (300, 250, 150, 100), "dropout": 0.3, "batch_norm": "after"}  # the study's rate is not known
NOT_MODELS = {"layers", "optimizers", "shapes", "weights"}

# model, its parameters, input shape, classes, all weights, those not trained: as the studies print them or Keras counts them
COUNTS = [
    ("logistic_regression", {}, (150, 150, 3), 6, 405_006, 0),  # I1
    ("simple_cnn", {}, (150, 150, 3), 6, 4_829_126, 0),  # I2
    ("lenet", {}, (32, 32, 3), 6, 61_666, 0),  # I3
    ("lenet", {}, (64, 64, 3), 6, 338_146, 0),
    ("lenet", {}, (150, 150, 3), 6, 2_233_186, 0),
    ("alexnet", {}, (150, 150, 3), 6, 29_994_374, 0),  # I4
    ("alexnet", {}, (227, 227, 3), 6, 58_305_926, 0),
    ("vgg16", {}, (150, 150, 3), 6, 65_079_110, 0),  # I5
    ("vgg16", {"width": 256}, (150, 150, 3), 6, 16_879_430, 0),
    ("vgg16", {"width": 256, "frozen": True}, (150, 150, 3), 6, 16_879_430, 14_714_688),  # I6
    ("cifar_cnn", {}, (32, 32, 3), 10, 1_250_858, 0),  # K1
    ("mnist_cnn", {}, (28, 28, 1), 10, 1_199_882, 0),  # K2
    ("mlp", {}, (28, 28, 1), 10, 669_706, 0),  # K3
    ("hierarchical_rnn", {}, (28, 28, 1), 10, 199_434, 0),  # K4
    ("babi_rnn", {}, (557,), 36, 45_836, 0),  # K5
    ("simple_rnn_rows", {}, (28, 28, 1), 10, 28 * 128 + 128 * 128 + 128 + 1_290, 0),
    ("lstm_rows", {}, (28, 28, 1), 10, 4 * 20_096 + 1_290, 0),
    ("gru_rows", {}, (28, 28, 1), 10, 3 * (20_096 + 128) + 1_290, 0),
    ("cats_dogs_cnn", {}, (64, 64, 3), 2, 813_217 + 129, 0),  # C1, C2: one logit more
    ("fashion_mlp", {}, (28, 28, 1), 10, 407_110, 0),  # F1
    ("fashion_mlp", F2, (28, 28, 1), 10, 370_846, 3_168),
    ("fashion_refined", {}, (28, 28, 1), 10, 485_510, 1_400),  # F3
    ("residual_net", {}, (32, 32, 3), 100, 249_004, 384),  # R1
    ("xception", {}, (32, 32, 3), 100, 21_066_380, 20_861_480),  # R2
    ("bn_cnn", {}, (32, 32, 3), 100, 107_044, 448),  # T1
    ("lenet", {}, (32, 32, 3), 10, 62_006, 0),  # L1
    ("mobilenet_v2", {}, (32, 32, 3), 10, 2_270_794, 2_270_794 - 2_236_682),  # L2
]


@pytest.mark.parametrize(("model", "parameters", "shape", "classes", "count", "untrained"), COUNTS)
def test_a_models_parameter_count_is_the_studys(model, parameters, shape, classes, count, untrained):
    described = worker_module(f"models.{model}").layers(classes, **parameters)
    assert weights.parameter_count(described, shape) == count
    assert count - weights.parameter_count(described, shape, trainable=True) == untrained


def test_the_refined_network_begins_with_the_layers_of_the_searched_one():
    asked = {"widths": (8, 6), "dropout": 0.1, "activation": "elu", "initial": "he_normal", "batch_norm": "before"}
    searched = worker_module("models.fashion_mlp").layers(10, **asked)
    refined = worker_module("models.fashion_refined").layers(10, deeper=(4,), **asked)
    assert refined[: len(searched) - 1] == searched[:-1]
    assert refined[-1] == layers.Dense(10, initial="he_normal")


def test_the_true_bottleneck_has_a_quarter_of_the_channels_inside():
    plain, true = (worker_module("models.residual_net").layers(100, bottleneck=which) for which in (False, True))
    counts = [weights.parameter_count(described, (32, 32, 3)) for described in (plain, true)]
    # 2 x (3 * 3 * 64 * 64 + 4 * 64), and 64 * 16 + 3 * 3 * 16 * 16 + 16 * 64 + 4 * (16 + 16 + 64)
    assert counts[0] - counts[1] == 74_240 - 4_736


def ends(model, parameters, shape):
    """Return the sides of the image before the flat part, one for each size it has on the way."""
    described = worker_module(f"models.{model}").layers(10, **parameters)
    sides = [shape[0]] + [output[0] for output in shapes.output_shapes(described, shape) if len(output) == 3]
    return [side for side, before in zip(sides, [None, *sides], strict=False) if side != before]


@pytest.mark.parametrize(
    ("model", "parameters", "side", "sides"),
    [
        ("alexnet", {}, 150, [150, 35, 17, 8, 3]),
        ("alexnet", {}, 227, [227, 55, 27, 13, 6]),
        ("vgg16", {}, 150, [150, 75, 37, 18, 9, 4]),
        ("bn_cnn", {}, 32, [32, 30, 15, 13, 6, 4, 1]),
        ("residual_net", {}, 32, [32, 38, 16, 8]),
        ("mobilenet_v2", {}, 32, [32, 16, 8, 4, 2, 1]),
        ("mobilenet_v2", {"side": 96}, 32, [32, 96, 48, 24, 12, 6, 3]),
        ("xception", {"frozen": False}, 32, [32, 224, 111, 109, 55, 28, 14, 7]),
    ],
)
def test_images_shrink_as_the_models_say(model, parameters, side, sides):
    assert ends(model, parameters, (side, side, 3)) == sides


@pytest.mark.parametrize(
    ("model", "side", "words"),
    [("mobilenet_v2", 8, "wants larger images than \\(8, 8, 3\\)"), ("alexnet", 64, "layer 12-maxpool MaxPool")],
)
def test_images_too_small_for_a_model_are_refused(model, side, words):
    with pytest.raises(shapes.ShapeError, match=words):
        shapes.output_shapes(worker_module(f"models.{model}").layers(10), (side, side, 3))


SHAPES = {"babi_rnn": (557,), "every_layer": (13, 13, 3)}  # of models that 96x96x3 does not suit


@pytest.mark.parametrize("model", sorted({path.stem for path in (ROOT / "models").glob("*.py")} - NOT_MODELS))
@pytest.mark.parametrize("classes", [2, 10])
def test_a_model_ends_in_one_logit_a_class(model, classes):
    described = worker_module(f"models.{model}").layers(classes)
    assert shapes.output_shapes(described, SHAPES.get(model, (96, 96, 3)))[-1] == (classes,)
    assert described[-1] == layers.Dense(classes)


def test_the_recipe_of_adding_a_model_can_be_pasted(tmp_path):
    page = (ROOT / "docs" / "adding-a-model.md").read_text(encoding="utf-8")
    model, cell, _, line, _ = re.findall(r"```\w*\n(.*?)```", page, re.DOTALL)
    pasted = {"__package__": "suite.models"}
    exec(model, pasted)
    (counted,) = ast.literal_eval(f"[{line.strip()}]")
    _, parameters, shape, classes, count, untrained = counted
    described = pasted["layers"](classes, **parameters)
    assert weights.parameter_count(described, shape) == count
    assert weights.parameter_count(described, shape, trainable=True) == count - untrained

    tiers = (ROOT / "matrix.toml").read_text(encoding="utf-8").partition("\n[[cells]]")[0]
    (tmp_path / "models").mkdir()
    (tmp_path / "datasets").symlink_to(ROOT / "datasets")
    (tmp_path / "models" / "tiny_cnn.py").write_text(model, encoding="utf-8")
    (tmp_path / "matrix.toml").write_text(tiers + cell, encoding="utf-8")
    cells = read_matrix(tmp_path / "matrix.toml", load(ROOT / "environments"))
    added = [cell.id for cell in cells if cell.device == "cpu"]
    assert added == ["tensorflow-2.21/tiny_cnn/digits-32px/b32", "mxnet-1.9/tiny_cnn/digits-32px/b32"]
