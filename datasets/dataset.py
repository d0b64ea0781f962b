"""What a dataset module gives, and what can go wrong with it.

A module datasets/NAME.py (with _ for -) has
    SIZE        the side in pixels when none is asked for, or None: images stay as they are
    ADDRESS     where people find it
    LAYOUT      the files as they must lie in the data home, for people
    DOWNLOADS   what can be fetched without people, with published hashes; () where it must be done by hand
    sources(home) -> the paths below a folder that hold it, [] where it is not there
    decode(paths, size) -> Decoded; raises Wrong
"""

import hashlib
from typing import NamedTuple, Sequence

import numpy

NAMES = ("digits", "mnist", "fashion-mnist", "cifar-10", "cifar-100", "intel", "cats-dogs", "babi-qa2")


class Missing(Exception):
    """The dataset is not there: message for people."""


class Wrong(Exception):
    """A file is there but not what it must be: which file, what was found, what was wanted."""


class Unfit(Wrong):
    """Nothing is damaged, so fetching it again would not help: the message says what does."""


class Download(NamedTuple):
    url: str
    hash: str  # "md5:...", as published
    path: str  # where it lies, as in a data home


class Decoded(NamedTuple):
    train_images: numpy.ndarray  # uint8 (N, H, W, C), channels last; of a text int32 (N, length), its words' numbers
    train_labels: numpy.ndarray  # int64 (N,), 0 .. classes - 1
    test_images: numpy.ndarray
    test_labels: numpy.ndarray
    classes: Sequence[str]
    complete: bool  # every byte is known to be the published one, or every image was there
    notes: Sequence[str] = ()  # what a reader of results must know: which part, which file differs
    left_out: Sequence[str] = ()  # names of corrupt files
    variants: int = 1  # how often the train split is there, each time augmented otherwise
    train_names: Sequence[str] = ()  # of the files that the train rows were decoded from, where each has one


def rows_of_each_class(labels, share, seed):
    """Return the sorted rows of a random int(share * n) of each class's n rows.

    RandomState's streams are frozen, so every numpy version draws the same.
    """
    random = numpy.random.RandomState(seed)
    chosen = [numpy.zeros(0, numpy.int64)]
    for label in numpy.unique(labels):
        rows = numpy.flatnonzero(labels == label)
        chosen.append(random.permutation(rows)[: int(share * len(rows))])
    return numpy.sort(numpy.concatenate(chosen))


def check_classes(where, labels, classes, split):
    """Raise Wrong where a class has no row at all."""
    absent = [name for label, name in enumerate(classes) if not (labels == label).any()]
    if absent:
        shown = ", ".join(absent[:6]) + (" and {} more".format(len(absent) - 6) if absent[6:] else "")
        raise Wrong("{}: no usable {} image of {}; wanted some of each class".format(where, split, shown))


def counted(found, wanted, split):
    """Return "10,000 of 50,000 train images"."""
    return "{:,} of {:,} {} images".format(found, wanted, split)


def differs(name, data, published_md5):
    """Return a note if the bytes are not the published ones, else ""."""
    found = hashlib.md5(data).hexdigest()
    if found == published_md5:
        return ""
    return "{} is not the published file: MD5 {}, published {}".format(name, found, published_md5)
