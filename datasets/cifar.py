"""The binary version of CIFAR-10 and CIFAR-100: records of label bytes and 3,072 pixels, colour by colour."""

import numpy

from .dataset import Wrong, differs

PIXELS = 3 * 32 * 32


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


def unpublished(found, published):
    """Return notes on those files whose bytes are not the published ones."""
    notes = [differs(name, data, published[name]) for name, data in sorted(found.items())]
    return [note for note in notes if note]
