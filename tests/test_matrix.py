"""matrix.toml is read in one place, and says what is wrong with it."""

from pathlib import Path

import pytest

from framegate.errors import MatrixError
from framegate.runner.declarations import load
from framegate.runner.matrix import read_matrix

ROOT = Path(__file__).parent.parent
ENVIRONMENTS = load(ROOT / "environments")

TIERS = """
[defaults]
seed = 1
threads = 2
limit_seconds = 60
[tiers.quick]
processes = 2
epochs = 3
reruns = 0
[tiers.nightly]
processes = 5
epochs = 10
reruns = 1
"""
CELL = """
[[cells]]
model = "lenet"
dataset = "digits"
image_size = 32
environments = ["mxnet-1.9"]
devices = ["cpu"]
batch_size = 32
optimizer = { name = "sgd", learning_rate = 0.1 }
floor = 0.8
"""


def matrix(folder, text):
    for name in ("models", "datasets"):
        if not (folder / name).exists():
            (folder / name).symlink_to(ROOT / name)
    path = folder / "matrix.toml"
    path.write_text(text, encoding="utf-8")
    return read_matrix(path, ENVIRONMENTS)


def test_a_cell_gets_what_it_lacks_from_its_tier_and_the_defaults(tmp_path):
    (cell,) = matrix(tmp_path, TIERS + CELL)
    assert (cell.tier, cell.processes, cell.epochs, cell.seed, cell.threads) == ("quick", 2, 3, 1, 2)
    (cell,) = matrix(tmp_path, TIERS + CELL + 'tier = "nightly"\nepochs = 4')
    assert (cell.processes, cell.epochs, cell.reruns) == (5, 4, 1)


def test_the_id_tells_a_validation_split_and_augmentation(tmp_path):
    (cell,) = matrix(tmp_path, TIERS + CELL + "validation = 0.1\naugment = { shift = 0.1, flip = true }")
    assert cell.id == "mxnet-1.9/lenet/digits-32px-val10-augmented/b32"
    assert cell.augment == (("flip", True), ("shift", 0.1))


def test_the_id_names_environment_model_dataset_and_batch(tmp_path):
    (cell,) = matrix(tmp_path, TIERS + CELL)
    assert cell.id == "mxnet-1.9/lenet/digits-32px/b32"
    (cell,) = matrix(tmp_path, TIERS + CELL + 'variant = "slow"')
    assert cell.id == "mxnet-1.9/lenet/digits-32px/b32/slow"


def test_each_environment_and_device_makes_a_cell(tmp_path):
    text = CELL.replace('["mxnet-1.9"]', '["mxnet-1.9", "tensorflow-2.21"]').replace('devices = ["cpu"]', "")
    assert [cell.id for cell in matrix(tmp_path, TIERS + text)] == [
        "mxnet-1.9/lenet/digits-32px/b32",
        "mxnet-1.9-gpu/lenet/digits-32px/b32",
        "tensorflow-2.21/lenet/digits-32px/b32",
        "tensorflow-2.21-gpu/lenet/digits-32px/b32",
    ]


def test_a_group_stands_for_its_environments(tmp_path):
    groups = '[groups]\nboth = ["mxnet-1.9", "tensorflow-2.21"]\n'
    cells = matrix(tmp_path, groups + TIERS + CELL.replace('["mxnet-1.9"]', '["scikit-learn-1.9", "both"]'))
    assert [cell.environment for cell in cells] == ["scikit-learn-1.9", "mxnet-1.9", "tensorflow-2.21"]
    with pytest.raises(MatrixError, match=r"groups.both = 'mxnet-1.9'; a list of environments is wanted"):
        matrix(tmp_path, '[groups]\nboth = "mxnet-1.9"\n' + TIERS + CELL)


def test_marks_are_device_tier_model_framework_and_dataset(tmp_path):
    (cell,) = matrix(tmp_path, TIERS + CELL)
    assert cell.marks == ("cpu", "quick", "lenet", "mxnet", "digits")


