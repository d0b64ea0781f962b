"""Fashion-MNIST: 70,000 pictures of clothes, 28x28 pixels (Xiao, Rasul and Vollgraf 2017, arXiv 1708.07747; MIT licence)."""

import os

from . import idx
from .dataset import Download

SIZE = None
ADDRESS = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
LAYOUT = (
    "fashion-mnist/train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, "
    "t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz"
)
CLASSES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
PACKED = {
    "train-images-idx3-ubyte.gz": "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "md5:25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "md5:bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "md5:bb300cfdad3c16e7a12a480ee83cd310",
}
UNPACKED = {
    "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
    "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
    "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
}
DOWNLOADS = tuple(Download(ADDRESS + name, md5, "fashion-mnist/" + name) for name, md5 in PACKED.items())


def sources(home):
    return idx.sources(os.path.join(home, "fashion-mnist"))


def decode(paths, size):
    """Return Decoded: uint8 (N, 28, 28, 1)."""
    return idx.decode(paths, size, CLASSES, UNPACKED)
