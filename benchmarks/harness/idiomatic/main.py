"""Runs a framework's idiomatic loop as a worker:  python -I main.py JOB OUT, with the protocol of worker/main.py.

So it can alternate with ours, epoch by epoch. Its own clock counts: the seconds of its epochs are in the "done" event.
"""

import json
import os
import sys
import types


def main(job_path, out):
    doorbell = os.dup(1)
    os.dup2(2, 1)
    with open(job_path) as file:
        job = json.load(file)
    package = types.ModuleType("suite")
    package.__path__ = [job["root"]]
    sys.modules["suite"] = package
    from suite.worker import main as worker

    os.sched_setaffinity(0, job["cpus"])
    worker.die_with_parent()
    events = worker.Events(os.path.join(out, "events.jsonl"), doorbell)
    loop = worker.mount(job["root"], job["adapter"])
    arrays, layers, optimizer = prepared(job, worker)
    begun = []

    def permit():
        """Say that the epoch before is over, and wait until the next one is granted."""
        events.write(
            {"event": "epoch", "number": len(begun), "seconds": None} if begun else {"event": "ready", "about": {}}
        )
        sys.stdin.readline()
        begun.append(True)

    seconds = loop.epochs(
        arrays,
        layers,
        arrays.train_images.shape[1:],
        len(job["dataset"]["classes"]),
        job["batch_size"],
        optimizer,
        job["threads"],
        job["epochs"],
        permit,
    )
    events.write({"event": "epoch", "number": len(begun), "seconds": None})
    events.write({"event": "done", "phases": {}, "seconds": seconds})


def prepared(job, worker):
    """Return the job's arrays, their pixels scaled, its layers and its optimizer."""
    optimizers, kinds, model = (
        worker.mount(job["root"], "models." + name) for name in ("optimizers", "layers", job["model"])
    )
    arrays = worker.load(job["dataset"]["files"])
    arrays.train_images = worker.scale(arrays.train_images)
    layers = rows_as_steps(model.layers(len(job["dataset"]["classes"]), **job["parameters"]), arrays, kinds)
    return arrays, layers, optimizers.made(job["optimizer"])


def rows_as_steps(layers, arrays, kinds):
    """Return the layers without a first one that makes steps of an image's rows: a user reshapes the array, once."""
    first = layers[0]
    if type(first) is not kinds.TimeDistributed or [type(layer) for layer in first.body] != [kinds.Flatten]:
        return layers
    count, steps = arrays.train_images.shape[:2]
    arrays.train_images = arrays.train_images.reshape(count, steps, -1)
    return layers[1:]


if __name__ == "__main__":
    main(*sys.argv[1:])
