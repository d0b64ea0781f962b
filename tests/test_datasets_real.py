"""The real data, where FRAMEGATE_DATA names a folder that holds them, whole or in part."""

from pathlib import Path

import numpy
import pytest

from framegate.errors import DataMissing
from framegate.runner.data import Dataset, data_home, prepare

ROOT = Path(__file__).parents[1]
PUBLISHED = {  # name: shape, train and test rows, classes
    "mnist": ((28, 28, 1), 60000, 10000, 10),
    "fashion-mnist": ((28, 28, 1), 60000, 10000, 10),
    "cifar-10": ((32, 32, 3), 50000, 10000, 10),
    "cifar-100": ((32, 32, 3), 50000, 10000, 100),
    "intel": ((150, 150, 3), 2804, 598, 6),  # the reduction
    "cats-dogs": ((64, 64, 3), 20000, 5000, 2),
    "babi-qa2": ((557,), 1000, 1000, 36),
}
WHOLE_FINGERPRINTS = {
    "mnist": "b916d895ab90c001b9e79fabe4aa09c77596f704e7cdbce3304de78a1f356589",
    "fashion-mnist": "63d06f8d76dfdc06557df4fb9999924ddb485d853db02fe928921e5bc9b793aa",
    "babi-qa2": "30c87608a628df4404b6b6f2951be53b2d2bed7d0b973caaa7f5a13af9b57d8c",
}
# Accuracy of the nearest class mean on the test split, with room below what was seen: 0.82, 0.68, 0.27, 0.08, 0.39, 0.54.
NEAREST_MEAN_FLOOR = {
    "mnist": 0.8,
    "fashion-mnist": 0.65,
    "cifar-10": 0.24,
    "cifar-100": 0.05,
    "intel": 0.3,
    "cats-dogs": 0.51,
}


@pytest.fixture(scope="module", params=PUBLISHED)
def dataset(request, tmp_path_factory) -> Dataset:
    home = data_home(None)
    if home is None or not home.is_dir():
        pytest.skip("real data: FRAMEGATE_DATA names no folder; see docs/adding-a-dataset.md")
    try:
        return prepare(request.param, None, data_home=home, cache=tmp_path_factory.mktemp("cache"), root=ROOT)
    except DataMissing as missing:
        pytest.skip(str(missing))


def test_shape_classes_and_rows_are_the_published_ones_or_said_to_be_a_part(dataset):
    shape, train, test, classes = PUBLISHED[dataset.dataset]
    assert dataset.shape == shape
    assert len(dataset.classes) == classes
    whole = dataset.rows == {"train": train, "test": test}
    assert whole or dataset.left_out or not dataset.complete
    assert dataset.complete or dataset.notes


def test_whole_datasets_have_the_known_fingerprint(dataset):
    if not dataset.complete or dataset.dataset not in WHOLE_FINGERPRINTS:
        pytest.skip(f"{dataset.dataset}: only a part, or JPEG, which decoders may round differently")
    assert dataset.fingerprint == WHOLE_FINGERPRINTS[dataset.dataset]


def test_each_class_is_in_both_splits(dataset):
    if dataset.dataset == "babi-qa2":
        pytest.skip("its classes are words, of which six are answers")
    for split in ("train", "test"):
        counts = numpy.bincount(numpy.load(dataset.files[f"{split}_labels"]), minlength=len(dataset.classes))
        assert counts.min() > 0


def test_labels_belong_to_their_images(dataset):
    """Were rows, channels or labels mixed up, the nearest class mean would do no better than chance."""
    if dataset.dataset not in NEAREST_MEAN_FLOOR:
        pytest.skip(f"{dataset.dataset}: its rows are no images")
    arrays = {name: numpy.load(path, mmap_mode="r") for name, path in dataset.files.items()}
    train, test = (shrunk(arrays[f"{split}_images"]) for split in ("train", "test"))
    classes = range(len(dataset.classes))
    means = numpy.stack([train[arrays["train_labels"] == label].mean(axis=0) for label in classes])
    distances = (means**2).sum(axis=1) - 2 * test @ means.T  # without |test|^2, which is the same for all classes
    accuracy = (distances.argmin(axis=1) == arrays["test_labels"]).mean()
    assert accuracy > NEAREST_MEAN_FLOOR[dataset.dataset]


def shrunk(images: numpy.ndarray) -> numpy.ndarray:
    """Return float32 (N, pixels), at most about 30 pixels a side."""
    step = max(1, images.shape[1] // 30)
    return (images[:, ::step, ::step] / numpy.float32(255)).reshape(len(images), -1)
