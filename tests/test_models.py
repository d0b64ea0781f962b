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
NOT_MODELS = {"layers", "optimizers", "shapes", "weights"}

# model, input shape, classes, trainable parameters: as the studies print them or Keras counts them
COUNTS = [
    ("cifar_cnn", (32, 32, 3), 10, 1_250_858),  # K1
    ("mnist_cnn", (28, 28, 1), 10, 1_199_882),  # K2
    ("mlp", (28, 28, 1), 10, 669_706),  # K3
    ("lenet", (32, 32, 3), 10, 62_006),  # L1
    ("logistic_regression", (150, 150, 3), 6, 405_006),  # I1
    ("simple_cnn", (150, 150, 3), 6, 4_829_126),  # I2
    ("lenet", (32, 32, 3), 6, 61_666),  # I3
    ("lenet", (64, 64, 3), 6, 338_146),
    ("lenet", (150, 150, 3), 6, 2_233_186),
]


@pytest.mark.parametrize(("model", "shape", "classes", "count"), COUNTS)
def test_a_models_parameter_count_is_the_studys(model, shape, classes, count):
    described = worker_module(f"models.{model}").layers(classes)
    assert weights.parameter_count(described, shape) == count


@pytest.mark.parametrize("model", sorted({path.stem for path in (ROOT / "models").glob("*.py")} - NOT_MODELS))
@pytest.mark.parametrize("classes", [2, 10])
def test_a_model_ends_in_one_logit_a_class(model, classes):
    described = worker_module(f"models.{model}").layers(classes)
    assert shapes.output_shapes(described, (64, 64, 3))[-1] == (classes,)
    assert described[-1] == layers.Dense(classes)


def test_the_recipe_of_adding_a_model_can_be_pasted(tmp_path):
    page = (ROOT / "docs" / "adding-a-model.md").read_text(encoding="utf-8")
    model, cell, _, line, _ = re.findall(r"```\w*\n(.*?)```", page, re.DOTALL)
    pasted = {"__package__": "suite.models"}
    exec(model, pasted)
    (counted,) = ast.literal_eval(f"[{line.strip()}]")
    assert weights.parameter_count(pasted["layers"](counted[2]), counted[1]) == counted[3]

    tiers = (ROOT / "matrix.toml").read_text(encoding="utf-8").partition("\n[[cells]]")[0]
    (tmp_path / "models").mkdir()
    (tmp_path / "datasets").symlink_to(ROOT / "datasets")
    (tmp_path / "models" / "tiny_cnn.py").write_text(model, encoding="utf-8")
    (tmp_path / "matrix.toml").write_text(tiers + cell, encoding="utf-8")
    cells = read_matrix(tmp_path / "matrix.toml", load(ROOT / "environments"))
    added = [cell.id for cell in cells if cell.device == "cpu"]
    assert added == ["tensorflow-2.21/tiny_cnn/digits-32px/b32", "mxnet-1.9/tiny_cnn/digits-32px/b32"]
