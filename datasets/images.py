"""Decodes and resizes images with Pillow, which is imported only where it is needed."""

import io
import os
import re
import shlex

import numpy

from .archives import BROKEN
from .dataset import Unfit, Wrong

FORMATS = ("JPEG", "PNG", "GIF", "BMP")  # all are found, named .jpg, in the original cats and dogs
SUFFIXES = (".jpg", ".jpeg", ".png", ".gif", ".bmp")
FILE = "[^/]+(?:{})$".format("|".join(map(re.escape, SUFFIXES)))  # a name in a class's folder, as a regular expression
MOST_PIXELS = 25000000  # an image may claim to be larger than memory
CORRUPT = BROKEN + (SyntaxError, TypeError, MemoryError)


def resized(images, size):
    """Return uint8 (N, size, size, C) of uint8 (N, H, W, C), bilinear; the same array if size is None or the side it has."""
    if size is None or images.shape[1:3] == (size, size):
        return images
    from PIL import Image

    out = numpy.empty((len(images), size, size, images.shape[3]), numpy.uint8)
    for row, image in enumerate(images):
        picture = Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
        out[row] = numpy.asarray(picture.resize((size, size), Image.BILINEAR)).reshape(out.shape[1:])
    return out


def decode_image(data, size):
    """Return uint8 (size, size, 3) of an encoded image. Raises one of CORRUPT."""
    from PIL import Image

    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)  # reads the header only
    except Image.DecompressionBombError as error:
        raise ValueError(error) from None
    if picture.width * picture.height > MOST_PIXELS:
        raise ValueError("{} x {} pixels".format(picture.width, picture.height))
    colour = picture.convert("RGB")
    if colour.size != (size, size):
        colour = colour.resize((size, size), Image.BILINEAR)
    return numpy.asarray(colour)


def decode_images(files, names, size):
    """Return (images, good): uint8 (N, size, size, 3) of the images that could be decoded, and bool (len(names),)."""
    images = numpy.empty((len(names), size, size, 3), numpy.uint8)
    good = numpy.zeros(len(names), bool)
    for row, name in enumerate(names):
        try:
            images[row] = decode_image(files[name](), size)
            good[row] = True
        except CORRUPT:
            continue  # the caller reports it by name
    return (images if good.all() else images[good]), good


def check_count(where, names, most):
    """Raise Wrong where there are more images than the published dataset has: they would fill the memory."""
    if len(names) > most:
        raise Wrong("{}: {:,} images; wanted at most {:,}".format(where, len(names), most))


def place(paths, parent):
    """Return where the classes lie, for messages: the zip file, or the parent of their folders, as "PetImages" is."""
    if paths[0].endswith(".zip"):
        return paths[0]
    return os.path.join(paths[0].rsplit(os.sep, parent.count("/") + 3)[0], parent)


def check_no_other_class(paths, files, parents, classes):
    """Raise Unfit where a folder beside the classes' has images: nothing would ever be trained or tested on them.

    files: names as image_files has them. parents: what lies above the classes' folders: "PetImages". classes: in small letters.
    """
    for name in sorted(files):
        parts = name.split("/")
        parent, folder = "/".join(parts[:-2]), parts[-2] if len(parts) > 2 else ""
        below = ("/" + parent.lower()).endswith(tuple("/" + one.lower() for one in parents))
        if below and folder.lower() not in classes and name.lower().endswith(SUFFIXES) and not hidden(parts):
            found = "{}: a folder of images that is no class; wanted only {}"
            place, remedy = other_class(paths, parent, folder, len(parts))
            raise Unfit((found + ". Take it away: {}").format(place, ", ".join(classes), remedy))


def other_class(paths, parent, folder, depth):
    """Return (place, command): where a folder that is no class lies, and what takes it away."""
    if paths[0].endswith(".zip"):
        inside = parent + "/" + folder
        return paths[0] + ": " + inside, "zip -d {} {}".format(shlex.quote(paths[0]), shlex.quote(inside + "/*"))
    home = paths[0].rsplit(os.sep, depth)[0]
    place = os.path.join(home, parent, folder)
    return place, "mv {} {}".format(shlex.quote(place), shlex.quote(home))


def hidden(parts):
    """Return whether a name is of a file that systems put beside the images."""
    return any(part.startswith(".") or part == "__MACOSX" for part in parts)


def listed(*parents):
    """Return the paths of all image files in the folders below parents that are there, sorted by folder and name."""
    found = []
    for parent in parents:
        folders = sorted(os.listdir(parent)) if os.path.isdir(parent) else []
        for folder in [os.path.join(parent, name) for name in folders if not hidden([name])]:
            names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
            found.extend(os.path.join(folder, name) for name in names if name.lower().endswith(SUFFIXES))
    return found


def left_out_note(names):
    """Return notes on corrupt images."""
    if not names:
        return []
    shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return ["{:,} corrupt images left out: {}".format(len(names), shown)]
