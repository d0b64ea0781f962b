"""CIFAR-10: 60,000 colour pictures of 32x32 pixels, ten classes (Krizhevsky 2009)."""

import numpy

from . import archives, cifar
from .dataset import Decoded, Download, counted
from .images import resized

SIZE = None
ADDRESS = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
LAYOUT = "cifar-10-binary.tar.gz, or unpacked cifar-10-batches-bin/data_batch_1.bin to data_batch_5.bin, test_batch.bin"
DOWNLOADS = (Download(ADDRESS, "md5:c32a1d4ab5d03f1284b67883e8d87530", "cifar-10-binary.tar.gz"),)
FOLDER = "cifar-10-batches-bin"
CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
BATCH = 10000
PUBLISHED = {  # MD5 of the unpacked files
    "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
    "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
    "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
    "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
    "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
    "test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d",
}
TRAIN = sorted(name for name in PUBLISHED if name.startswith("data"))


def sources(home):
    return archives.files_or_archive(home, FOLDER, sorted(PUBLISHED), "cifar-10-binary.tar.gz")


def decode(paths, size):
    """Return Decoded: uint8 (N, 32, 32, 3), from the batches that are there."""
    found = archives.read_members(paths, FOLDER, PUBLISHED)
    archives.check_present(paths, found, ["test_batch.bin"] + ([] if set(TRAIN) & set(found) else TRAIN[:1]))
    parts = [read(paths, name, found) for name in TRAIN if name in found]
    train_images = numpy.concatenate([images for images, _ in parts])
    train_labels = numpy.concatenate([labels for _, labels in parts])
    test_images, test_labels = read(paths, "test_batch.bin", found)
    notes = part_notes(found, len(train_images), len(test_images)) + cifar.unpublished(found, PUBLISHED)
    arrays = resized(train_images, size), train_labels, resized(test_images, size), test_labels
    return Decoded(*arrays, classes=CLASSES, complete=not notes, notes=notes)


def read(paths, name, found):
    return cifar.records(archives.place(paths, name), found[name], 1, BATCH, len(CLASSES))


def part_notes(found, train_rows, test_rows):
    notes = []
    if train_rows < 5 * BATCH:
        absent = [name[:-4] for name in TRAIN if name not in found]
        reason = ": {} absent".format(", ".join(absent)) if absent else ""
        notes.append(counted(train_rows, 5 * BATCH, "train") + reason)
    if test_rows < BATCH:
        notes.append(counted(test_rows, BATCH, "test"))
    return notes
