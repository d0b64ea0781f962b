"""Validation splits and augmentation: the same rows and pixels for every framework."""

from dataclasses import replace

import numpy
import pytest
from mounted import ROOT, worker_module

from framegate.runner import data
from framegate.runner.declarations import load
from framegate.runner.matrix import read_matrix
from worker.data import mount

cache = mount("datasets.cache")
dataset = mount("datasets.dataset")
derive = mount("datasets.derive")

RAMP = numpy.arange(0, 160, 10, dtype=numpy.uint8).reshape(1, 4, 4, 1)  # rows 0 10 20 30 | 40 50 60 70 | ...


def decoded(images=None, labels=None):
    images = numpy.arange(40 * 4, dtype=numpy.uint8).reshape(40, 2, 2, 1) if images is None else images
    labels = numpy.repeat([0, 1], [30, 10]) if labels is None else labels
    return dataset.Decoded(images, labels, images[:2], labels[:2], classes=["a", "b"], complete=True)


def changed(**augment):
    """Return the first column and row of RAMP after an augmentation, drawn with seed 0."""
    made = derive.augmented(decoded(RAMP, numpy.array([0])), {**derive.AUGMENTATIONS, "variants": 1, **augment})
    return made.train_images[0, :, :, 0].tolist()


def test_a_validation_split_takes_its_share_of_each_class_out_of_the_train_split():
    made = derive.derived(decoded(), {"validation": 0.1})
    assert numpy.bincount(made.train_labels).tolist() == [27, 9]
    assert numpy.bincount(made.test_labels).tolist() == [3, 1]
    rows = [images[:, 0, 0, 0] for images in (made.train_images, made.test_images)]
    assert sorted(numpy.concatenate(rows)) == list(range(0, 160, 4))  # every row once


def test_a_validation_split_is_drawn_once():
    one, two = (derive.derived(decoded(), {"validation": 0.2}) for _ in range(2))
    assert (one.test_images == two.test_images).all()


@pytest.mark.parametrize(
    ("share", "found"),
    [
        (0.01, "40 rows to train and 0 to validate; wanted rows of each class in both, 2 of 2 have none"),
        (0.09, "38 rows to train and 2 to validate; wanted rows of each class in both, 1 of 2 have none"),
    ],
)
def test_a_validation_split_that_leaves_a_class_without_rows_is_wrong(share, found):
    with pytest.raises(dataset.Wrong, match=f"^validation = {share}: {found}$"):
        derive.derived(decoded(), {"validation": share})


def test_the_folds_take_each_row_of_the_train_split_out_of_it_once():
    made = [derive.derived(decoded(), {"fold": [which, 3]}) for which in (1, 2, 3)]
    assert [len(one.test_labels) for one in made] == [14, 13, 13]
    kept_back = numpy.concatenate([one.test_images[:, 0, 0, 0] for one in made])
    assert sorted(kept_back) == list(range(0, 160, 4))
    for one in made:
        rows = numpy.concatenate([images[:, 0, 0, 0] for images in (one.train_images, one.test_images)])
        assert sorted(rows) == list(range(0, 160, 4))


def test_a_part_of_the_train_split_is_drawn_once_and_keeps_the_test_split():
    one, two = (derive.derived(decoded(), {"rows": 10}) for _ in range(2))
    assert len(one.train_labels) == 10
    assert (one.train_images == two.train_images).all()
    assert (one.test_images == decoded().test_images).all()


@pytest.mark.parametrize(
    ("wanted", "words"),
    [({"rows": 41}, "train_rows = 41; the train split has 40"), ({"fold": [1, 41]}, "41 folds of 40 rows")],
)
def test_more_rows_or_folds_than_there_are_is_wrong(wanted, words):
    with pytest.raises(dataset.Wrong, match=words):
        derive.derived(decoded(), wanted)


def test_nothing_drawn_changes_nothing():
    assert changed() == RAMP[0, :, :, 0].tolist()


@pytest.mark.parametrize(
    ("matrix", "offset", "expected"),
    [
        ([[1, 0], [0, -1]], [0, 0], [[30, 20, 10, 0], [70, 60, 50, 40], [110, 100, 90, 80], [150, 140, 130, 120]]),
        ([[1, 0], [0, 1]], [1, 0], [[40, 50, 60, 70], [80, 90, 100, 110], [120, 130, 140, 150], [120, 130, 140, 150]]),
        ([[1, 0], [0, 1]], [0, -0.5], [[0, 5, 15, 25], [40, 45, 55, 65], [80, 85, 95, 105], [120, 125, 135, 145]]),
        ([[0.5, 0], [0, 1]], [0, 0], [[30, 40, 50, 60], [50, 60, 70, 80], [70, 80, 90, 100], [90, 100, 110, 120]]),
    ],
    ids=["mirrored", "a row up, the last repeated", "half a pixel right", "rows stretched twofold"],
)
def test_pixels_come_from_where_matrix_and_offset_say(matrix, offset, expected):
    found = derive.warped(RAMP, numpy.array([matrix], float), numpy.array([offset], float))
    assert found[0, :, :, 0].tolist() == expected


