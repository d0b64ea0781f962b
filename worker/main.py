"""Runs one job in whatever environment its interpreter belongs to:  python -I worker/main.py JOB OUT

The protocol
------------
JOB is a JSON object (framegate/runner/jobs.py writes it):

    cell, process   whose work this is; for people
    root            the folder that holds models/, frameworks/ and worker/
    adapter         module with the Session, below root: "frameworks.mxnet_session"
    model           module with the layers, below root/models: "lenet"
    parameters      what its layers() is given besides the number of classes: {"widths": [300, 100]}
    dataset         {"shape": [H, W, C], "classes": [...], "fingerprint": SHA-256, "files": {"train_images": path.npy, ...},
                    "variants": how often the train split is in them, "train_files": null, or the folder of its files}:
                    images uint8 (N, H, W, C), or int32 (N, length) where they are texts, the words' numbers; labels int64 (N,)
    pretrained      null, or {"file": .npz, ...}: the weights with which the model begins, see pretrained.py
    purpose         "training": an epoch is one pass over the train split; "inference": one pass over the test split;
                    "pipeline": one pass over the train split's files, see pipeline.py, which needs no model
    batch_size, optimizer ({"name": ..., constants} or null), epochs, seed, init ("canonical" or "native"), device, threads
    cpus            the processors this process may run on, or null
    train_accuracy  whether the train split, with all its variants, is judged after each epoch too; no part of its seconds
    rows            null, or for each epoch how many rows of its order to visit (for parity tests)
    test_rows       null, or how many of the first rows of the test split there are
    dropout         false sets every dropout rate to zero (for parity tests)
    export          null, or the form in which the session is to export the model after the last epoch, see exports.py
    exported        null, or the path of a model that another process exported: the session only predicts, and with that one
    save            names of arrays to leave in OUT: "labels" (labels.npz: `predicted` and `true` of the test split, after
                    the last epoch, (N,), uint8 where that holds the classes), "probabilities" (probabilities.npy of the
                    test split, after the last epoch, float32 (N, classes)), "trace" (trace-0.npz before the first epoch,
                    trace-1.npz after it, and so on: `probabilities` of the test split, float32 (N, classes), and all weights
                    by canonical name; for parity tests), "body" (body.npz: all weights but the last layer's, as `pretrained` wants
                    them; not of init "native")
    spawned         time.monotonic() of the driver just before it started this process

Standard input: one line grants one epoch; the end of the file ends the job early. Standard output: one newline an event, so
that the driver can block until something happened; whatever the framework prints goes to standard error, the log.
OUT/events.jsonl: one JSON object a line, flushed, in this order:

    {"event": "phase", "name": "start-up" | "import" | "load" | "preprocess" | "build", "seconds": s}   once each
    {"event": "ready", "about": {...}}            Session.about(); the worker waits for its first grant
    {"event": "epoch", "number": n, ...}          after each epoch, counted from 1:
        seconds, images_per_second
        cpu_seconds, cpu_per_second, involuntary_switches, machine_busy_seconds, steal_seconds, pressure_seconds
                                                  the witnesses of noise, see witnesses.py; null where the system has none
        peak_bytes, device_peak_bytes             so far; null where there is no such memory or measure
        train_loss, test_loss, test_accuracy, evaluate_seconds              training only; means over the rows
        train_accuracy                                                      the same, where the job asks for it
        first_step_seconds                        training only, first epoch, unless a solver does without batches
    {"event": "done", "phases": {name: seconds}}  arrays are written; phases add "first step", "epochs", "evaluate",
                                                  "save", "export" and "waiting" (for grants)

An epoch is timed from before its first batch until Session.finish() returned; the evaluation after it is timed apart
("evaluate_seconds"). The first epoch is warm-up; its first batch is timed apart too ("first_step_seconds", within "seconds").
The exit status is 0 after "done"; an exception leaves its traceback in the log and exits 1. Nothing else is ever a result.
"""

import json
import os
import sys
import time


