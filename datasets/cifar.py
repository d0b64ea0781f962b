"""The binary version of CIFAR-10 and CIFAR-100: records of label bytes and 3,072 pixels, colour by colour."""

import os

import numpy

from .archives import read_file, read_tar
from .dataset import Wrong, differs

PIXELS = 3 * 32 * 32
LARGEST = 256 * 2**20  # bytes; the published archives unpack to 185 MB


def sources(home, folder, names, archive):
    """Return the files in the folder, or the archive where some of them are absent, or []."""
    paths = [os.path.join(home, folder, name) for name in names]
    found = [path for path in paths if os.path.isfile(path)]
    archive = os.path.join(home, archive)
    return [archive] if len(found) < len(names) and os.path.isfile(archive) else found


def read_members(paths, folder, names):
    """Return {name: bytes} of the files, wherever they lie."""
    if len(paths) == 1 and paths[0].endswith(".tar.gz"):
        members = read_tar(paths[0], {folder + "/" + name for name in names}, LARGEST)
        return {os.path.basename(name): data for name, data in members.items()}
    return {os.path.basename(path): read_file(path, LARGEST) for path in paths}


def place(paths, name):
    """Return where a file lies, for messages."""
    return paths[0] + ": " + name if paths[0].endswith(".tar.gz") else os.path.join(os.path.dirname(paths[0]), name)


def records(place, data, label_bytes, most, classes):
    """Return (images, labels) of a file: uint8 (N, 32, 32, 3), int64 (N,) from the last label byte. Raises Wrong."""
    length = label_bytes + PIXELS
    if not data or len(data) % length or len(data) > most * length:
        wanted = "1 to {:,} records of {:,}".format(most, length)
        raise Wrong("{}: {:,} bytes; wanted {}".format(place, len(data), wanted))
    rows = numpy.frombuffer(data, numpy.uint8).reshape(-1, length)
    labels = rows[:, label_bytes - 1].astype(numpy.int64)
    if labels.max() >= classes:
        raise Wrong("{}: label {}; wanted 0 to {}".format(place, labels.max(), classes - 1))
    return rows[:, label_bytes:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), labels


def check_present(paths, found, wanted):
    absent = [name for name in wanted if name not in found]
    if absent:
        raise Wrong("{}: no {}; wanted it".format(os.path.dirname(paths[0]), " and no ".join(absent)))


def unpublished(found, published):
    """Return notes on those files whose bytes are not the published ones."""
    notes = [differs(name, data, published[name]) for name, data in sorted(found.items())]
    return [note for note in notes if note]
