"""1,797 handwritten digits of 8x8 pixels (Alpaydin and Kaynak 1998), as scikit-learn ships them: nothing to download."""

import importlib.util

import numpy

from .dataset import Decoded, rows_of_each_class
from .images import resized

SIZE = None
ADDRESS = "https://scikit-learn.org (pip install scikit-learn)"
LAYOUT = "nothing: it comes with scikit-learn"
DOWNLOADS = ()
SPLIT_SEED = 0


def sources(home):
    """Return the file that changes when scikit-learn does; found without importing it, which takes a second."""
    package = importlib.util.find_spec("sklearn")
    return [package.origin] if package else []


def decode(paths, size):
    """Return Decoded: uint8 (N, 8, 8, 1), 80:20 of each digit; with size 32 each pixel becomes 4x4."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = numpy.rint(bunch.images * (255.0 / 16.0)).astype(numpy.uint8)[..., None]  # 0..16 -> 0..255
    labels = bunch.target.astype(numpy.int64)
    if size == 32:
        images = images.repeat(4, axis=1).repeat(4, axis=2)
    images = resized(images, size)
    train = rows_of_each_class(labels, 0.8, SPLIT_SEED)
    test = numpy.setdiff1d(numpy.arange(len(labels)), train)
    classes = [str(digit) for digit in range(10)]
    return Decoded(images[train], labels[train], images[test], labels[test], classes, complete=True)