def main(job_path, out):
    doorbell = os.dup(1)
    os.dup2(2, 1)  # what a framework prints, in Python or in C, must never look like an event
    with open(job_path) as file:
        job = json.load(file)
    if job["cpus"] and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, job["cpus"])  # before numpy or a framework starts its threads
    die_with_parent()
    events = Events(os.path.join(out, "events.jsonl"), doorbell)
    phases = Phases(events)
    phases.add("start-up", time.monotonic() - job["spawned"])
    if job["purpose"] == "pipeline":
        mount(job["root"], "worker.pipeline").run(job, phases, events)
        return
    session, arrays = prepare(job, phases)
    events.write({"event": "ready", "about": session.about()})
    probabilities = run_epochs(job, session, arrays, phases, events, out)
    with phases.measure("save"):
        answers = mount(job["root"], "worker.answers")
        answers.save(job["save"], arrays.test_labels, probabilities, out)
        if "body" in job["save"]:
            answers.save_body(session.weights(), list(arrays.weights), out)
    if job["export"]:
        with phases.measure("export"):
            mount(job["root"], "worker.exports").export(session, job["export"], out)
    events.write({"event": "done", "phases": phases.seconds})


def die_with_parent():
    """Let the kernel end this process when the driver is gone: an orphan would disturb the next measurement. Linux only."""
    if sys.platform.startswith("linux"):
        import ctypes

        ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL


class Events:
    """The event file and the doorbell that says there is a new line in it."""

    def __init__(self, path, doorbell):
        self.file = open(path, "a")  # noqa: SIM115 - open until the process ends
        self.doorbell = doorbell

    def write(self, event):
        self.file.write(json.dumps(event) + "\n")
        self.file.flush()
        os.write(self.doorbell, b"\n")


class Phases:
    """Where the process's time went: seconds by phase. The phases before the first grant are events too."""

    def __init__(self, events):
        self.seconds = {}
        self.events = events

    def add(self, name, seconds, announce=True):
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds
        if announce:
            self.events.write({"event": "phase", "name": name, "seconds": seconds})

    def measure(self, name, announce=False):
        return Stopwatch(lambda seconds: self.add(name, seconds, announce))


class Stopwatch:
    def __init__(self, report):
        self.report = report

    def __enter__(self):
        self.begin = time.perf_counter()
        return self

    def __exit__(self, kind, value, trace):
        self.seconds = time.perf_counter() - self.begin
        self.report(self.seconds)


def prepare(job, phases):
    """Return the adapter's session and the arrays that it trains on."""
    from types import SimpleNamespace

    with phases.measure("import", announce=True):
        adapter = mount(job["root"], job["adapter"])
        layers = mount(job["root"], "models.layers")
        weights = mount(job["root"], "models.weights")
        optimizers = mount(job["root"], "models.optimizers")
        model = mount(job["root"], "models." + job["model"])
    with phases.measure("load", announce=True):
        arrays = load(job["dataset"]["files"])
        for name in ("test_images", "test_labels"):
            setattr(arrays, name, getattr(arrays, name)[: job["test_rows"]])
    with phases.measure("preprocess", announce=True):
        for split in ("train_images", "test_images"):
            setattr(arrays, split, scale(getattr(arrays, split)))
    with phases.measure("build", announce=True):
        shape = tuple(job["dataset"]["shape"])
        classes = len(job["dataset"]["classes"])
        described = model.layers(classes, **job["parameters"])
        if not job["dropout"]:
            described = layers.without_dropout(described)
        optimizer = optimizers.made(job["optimizer"])
        arrays.weights = None
        if job["init"] == "canonical":
            arrays.weights = weights.initial_weights(described, shape, job["seed"])
            if job["pretrained"]:
                mount(job["root"], "worker.pretrained").put(job["pretrained"]["file"], arrays.weights)
        told = {name: job[name] for name in ("batch_size", "seed", "device", "threads", "init", "exported")}
        session = adapter.Session(
            SimpleNamespace(layers=described, input_shape=shape, classes=classes, optimizer=optimizer, **told), arrays
        )
        session.finish()
    del arrays.train_images, arrays.test_images  # the session has them where it wants them
    return session, arrays


def mount(root, name):
    """Return the module root/NAME, imported below a private package.

    So neither models/ nor datasets/ is ever found by a framework's own `import datasets`, nor shadowed by a package of that name.
    """
    import importlib
    import types

    if "suite" not in sys.modules:
        package = types.ModuleType("suite")
        package.__path__ = [root]
        sys.modules["suite"] = package
    return importlib.import_module("suite." + name)


