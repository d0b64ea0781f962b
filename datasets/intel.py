"""Intel scenes (Kaggle puneet6060/intel-image-classification): 150x150 pictures of six kinds of scene.

The whole set is reduced to a random 20 % of each class, as study 000 did: 2,804 train and 598 test images. A part is used whole.
"""

import os
import re

import numpy

from . import images
from .archives import image_files
from .dataset import Decoded, check_classes, counted, rows_of_each_class

SIZE = 150
ADDRESS = "https://www.kaggle.com/datasets/puneet6060/intel-image-classification"
LAYOUT = "intel-image-classification.zip, or unpacked seg_train/seg_train/CLASS/*.jpg and seg_test/seg_test/CLASS/*.jpg"
DOWNLOADS = ()  # Kaggle asks for an account
CLASSES = ["buildings", "forest", "glacier", "mountain", "sea", "street"]
WHOLE = {"train": 14034, "test": 3000}
PARENTS = ["seg_{0}/seg_{0}".format(split) for split in WHOLE]
REDUCTION, REDUCTION_SEED = 0.2, 0
NAME = re.compile(r"(?:.*/)?seg_(train|test)/seg_\1/({})/".format("|".join(CLASSES)) + images.FILE, re.IGNORECASE)


def sources(home):
    """Return the images' paths, or else the zip file's, or []."""
    archive = os.path.join(home, "intel-image-classification.zip")
    return images.listed(*[os.path.join(home, parent) for parent in PARENTS]) or (
        [archive] if os.path.isfile(archive) else []
    )


def decode(paths, size):
    """Return Decoded: uint8 (N, size, size, 3)."""
    with image_files(paths, depth=4) as files:
        images.check_no_other_class(paths, files, PARENTS, CLASSES)
        names = {split: names_of(files, split) for split in WHOLE}
        whole = all(len(names[split]) == WHOLE[split] for split in WHOLE)
        note = "20 % of each class" if whole else "a part, used whole"
        arrays, notes, left_out = [], [], []
        for split in WHOLE:
            where = images.place(paths, "seg_{0}/seg_{0}".format(split))
            images.check_count(where, names[split], WHOLE[split])
            chosen = reduced(names[split]) if whole else names[split]
            pictures, good = images.decode_images(files, chosen, size)
            labels = labels_of(chosen)[good]
            check_classes(where, labels, CLASSES, split)
            arrays += [pictures, labels]
            notes.append("{}: {}".format(counted(len(chosen), WHOLE[split], split), note))
            left_out += [name for name, is_good in zip(chosen, good) if not is_good]
            if split == "train":
                train_names = [name for name, is_good in zip(chosen, good) if is_good]
    notes += images.left_out_note(left_out)
    told = {"notes": notes, "left_out": left_out, "train_names": train_names}
    return Decoded(*arrays, classes=CLASSES, complete=whole, **told)


def names_of(files, split):
    """Return the sorted names of a split's images."""
    matches = [NAME.match(name) for name in sorted(files)]
    return [match.group() for match in matches if match and match.group(1).lower() == split]


def labels_of(names):
    return numpy.array([CLASSES.index(NAME.match(name).group(2).lower()) for name in names], numpy.int64)


def reduced(names):
    """Return a random int(0.2 * n) of each class's names."""
    return [names[row] for row in rows_of_each_class(labels_of(names), REDUCTION, REDUCTION_SEED)]
