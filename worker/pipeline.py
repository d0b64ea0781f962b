"""Feeds image files to the device through a framework's own input pipeline: the job's purpose "pipeline".

An epoch is one pass over the train split's files, in an order drawn as in training: read, decoded, resized where they have
another size, scaled to [0, 1] in float32, in batches on the device. Nothing is computed with them. Events and phases are main.py's,
without a preprocess; "evaluate" is the pass before the first epoch that compares every image with Pillow's pixels.

The adapter's module is frameworks/NAME_pipeline.py, with

    class Pipeline:
        def __init__(self, job, paths, labels): ...   # job: batch_size, seed, device, threads, shape (H, W, C)
        def batches(self, order): ...      # yields (images, labels), both on the device, the rows in that order
        def to_numpy(self, images, labels): ...    # float32 (n, H, W, C), integers (n,)
        def finish(self): ...              # device barrier
        def about(self): ...               # as a Session's
        def device_peak_bytes(self): ...   # as a Session's
"""

import os
from types import SimpleNamespace

import numpy

from .main import describe, granted_epochs, load, mount, rows_to_visit, scale

# The mean absolute difference to Pillow's pixels, which lie in [0, 1], of one image and of all. Filters that shrink images differ: by
# up to 0.025 between OpenCV and Pillow, 0.006 on average. Cats and dogs at 64 pixels differ from one another by 0.14 and more,
# and by 0.07 on average from themselves with red and blue exchanged.
TOLERANCE, MEAN_TOLERANCE = 0.05, 0.01


class Unfair(Exception):
    """The pipeline gives other images than those of the job."""


def run(job, phases, events):
    with phases.measure("import", announce=True):
        adapter = mount(job["root"], job["adapter"])
    with phases.measure("load", announce=True):
        arrays = load(job["dataset"]["files"])
        paths = paths_in(job["dataset"]["train_files"])
    with phases.measure("build", announce=True):
        told = {name: job[name] for name in ("batch_size", "seed", "device", "threads")}
        told["shape"] = tuple(job["dataset"]["shape"])
        pipeline = adapter.Pipeline(SimpleNamespace(**told), paths, numpy.array(arrays.train_labels))
    with phases.measure("evaluate"):
        pixels = compare(pipeline, rows_to_visit(job, 0, len(paths)), paths, arrays)
    events.write({"event": "ready", "about": dict(pipeline.about(), pixels=pixels)})
    witnesses = mount(job["root"], "worker.witnesses")
    for number in granted_epochs(job, phases):
        events.write(one_epoch(job, pipeline, number, len(paths), phases, witnesses))
    events.write({"event": "done", "phases": phases.seconds})


def paths_in(folder):
    """Return the files in the order of their rows."""
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]


def compare(pipeline, order, paths, arrays):
    """Return how far the pipeline's images are from Pillow's, as shares of the full range. Raises Unfair."""
    distances, first = [], 0
    for images, labels in pipeline.batches(order):
        rows = order[first : first + len(labels)]
        first += len(labels)
        found, told = pipeline.to_numpy(images, labels)
        wanted = scale(arrays.train_images[rows])
        if found.shape != wanted.shape or found.dtype != numpy.float32:
            raise Unfair("images {} {}; wanted float32 {}".format(found.dtype, found.shape, wanted.shape))
        if not numpy.array_equal(told, arrays.train_labels[rows]):
            raise Unfair("other labels in the batch that ends with image {}; wanted the order's".format(first))
        distances.append(numpy.abs(found - wanted).mean(axis=(1, 2, 3)))
    if first != len(order):
        raise Unfair("{} images; wanted {}".format(first, len(order)))
    distances = numpy.concatenate(distances)
    worst = int(distances.argmax())
    if not distances[worst] <= TOLERANCE:
        told = "{}: {:.3f} away from Pillow's pixels on average".format(paths[order[worst]], distances[worst])
        raise Unfair("{}; wanted at most {}".format(told, TOLERANCE))
    if not distances.mean() <= MEAN_TOLERANCE:
        told = "all images are {:.3f} away from Pillow's pixels on average".format(distances.mean())
        raise Unfair("{}; wanted at most {}".format(told, MEAN_TOLERANCE))
    return {"mean_deviation": float(distances.mean()), "largest_deviation": float(distances[worst])}


def one_epoch(job, pipeline, number, count, phases, witnesses):
    """Return the event of one pass. Raises Unfair where images are missing."""
    order = rows_to_visit(job, number, count)
    delivered = 0
    before = witnesses.totals()
    with phases.measure("epochs") as watch:
        for _, labels in pipeline.batches(order):
            delivered += len(labels)
        pipeline.finish()
    if delivered != count:
        raise Unfair("{} images in epoch {}; wanted {}".format(delivered, number, count))
    event = describe(number, watch.seconds, delivered, before, witnesses.totals())
    event["peak_bytes"] = witnesses.peak_bytes()
    event["device_peak_bytes"] = pipeline.device_peak_bytes()
    return event
