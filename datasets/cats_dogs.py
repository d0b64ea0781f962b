"""Cats and dogs (Kaggle / Microsoft Asirra): pictures of many sizes, 80:20 of each class; corrupt ones are left out."""

import glob
import os
import re

import numpy

from . import images
from .archives import image_files
from .dataset import Decoded, check_classes, counted, rows_of_each_class

SIZE = 64
ADDRESS = "https://www.microsoft.com/en-us/download/details.aspx?id=54765"
LAYOUT = (
    "kagglecatsanddogs_5340.zip (any kagglecatsanddogs*.zip), or unpacked PetImages/Cat/*.jpg and PetImages/Dog/*.jpg"
)
DOWNLOADS = ()  # its hash is not published
CLASSES = ["cat", "dog"]
WHOLE = 25000  # 12,500 of each, the corrupt ones counted
SPLIT_SEED = 0
NAME = re.compile("(?:.*/)?PetImages/(cat|dog)/" + images.FILE, re.IGNORECASE)


def sources(home):
    """Return the images' paths, or else the largest zip file's, or []."""
    archives = sorted(glob.glob(os.path.join(glob.escape(home), "kagglecatsanddogs*.zip")), key=os.path.getsize)
    return images.listed(os.path.join(home, "PetImages")) or archives[-1:]


def decode(paths, size):
    """Return Decoded: uint8 (N, size, size, 3)."""
    with image_files(paths, depth=3) as files:
        images.check_no_other_class(paths, files, ["PetImages"], CLASSES)
        names = [name for name in sorted(files) if NAME.match(name)]
        where = images.place(paths, "PetImages")
        images.check_count(where, names, WHOLE)
        pictures, good = images.decode_images(files, names, size)
    labels = numpy.array([CLASSES.index(NAME.match(name).group(1).lower()) for name in names], numpy.int64)
    left_out = [name for name, is_good in zip(names, good) if not is_good]
    labels = labels[good]
    train = rows_of_each_class(labels, 0.8, SPLIT_SEED)
    test = numpy.setdiff1d(numpy.arange(len(labels)), train)
    check_classes(where, labels[train], CLASSES, "train")
    check_classes(where, labels[test], CLASSES, "test")
    notes = [] if len(names) == WHOLE else [counted(len(names), WHOLE, "cat and dog")]
    arrays = pictures[train], labels[train], pictures[test], labels[test]
    return Decoded(
        *arrays,
        classes=CLASSES,
        complete=len(names) == WHOLE,
        notes=notes + images.left_out_note(left_out),
        left_out=left_out,
        train_names=numpy.array(names)[good][train].tolist(),
    )
