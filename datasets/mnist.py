"""MNIST: 70,000 handwritten digits of 28x28 pixels (LeCun, Cortes and Burges)."""

import os

from . import idx
from .dataset import Download

SIZE = None
ADDRESS = "https://storage.googleapis.com/cvdf-datasets/mnist/"
LAYOUT = (
    "mnist/train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz"
)
CLASSES = [str(digit) for digit in range(10)]
PACKED = {
    "train-images-idx3-ubyte.gz": "md5:f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "md5:d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "md5:9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "md5:ec29112dd5afa0611ce80d1b7f02629c",
}
UNPACKED = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
DOWNLOADS = tuple(Download(ADDRESS + name, md5, "mnist/" + name) for name, md5 in PACKED.items())


def sources(home):
    return idx.sources(os.path.join(home, "mnist"))


def decode(paths, size):
    """Return Decoded: uint8 (N, 28, 28, 1)."""
    return idx.decode(paths, size, CLASSES, UNPACKED)
