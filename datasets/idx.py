"""The IDX format of MNIST and its kin: big-endian magic, one 32-bit length per axis, then bytes."""

import os
import struct

import numpy

from .archives import read_file
from .dataset import Decoded, Wrong, counted, differs
from .images import resized

ROWS = {"train": 60000, "t10k": 10000}
FILES = tuple(split + kind for split in ROWS for kind in ("-images-idx3-ubyte", "-labels-idx1-ubyte"))


def sources(folder):
    """Return those of the four files, packed or not, that are in a folder."""
    found = []
    for name in FILES:
        paths = [os.path.join(folder, name + ending) for ending in (".gz", "")]
        found.extend([path for path in paths if os.path.isfile(path)][:1])
    return found


def decode(paths, size, classes, published):
    """Return Decoded: uint8 (N, 28, 28, 1). published: MD5 of each unpacked file."""
    by_name = {os.path.basename(path).split(".")[0]: path for path in paths}
    absent = [name for name in FILES if name not in by_name]
    if absent:
        where = os.path.dirname(paths[0])
        raise Wrong("{}: {} of 4 files; wanted {} too".format(where, len(by_name), ", ".join(absent)))
    arrays, notes = [], []
    for split, rows in ROWS.items():
        name = split + "-images-idx3-ubyte"
        images, image_note = read(by_name[name], (rows, 28, 28), published[name])
        name = split + "-labels-idx1-ubyte"
        labels, label_note = read(by_name[name], (rows,), published[name])
        check_pair(by_name[name], images, labels, len(classes))
        arrays += [resized(images[..., None], size), labels.astype(numpy.int64)]
        if len(images) < rows:
            notes.append(counted(len(images), rows, "train" if split == "train" else "test"))
        notes += [note for note in (image_note, label_note) if note]
    return Decoded(*arrays, classes=classes, complete=not notes, notes=notes)


def read(path, most, published):
    """Return (array, note): uint8 with as many axes as most, whose first length may be smaller. Raises Wrong."""
    limit = 4 + 4 * len(most) + int(numpy.prod(most))
    data = read_file(path, limit)
    header = 4 + 4 * len(most)
    if len(data) < header:
        raise Wrong("{}: {} bytes; wanted a header of {}".format(path, len(data), header))
    magic = 0x00000800 + len(most)  # 08: unsigned bytes, then the number of axes
    found = struct.unpack(">I", data[:4])[0]
    if found != magic:
        raise Wrong("{}: magic number 0x{:08x}; wanted 0x{:08x}".format(path, found, magic))
    shape = struct.unpack(">{}I".format(len(most)), data[4:header])
    if shape[1:] != most[1:] or not 1 <= shape[0] <= most[0]:
        raise Wrong("{}: shape {}; wanted {} or fewer rows".format(path, shape, most))
    wanted = header + int(numpy.prod(shape))
    if len(data) != wanted:
        raise Wrong("{}: {:,} bytes; wanted {:,} for shape {}".format(path, len(data), wanted, shape))
    array = numpy.frombuffer(data, numpy.uint8, offset=header).reshape(shape)
    return array, differs(os.path.basename(path), data, published)


def check_pair(path, images, labels, classes):
    if len(images) != len(labels):
        raise Wrong("{}: {:,} labels; wanted {:,}, one per image".format(path, len(labels), len(images)))
    if labels.max() >= classes:
        raise Wrong("{}: label {}; wanted 0 to {}".format(path, labels.max(), classes - 1))
