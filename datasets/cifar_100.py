"""CIFAR-100: 60,000 colour pictures of 32x32 pixels, a hundred fine classes (Krizhevsky 2009)."""

import hashlib

from . import archives, cifar
from .dataset import Decoded, Download, counted
from .images import resized

SIZE = None
ADDRESS = "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz"
LAYOUT = "cifar-100-binary.tar.gz, or unpacked cifar-100-binary/train.bin, test.bin"
ARCHIVE_MD5 = "03b5dce01913d631647c71ecec9e9cb8"
DOWNLOADS = (Download(ADDRESS, "md5:" + ARCHIVE_MD5, "cifar-100-binary.tar.gz"),)
FOLDER = "cifar-100-binary"
ROWS = {"train": 50000, "test": 10000}
# MD5 of the unpacked files, as github.com/rai-project/dldataset lists them: the author publishes the archive's only.
UNPACKED = {"train.bin": "6172c7755cfe09b2fe270c85cebc1b15", "test.bin": "4499cfba6c016c1be1438163640a0898"}
CLASSES = (  # noqa: SIM905 - as a list it takes a hundred lines
    "apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle "
    "caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant "
    "flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man "
    "maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree "
    "plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail "
    "snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout "
    "tulip turtle wardrobe whale willow_tree wolf woman worm"
).split()


def sources(home):
    return archives.files_or_archive(home, FOLDER, ["train.bin", "test.bin"], "cifar-100-binary.tar.gz")


def decode(paths, size):
    """Return Decoded: uint8 (N, 32, 32, 3), fine labels."""
    found = archives.read_members(paths, FOLDER, UNPACKED)
    archives.check_present(paths, found, UNPACKED)
    published = is_published_archive(paths)
    arrays, notes = [], []
    for split, rows in ROWS.items():
        name = split + ".bin"
        images, labels = cifar.records(archives.place(paths, name), found[name], 2, rows, len(CLASSES))
        arrays += [resized(images, size), labels]
        if len(labels) < rows:
            notes.append(counted(len(labels), rows, split))
        elif not published:
            notes += cifar.unpublished({name: found[name]}, UNPACKED)
    return Decoded(*arrays, classes=CLASSES, complete=not notes, notes=notes)


def is_published_archive(paths):
    if not paths[0].endswith(".tar.gz"):
        return False
    with open(paths[0], "rb") as file:
        return hashlib.md5(file.read()).hexdigest() == ARCHIVE_MD5