def test_draws_stay_within_what_was_asked_and_reach_it():
    augment = {"shift": 0.1, "shear": 0.2, "zoom": 0.3, "flip": True}
    matrices, offsets = derive.drawn(numpy.random.RandomState(1), 4000, (32, 64), augment)
    assert numpy.abs(offsets).max(axis=0) == pytest.approx([3.2, 6.4], rel=0.01)
    assert (matrices[:, 0, 0].min(), matrices[:, 0, 0].max()) == pytest.approx((0.7, 1.3), rel=0.01)
    mirrored = matrices[:, 1, 1] < 0
    assert mirrored.mean() == pytest.approx(0.5, abs=0.032)  # four standard errors
    assert numpy.abs(matrices[:, 0, 1] / matrices[:, 1, 1]).max() == pytest.approx(0.2027, rel=0.01)  # tan 0.2


def test_variants_lie_one_after_the_other_and_the_test_split_is_left_alone():
    before = decoded()
    made = derive.derived(before, {"augment": {"shift": 0.4, "variants": 3}})
    assert made.train_images.shape == (120, 2, 2, 1)
    assert made.train_labels.tolist() == before.train_labels.tolist() * 3
    assert not (made.train_images[:40] == made.train_images[40:80]).all()
    assert (made.test_images == before.test_images).all()
    assert made.variants == 3


def test_the_validation_rows_are_not_augmented():
    made = derive.derived(decoded(), {"validation": 0.1, "augment": {"flip": True}})
    plain = derive.derived(decoded(), {"validation": 0.1})
    assert (made.test_images == plain.test_images).all()
    assert len(made.train_images) == 4 * 36


def test_a_text_cannot_be_augmented():
    text = decoded(numpy.zeros((2, 5), numpy.int32), numpy.array([0, 1]))
    with pytest.raises(dataset.Wrong, match="a text cannot be shifted or flipped"):
        derive.derived(text, {"augment": {"flip": True}})


def test_the_manifest_counts_images_not_variants_and_other_wishes_are_other_files(tmp_path):
    plain = cache.prepare("digits", None, None, str(tmp_path))
    made = cache.prepare(
        "digits", None, None, str(tmp_path), {"validation": 0.1, "augment": {"shift": 0.1, "variants": 2}}
    )
    assert made["rows"] == {"train": 1294, "test": 139}
    assert made["variants"] == 2
    assert numpy.load(made["files"]["train_images"]).shape == (2588, 8, 8, 1)
    assert made["files"]["test_images"] != plain["files"]["test_images"]
    assert made["fingerprint"] != plain["fingerprint"]


def test_an_impossible_wish_blames_the_wish_and_not_the_files(tmp_path):
    with pytest.raises(
        dataset.Wrong, match=r"^digits: validation = 0\.001: 1,433 rows to train and 0 to validate; wanted "
    ):
        cache.prepare("digits", None, None, str(tmp_path), {"validation": 0.001})


def test_a_cell_gets_the_data_it_asks_for(tmp_path):
    cell = next(
        cell for cell in read_matrix(ROOT / "matrix.toml", load(ROOT / "environments")) if cell.model == "dense"
    )
    cell = replace(cell, validation=0.5, augment=(("flip", True), ("variants", 2)))
    found = data.prepare_for(cell, None, tmp_path, ROOT)
    assert found.rows == {"train": 719, "test": 714}
    assert found.variants == 2
    assert cell.id.endswith("/dense/digits-val50-augmented/b32")


def test_an_epoch_visits_each_image_once_in_one_of_its_variants():
    job = {"seed": 1, "rows": None, "dataset": {"variants": 3}}
    draw = worker_module("worker.main").rows_to_visit
    order = draw(job, 1, 300)
    assert sorted(order % 100) == list(range(100))
    assert set(order // 100) == {0, 1, 2}
    assert (draw(job, 2, 300) // 100 != order // 100).any()


def test_without_variants_the_order_is_the_permutation_it_always_was():
    job = {"seed": 1, "rows": [5], "dataset": {"variants": 1}}
    order = worker_module("worker.main").rows_to_visit(job, 1, 100)
    assert order.tolist() == numpy.random.RandomState([1, 1]).permutation(100)[:5].tolist()
