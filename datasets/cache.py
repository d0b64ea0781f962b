"""Finds or fetches a dataset, decodes it once into memory-mappable .npy files, and says what it is.

In the cache: downloads/ laid out like a data home; NAME-SIZE-KEY/ with four arrays and record.json, moved there whole. The key
is made of the sources' names, sizes and modification times and of this folder's code: asking again reads no data at all.
"""

import contextlib
import functools
import hashlib
import importlib
import json
import os
import shutil

import numpy

from .dataset import NAMES, Missing, Unfit, Wrong, check_classes
from .derive import derived

ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")
KINDS = ((numpy.uint8, 4), (numpy.int32, 2))  # of images and of text: type and axes
LARGEST_SIDE = 1024  # pixels


def prepare(name, size, data_home, cache, derive=None, fetch=True):
    """Return the manifest of a dataset, decoding it if that was not done before. Raises Missing or Wrong.

    size: the side in pixels to which the images are resized, or None for the dataset's own. derive: what derive.py makes of it.
    fetch: download what is not there.
    """
    module = load_module(name)
    size = module.SIZE if size is None else size
    if size is not None and not 1 <= size <= LARGEST_SIDE:
        raise Wrong("{}: size {}; wanted 1 to {} pixels".format(name, size, LARGEST_SIDE))
    paths = locate(name, module, data_home, cache, fetch)
    key = content_key(paths, derive)
    folder = os.path.join(os.path.abspath(cache), "{}-{}-{}".format(name, size or "native", key))
    manifest = read_manifest(folder)
    if manifest is None:
        with locked(folder):
            # Another process may have decoded it while this one waited.
            manifest = read_manifest(folder)
            if manifest is None:
                decode = functools.partial(decode_checked, name, module, paths, size, derive or {})
                manifest = write_whole(folder, name, size, decode)
    manifest["files"] = {array: os.path.join(folder, array + ".npy") for array in ARRAYS}
    return manifest


def survey(names, data_home, cache):
    """Return [{"dataset", "state", "where", "message", "rows"}]; downloads nothing, decodes what is there."""
    return [survey_one(name, load_module(name), data_home, cache) for name in names]


def survey_one(name, module, data_home, cache):
    entry = {"dataset": name, "state": "missing", "where": None, "message": "", "rows": {}}
    try:
        paths = locate(name, module, data_home, cache, fetch=False)
        entry["where"] = place(paths)
        manifest = prepare(name, None, data_home, cache, fetch=False)
    except Missing as problem:
        entry["message"] = str(problem)
    except Wrong as problem:
        entry.update(state="wrong", message=str(problem))
    else:
        state = "present" if manifest["complete"] else "part"
        entry.update(state=state, message="; ".join(manifest["notes"]), rows=manifest["rows"])
    return entry


def place(paths):
    """Return the file, or the folder that all of them are in, for messages."""
    return paths[0] if len(paths) == 1 else os.path.commonpath(paths)


def load_module(name):
    if name not in NAMES:
        raise Wrong("no dataset is named {!r}; wanted one of {}".format(name, ", ".join(NAMES)))
    return importlib.import_module("." + name.replace("-", "_"), __package__)


def locate(name, module, data_home, cache, fetch):
    """Return the source paths: in the data home, or else in the cache, downloaded if need be. Raises Missing or Wrong."""
    found = module.sources(data_home) if data_home else []
    if found:
        return found
    downloads = os.path.join(os.path.abspath(cache), "downloads")
    absent = [one for one in module.DOWNLOADS if not os.path.isfile(os.path.join(downloads, one.path))]
    if absent and not fetch:
        raise Missing("{}: not downloaded yet from {}".format(name, module.ADDRESS))
    for download in absent:
        fetch_one(name, module, download, downloads, data_home)
    found = module.sources(downloads)
    if not found:
        raise Missing(by_hand(name, module, data_home, "it cannot be downloaded without you"))
    return found


def fetch_one(name, module, download, downloads, data_home):
    """Download into a temporary file, compare the hash, then move it to its place. Raises Missing or Wrong."""
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    folder, file = os.path.split(os.path.join(downloads, download.path))
    try:
        pooch.retrieve(download.url, download.hash, fname=file, path=folder)
    except requests.exceptions.RequestException as error:
        reason = "{} could not be downloaded ({}: {:.100})".format(download.url, type(error).__name__, str(error))
        raise Missing(by_hand(name, module, data_home, reason)) from None
    except ValueError as error:  # pooch's word for another hash
        raise Wrong(
            "{}: {}; wanted {}. Try again, or fetch it by hand".format(download.url, error, download.hash)
        ) from None


def by_hand(name, module, data_home, reason):
    """Return the message that tells a person how to get the data."""
    home = "no data home is set"
    if data_home:
        home = data_home + (" holds none of it" if os.path.isdir(data_home) else " is not a folder")
    lines = (
        "{}: {}, and {}.".format(name, home, reason),
        "Fetch it from {}".format(module.ADDRESS),
        "put it into {} as {}".format(data_home or "a folder of yours", module.LAYOUT),
        "and name that folder with FRAMEGATE_DATA or --data-home.",
    )
    return "\n  ".join(lines)


