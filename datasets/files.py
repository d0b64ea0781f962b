"""Lays a dataset's train images out as files, one a row, for the input pipelines: FOLDER/000000.jpg or .png, numbered by row.

They are the files that the rows were decoded from, and PNGs of the rows where there are none.
"""

import io
import json
import os
import shutil

import numpy

from .archives import image_files
from .cache import locked
from .dataset import Wrong
from .images import FORMATS

SUFFIXES = {"JPEG": ".jpg", "PNG": ".png"}  # what the frameworks' decoders know
ORIENTATION = 0x0112  # a tag of EXIF: OpenCV turns an image as it says, the other decoders do not


def train_files(manifest, sources):
    """Return the folder of a prepared dataset's train images, written where it is not there yet. Raises Wrong.

    manifest: of cache.prepare. sources: the paths that it was decoded from.
    """
    decoded = os.path.dirname(manifest["files"]["train_images"])
    images = numpy.load(manifest["files"]["train_images"], mmap_mode="r")
    if images.ndim != 4:
        raise Wrong("{}: a text has no image files; wanted a dataset of images".format(manifest["dataset"]))
    folder = os.path.join(decoded, "train")
    with locked(decoded):
        if not os.path.isdir(folder):
            with open(os.path.join(decoded, "record.json")) as file:
                write_whole(folder, images, json.load(file)["train_names"], sources)
    return folder


def write_whole(folder, images, names, sources):
    """Write the folder, which appears whole or not at all. Call it under the lock."""
    part = folder + ".part"
    shutil.rmtree(part, ignore_errors=True)  # of a process that was killed
    os.makedirs(part)
    try:
        if names:
            with image_files(sources, depth=names[0].count("/") + 1) as files:
                write(part, images, [files[name] for name in names])
        else:
            write(part, images, None)
        os.rename(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write(folder, images, readers):
    """Write a file a row. readers: functions that return the bytes of the rows' own files, or None."""
    for row, image in enumerate(images):
        data = readers[row]() if readers else b""
        suffix = suffix_of(data) if readers else None
        if suffix is None:
            data, suffix = png(image), ".png"
        with open(os.path.join(folder, "{:06d}{}".format(row, suffix)), "wb") as file:
            file.write(data)


def suffix_of(data):
    """Return the suffix of an encoded image, or None for one that decoders read differently: its row is written as PNG."""
    from PIL import Image

    picture = Image.open(io.BytesIO(data), formats=FORMATS)
    is_plain = picture.mode in ("RGB", "L") and picture.getexif().get(ORIENTATION, 1) == 1
    return SUFFIXES.get(picture.format) if is_plain else None


def png(image):
    """Return uint8 (H, W, C) as PNG, which loses nothing."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image).save(file, "PNG")
    return file.getvalue()