def load(files):
    """Return the splits, memory-mapped: images uint8 (N, H, W, C) or int32 (N, length), labels int64 (N,)."""
    from types import SimpleNamespace

    import numpy

    return SimpleNamespace(**{name: numpy.load(path, mmap_mode="r") for name, path in files.items()})


def scale(images):
    """Return float32 images in [0, 1]. One division in float32, so that every environment computes the same bits. Texts stay."""
    import numpy

    if images.dtype != numpy.uint8:
        return numpy.array(images)
    return numpy.divide(images, numpy.float32(255), dtype=numpy.float32)


def run_epochs(job, session, arrays, phases, events, out):
    """Return the last probabilities of the test split, after as many epochs as were granted."""
    witnesses, answers = mount(job["root"], "worker.witnesses"), mount(job["root"], "worker.answers")
    probabilities = None
    if "trace" in job["save"]:
        answers.trace(0, session, session.predict("test"), out)
    for number in granted_epochs(job, phases):
        if job["purpose"] == "training":
            event = train(job, session, arrays, number, phases, witnesses)
            with phases.measure("evaluate") as watch:
                probabilities = session.predict("test")
                if job["train_accuracy"]:
                    event["train_accuracy"] = answers.accuracy(session.predict("train"), arrays.train_labels)
            event["evaluate_seconds"] = watch.seconds
            event.update(answers.judge(probabilities, arrays.test_labels))
        else:
            before = witnesses.totals()
            with phases.measure("epochs") as watch:
                probabilities = session.predict("test")
                session.finish()
            event = describe(number, watch.seconds, len(arrays.test_labels), before, witnesses.totals())
        event["peak_bytes"] = witnesses.peak_bytes()
        event["device_peak_bytes"] = session.device_peak_bytes()
        events.write(event)
        if "trace" in job["save"]:
            answers.trace(number, session, probabilities, out)
    return probabilities


def granted_epochs(job, phases):
    """Yield the numbers of the epochs from 1, each when the driver has granted it."""
    for number in range(1, job["epochs"] + 1):
        with phases.measure("waiting"):
            granted = sys.stdin.readline()
        if not granted:
            return
        yield number


def rows_to_visit(job, number, count):
    """Return an epoch's order: each image once, where there are variants in one of them. count: rows, all variants together."""
    import numpy

    # RandomState's streams are frozen: every numpy version draws the same order.
    random = numpy.random.RandomState([job["seed"], number])
    variants = job["dataset"]["variants"]
    order = random.permutation(count // variants)
    if variants > 1:
        order += len(order) * random.randint(variants, size=len(order))
    return order[: job["rows"][number - 1]] if job["rows"] else order


def train(job, session, arrays, number, phases, witnesses):
    """Return the event of one training epoch."""
    order = rows_to_visit(job, number, len(arrays.train_labels))
    before = witnesses.totals()
    begin = time.perf_counter()
    first = 0
    loss_sum = 0.0
    first_step_seconds = 0.0
    if number == 1 and job["optimizer"]:  # a solver sees all rows at once: it has no first batch
        first = min(job["batch_size"], len(order))
        loss_sum = session.train_epoch(order[:first]) * first
        session.finish()
        first_step_seconds = time.perf_counter() - begin
        phases.add("first step", first_step_seconds, announce=False)
    if first < len(order):
        loss_sum += session.train_epoch(order[first:]) * (len(order) - first)
    session.finish()
    seconds = time.perf_counter() - begin
    phases.add("epochs", seconds - first_step_seconds, announce=False)
    event = describe(number, seconds, len(order), before, witnesses.totals())
    event["train_loss"] = loss_sum / len(order)
    if first:
        event["first_step_seconds"] = first_step_seconds
    return event


def describe(number, seconds, images, before, after):
    """Return the part of an epoch's event that training and inference share."""
    event = {"event": "epoch", "number": number, "seconds": seconds, "images_per_second": images / seconds}
    for name, value in after.items():
        event[name] = None if value is None or before[name] is None else value - before[name]
    if event["cpu_seconds"] is not None:
        event["cpu_per_second"] = event["cpu_seconds"] / seconds  # the proof that a thread switch holds
    return event


if __name__ == "__main__":
    main(*sys.argv[1:])