def test_settings_hold_what_decides_the_work_and_not_how_often_it_is_done(tmp_path):
    (once,) = matrix(tmp_path, TIERS + CELL)
    (often,) = matrix(tmp_path, TIERS + CELL + 'tier = "nightly"\nepochs = 3')
    assert once.settings() == often.settings()
    (longer,) = matrix(tmp_path, TIERS + CELL + "epochs = 4")
    assert once.settings() != longer.settings()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            ("batch_size = 32", "batch = 32"),
            "cell table 1: unknown key 'batch'; wanted one of augment, batch_size, ceiling",
        ),
        (("floor = 0.8", ""), "cell table 1: floor is missing"),
        (("floor = 0.8", "floor = 80"), "floor = 80; an accuracy between 0 and 1 is wanted"),
        (('"mxnet-1.9"', '"mxnet-9"'), "environment 'mxnet-9'; wanted one of jax-0.10, jax-0.4"),
        (('["cpu"]', '["tpu"]'), "device 'tpu'; wanted cpu or gpu"),
        (('name = "sgd"', 'name = "lion"'), "'lion'.*with one of sgd, adam, rmsprop, adadelta"),
        (("batch_size = 32", "batch_size = 0"), "batch_size = 0; a whole number of at least 1"),
        (
            ("floor = 0.8", "floor = 0.8\nepochs = 1"),
            "epochs = 1; a whole number of at least 2, as the first is warm-up",
        ),
        (("floor = 0.8", 'floor = 0.8\ntier = "weekly"'), "tier 'weekly'; wanted one of nightly, quick"),
        (("floor = 0.8", "floor = "), "not valid TOML"),
        (("floor = 0.8", 'floor = "0.8"'), "floor = '0.8'; an accuracy between 0 and 1 is wanted"),
        (("floor = 0.8", 'floor = 0.8\npretrained = true\ninit = "native"'), "pretrained = true with init = 'native'"),
        (("floor = 0.8", "floor = 0.8\nvalidation = 10"), "validation = 10; a number between 0 and 1 is wanted"),
        (
            ("floor = 0.8", "floor = 0.8\naugment = true"),
            "augment = True; wanted { shift, shear, zoom, flip, variants }",
        ),
        (("floor = 0.8", "floor = 0.8\naugment = { rotate = 1 }"), "augment.rotate; wanted one of shift, shear, zoom"),
        (
            ("floor = 0.8", "floor = 0.8\naugment = { shift = 3 }"),
            "augment.shift = 3; a number between 0 and 1 is wanted",
        ),
        (("floor = 0.8", 'floor = 0.8\nepochs = "3"'), "epochs = '3'; a whole number of at least 2"),
        (('"lenet"', '"lenett"'), "model = 'lenett', but .*models/lenett.py is not there"),
        (('"lenet"', '"layers"'), "model = 'layers' is no model; wanted one of alexnet, babi_rnn"),
        (('"digits"', '"digit"'), "dataset = 'digit', but .*datasets/digit.py is not there"),
        (("learning_rate = 0.1", 'learning_rate = "0.1"'), "optimizer.learning_rate = '0.1'; a number is wanted"),
        (
            ("learning_rate = 0.1", "learning_rate = nan"),
            "optimizer.learning_rate = nan; a finite number of at least 0",
        ),
        (("learning_rate = 0.1", "learning_rate = -1"), "optimizer.learning_rate = -1; a finite number of at least 0"),
        (("floor = 0.8", "floor = 0.8\nceiling = 0.7"), "ceiling = 0.7; at least the floor, 0.8, is wanted"),
        (("floor = 0.8", "floor = true"), "floor = True; an accuracy between 0 and 1 is wanted"),
        (('["mxnet-1.9"]', '"mxnet-1.9"'), "environments = 'mxnet-1.9'; a list of at least one name is wanted"),
        (('["mxnet-1.9"]', "[]"), r"environments = \[\]; a list of at least one name is wanted"),
        (('["cpu"]', '"cpu"'), "devices = 'cpu'; a list of at least one name is wanted"),
        (("floor = 0.8", 'floor = 0.8\ntier = ["quick"]'), r"tier \['quick'\]; wanted one of nightly, quick"),
        (("floor = 0.8", "floor = 0.8\n[extra]"), "unknown table 'extra'; wanted defaults, tiers, groups, cells"),
        (("[[cells]]", "[cells]"), r"\[cells\] is one table; wanted \[\[cells\]\]"),
    ],
)
def test_a_wrong_cell_table_is_named_with_what_was_wanted(tmp_path, change, words):
    with pytest.raises(MatrixError, match=words):
        matrix(tmp_path, TIERS + CELL.replace(*change))


def test_two_cells_with_one_id_are_refused(tmp_path):
    with pytest.raises(MatrixError, match=r"cell table 2: mxnet-1.9/lenet/digits-32px/b32 is declared twice"):
        matrix(tmp_path, TIERS + CELL + CELL)


def test_a_missing_or_empty_matrix_is_refused(tmp_path):
    with pytest.raises(MatrixError, match=r"matrix.toml: not found; run from the folder that holds matrix.toml"):
        read_matrix(tmp_path / "matrix.toml", ENVIRONMENTS)
    with pytest.raises(MatrixError, match=r"no \[\[cells\]\] table found"):
        matrix(tmp_path, TIERS)


def test_the_suites_own_matrix_has_twelve_quick_cells_over_five_environments():
    quick = [cell for cell in read_matrix(ROOT / "matrix.toml", ENVIRONMENTS) if "quick" in cell.marks]
    cpu = [cell for cell in quick if cell.device == "cpu"]
    assert len(cpu) >= 12
    assert len({cell.environment for cell in cpu}) >= 5
    assert {cell.dataset for cell in cpu} == {"digits"}


def test_a_models_parameters_are_part_of_what_decides_the_work(tmp_path):
    (cell,) = matrix(tmp_path, TIERS + CELL + "parameters = { widths = [300, 100], dropout = 0.2 }")
    assert cell.parameters == (("dropout", 0.2), ("widths", (300, 100)))
    assert cell.settings()["parameters"] == cell.parameters
    with pytest.raises(MatrixError, match=r"cell table 1: parameters = 5; wanted a table"):
        matrix(tmp_path, TIERS + CELL + "parameters = 5")
