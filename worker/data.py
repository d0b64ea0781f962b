"""Prepares a dataset, or says what is there of each:  python -I worker/data.py REQUEST RESULT

REQUEST is a JSON object; both folders may be absent:

    dataset     its name, or null: say of each what is there
    size        side in pixels to which images are resized, or null for the dataset's own
    data_home   folder where people put what they fetched, or null
    derive      {} or what is made of the decoded arrays, see datasets/derive.py:
                {"rows": count, "fold": [which, of], "validation": share,
                "augment": {"shift", "shear", "zoom": largest, "flip": bool, "variants": n}}
    cache       folder for downloads and decoded arrays
    files       absent, or whether the train images are wanted as files too, for input pipelines
    model       {"name", "parameters", "pretrained": bool, "optimizer"} of a model that must fit the dataset, or null
    weights     absent, or {"model", "file"}: convert these pretrained weights, and do nothing else

RESULT, one of:

    {"dataset", "size", "shape": of a row, "classes": [names], "rows": {"train": n, "test": m}, "variants": v, "complete": bool,
     "notes": [text], "left_out": [names of corrupt files], "fingerprint": SHA-256 of the decoded arrays,
     "files": {"train_images": path of .npy, "train_labels", "test_images", "test_labels"}}    see datasets/dataset.py
    where files were wanted also "train_files": their folder, see datasets/files.py
    with a pretrained model also "pretrained": {"file", "sha256", ...}, which is also the answer where weights are converted
    {"datasets": [{"dataset", "state": "present" | "part" | "missing" | "wrong", "where", "message", "rows"}]}
    {"error": {"kind": "missing" | "failed" | "model", "message": text}}

The exit status is 0 whenever RESULT was written.
"""

import json
import os
import sys


def main(request_path, result_path):
    with open(request_path) as file:
        request = json.load(file)
    result = answer(request)
    with open(result_path + ".part", "w") as file:
        json.dump(result, file)
    os.replace(result_path + ".part", result_path)


def answer(request):
    """Return the result, an error of the data included."""
    cache = mount("datasets.cache")
    dataset = mount("datasets.dataset")
    try:
        if request.get("weights"):
            asked = request["weights"]
            described = mount("models." + asked["model"]).layers(10)
            return mount("worker.pretrained").convert(asked["model"], described, asked["file"], request["cache"])
        if request["dataset"] is None:
            return {"datasets": cache.survey(dataset.NAMES, request["data_home"], request["cache"])}
        wanted = [request[name] for name in ("dataset", "size", "data_home", "cache", "derive")]
        found = cache.prepare(*wanted)
        if request.get("files"):
            name, module = request["dataset"], cache.load_module(request["dataset"])
            sources = cache.locate(name, module, request["data_home"], request["cache"], fetch=False)
            found["train_files"] = mount("datasets.files").train_files(found, sources)
        model = request["model"]
        problem = misfit(model, found) if model else None
        if model and model["pretrained"] and not problem:
            found["pretrained"] = mount("worker.pretrained").record_of(model["name"], request["cache"])
            problem = misfit(model, found)
    except dataset.Missing as problem:
        return {"error": {"kind": "missing", "message": str(problem)}}
    except dataset.Wrong as problem:
        return {"error": {"kind": "failed", "message": str(problem)}}
    except OSError as problem:
        wanted = "files that can be read, and room and leave to write in {}".format(request["cache"])
        return {"error": {"kind": "failed", "message": "{}; wanted {}".format(problem, wanted)}}
    return {"error": {"kind": "model", "message": problem}} if problem else found


def misfit(model, found):
    """Return in words why a model cannot be made for a prepared dataset, or None: before any environment is built for it."""
    pretrained, wrong = mount("worker.pretrained"), mount("datasets.dataset").Wrong
    described = mount("models." + model["name"]).layers
    try:
        layers = described(len(found["classes"]), **model["parameters"])
        wanted = mount("models.weights").weight_shapes(layers, tuple(found["shape"]))
        mount("models.optimizers").made(model["optimizer"])
        (*_, output) = mount("models.shapes").output_shapes(layers, tuple(found["shape"]))
        if output != (len(found["classes"]),):
            raise ValueError(
                "its output is {}; wanted ({},), a logit of each class".format(output, len(found["classes"]))
            )
        if model["pretrained"]:
            pretrained.base_weights(described(10))
        if found.get("pretrained"):
            pretrained.check_fit(found["pretrained"], layers, wanted)
    except (ValueError, TypeError, wrong) as problem:  # a model's own refusals are ValueErrors, as ShapeErrors are
        return "{}: {}".format(model["name"], problem)
    return None


def mount(name):
    """Return a module of the suite; as in worker/main.py, which -I keeps this script from importing."""
    import importlib
    import types

    if "suite" not in sys.modules:
        suite = types.ModuleType("suite")
        suite.__path__ = [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]
        sys.modules["suite"] = suite
    return importlib.import_module("suite." + name)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