def content_key(paths, derive=None):
    """Return 16 hex digits that change when a source, what is made of it or this folder's code does."""
    digest = hashlib.sha256(json.dumps(derive or {}, sort_keys=True).encode())
    for path in paths:
        status = os.stat(path)
        # Of the path only the end counts: a data home may move. mtime_ns, as a size can stay while bytes change.
        tail = "/".join(path.split(os.sep)[-4:])
        digest.update("{} {} {}\n".format(tail, status.st_size, status.st_mtime_ns).encode())
    here = os.path.dirname(os.path.abspath(__file__))
    for name in sorted(os.listdir(here)):
        if name.endswith(".py"):
            with open(os.path.join(here, name), "rb") as file:
                digest.update(file.read())
    return digest.hexdigest()[:16]


def read_manifest(folder):
    """Return the manifest of a decoded dataset, or None if it is not there whole."""
    try:
        with open(os.path.join(folder, "record.json")) as file:
            record = json.load(file)
        if all(os.path.getsize(os.path.join(folder, name + ".npy")) == record["bytes"][name] for name in ARRAYS):
            return record["manifest"]
    except (OSError, ValueError, KeyError):
        pass  # absent or spoilt: it is decoded again
    return None


@contextlib.contextmanager
def locked(folder):
    """Keep other processes out of a cache folder; a killed process's lock is released by the system."""
    import filelock

    os.makedirs(os.path.dirname(folder), exist_ok=True)
    with filelock.FileLock(folder + ".lock"):
        yield


def decode_checked(name, module, paths, size, derive):
    """Return Decoded, as its contract and derive want it. Raises Wrong."""
    try:
        decoded = module.decode(paths, size)
        check(decoded)
        if decoded.train_images.ndim == 4:  # of a text the classes are all words, few of which are answers
            check_classes(place(paths), decoded.train_labels, decoded.classes, "train")
            check_classes(place(paths), decoded.test_labels, decoded.classes, "test")
    except Unfit as problem:
        raise Wrong("{}: {}".format(name, problem)) from None
    except Wrong as problem:
        raise Wrong("{}: {}. Delete it and fetch it again from {}".format(name, problem, module.ADDRESS)) from None
    try:
        return derived(decoded, derive)
    except Wrong as problem:
        raise Wrong("{}: {}".format(name, problem)) from None


def write_whole(folder, name, size, decode):
    """Return the manifest of what decode() returns; the folder appears whole or not at all. Call it under the folder's lock."""
    part = folder + ".part"
    for leftover in (part, folder):  # of a process that was killed, or a cache somebody damaged
        shutil.rmtree(leftover, ignore_errors=True)
    os.makedirs(part)
    try:
        manifest = write(part, name, size, decode())
        os.rename(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return manifest


def write(folder, name, size, decoded):
    """Write the arrays and the record; return the manifest, without the files' places."""
    sizes = {}
    for array in ARRAYS:
        path = os.path.join(folder, array + ".npy")
        numpy.save(path, numpy.ascontiguousarray(getattr(decoded, array)), allow_pickle=False)
        sizes[array] = os.path.getsize(path)
    manifest = {
        "dataset": name,
        "size": size,
        "shape": list(decoded.train_images.shape[1:]),
        "classes": list(decoded.classes),
        "rows": {"train": len(decoded.train_labels) // decoded.variants, "test": len(decoded.test_labels)},
        "variants": decoded.variants,
        "complete": bool(decoded.complete),
        "notes": list(decoded.notes),
        "left_out": list(decoded.left_out),
        "fingerprint": fingerprint(decoded),
    }
    with open(os.path.join(folder, "record.json"), "w") as file:
        json.dump({"manifest": manifest, "bytes": sizes, "train_names": list(decoded.train_names)}, file)
    return manifest


def fingerprint(decoded):
    """Return the SHA-256 over the decoded arrays: names, types, shapes and bytes, in a fixed order."""
    digest = hashlib.sha256()
    for name in ARRAYS:
        array = numpy.ascontiguousarray(getattr(decoded, name))
        digest.update("{} {} {}\n".format(name, array.dtype.str, array.shape).encode())
        digest.update(memoryview(array).cast("B"))
    return digest.hexdigest()


def check(decoded):
    """Raise Wrong if arrays are not what dataset.Decoded promises."""
    for split in ("train", "test"):
        images, labels = getattr(decoded, split + "_images"), getattr(decoded, split + "_labels")
        kind = images.dtype, images.ndim
        if kind not in KINDS or images.shape[1:] != decoded.train_images.shape[1:]:
            wanted = "uint8 (N, H, W, C), or int32 (N, length) of a text"
            raise Wrong("{} images are {} {}; wanted {}".format(split, images.dtype, images.shape, wanted))
        if labels.dtype != numpy.int64 or labels.shape != images.shape[:1] or not len(labels):
            raise Wrong(
                "{} labels are {} {}; wanted int64 {}".format(split, labels.dtype, labels.shape, images.shape[:1])
            )
        if labels.min() < 0 or labels.max() >= len(decoded.classes):
            found = "{} to {}".format(labels.min(), labels.max())
            raise Wrong("{} labels are {}; wanted 0 to {}".format(split, found, len(decoded.classes) - 1))
