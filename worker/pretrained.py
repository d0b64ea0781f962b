"""Pretrained weights of a model in models/: converted once to canonical ones, and put where a model begins.

The head stays out, as a cell's classes are its own: what is kept are the weights of all layers but the Dense ones. They lie in a
.npz as "0", "1", ... in the model's order, since names depend on what is around the layers (Frozen, Resize).
"""

import json
import os

import numpy
from suite.datasets.dataset import Missing, Wrong
from suite.datasets.pretrained import hash_of, read_layers
from suite.models.layers import Rescale
from suite.models.shapes import ShapeError
from suite.models.vgg16 import IMAGENET
from suite.models.weights import weight_shapes

# Model -> the parameter with which it scales images as its published weights want them. Xception always does.
SCALED_WITH = {"mobilenet_v2": "side = 96", "vgg16": "imagenet = true"}


def path_of(model, cache):
    return os.path.join(cache, "weights", model + ".npz")


def convert(model, described, source, cache):
    """Return the record {"file", "sha256", "source", "shapes", "parameters"} of a model's converted weights. Raises Wrong.

    described: the model's layers; source: a file of keras.applications or torchvision.
    """
    try:
        wanted = base_weights(described)
    except Wrong as problem:
        raise Wrong("{}: {}".format(model, problem)) from None
    arrays = arranged(wanted, read_layers(source), source)
    if model == "vgg16":
        arrays[:2] = (from_torchvision if source.endswith(".pth") else from_keras)(*arrays[:2])
    file = path_of(model, cache)
    os.makedirs(os.path.dirname(file), exist_ok=True)
    record = {"file": file, "source": os.path.abspath(source), "scaled_with": SCALED_WITH.get(model)}
    record.update(shapes=[array.shape for array in arrays], parameters=sum(array.size for array in arrays))
    try:
        with open(file + ".part", "wb") as out:
            numpy.savez(out, **{str(number): array for number, array in enumerate(arrays)})
        record["sha256"] = hash_of(file + ".part", "sha256")
        with open(file + ".json.part", "w") as out:
            json.dump(record, out)
        os.replace(file + ".part", file)
        os.replace(file + ".json.part", file + ".json")
    finally:
        for part in (file + ".part", file + ".json.part"):
            if os.path.exists(part):
                os.remove(part)
    return record


def from_keras(kernel, bias):
    """Return VGG16's first weights for images that IMAGENET scaled: in Keras' they are the same, but blue, green, red."""
    return numpy.ascontiguousarray(kernel[:, :, ::-1]), bias


def from_torchvision(kernel, bias):
    """Return VGG16's first weights for images that IMAGENET scaled, from those for (image - mean) / deviation.

    Inside the image the sums are the same. The zeros of the padding are IMAGENET's mean, not torchvision's: up to half of 255 levels
    apart, which no weights could undo.
    """
    mean, deviation = 255 * numpy.array([(0.485, 0.456, 0.406), (0.229, 0.224, 0.225)])
    kernel = kernel / deviation[:, numpy.newaxis]
    bias = bias + numpy.einsum("hwio,i->o", kernel, -numpy.array(IMAGENET.offset) - mean)
    return kernel.astype(numpy.float32), bias.astype(numpy.float32)


def base_weights(described):
    """Return the weights of all layers but the Dense ones, which must come last: a head. described: a model without parameters."""
    try:
        weights = weight_shapes(described, (224, 224, 3))
    except ShapeError as problem:
        raise Wrong("no model of photographs, which alone can be pretrained: {}".format(problem)) from None
    kinds = [weight.name.split("/")[-2].rpartition("-")[2] for weight in weights]
    count = kinds.index("dense") if "dense" in kinds else len(kinds)
    if not count or set(kinds[:count]) - {"conv", "depthwiseconv", "batchnorm"} or set(kinds[count:]) - {"dense"}:
        found = ", ".join(sorted(set(kinds)))
        raise Wrong("its weights are of {}; wanted convolutions, then Dense alone, to be pretrained".format(found))
    return weights[:count]


def arranged(wanted, found, source):
    """Return the arrays in the order of the wanted weights. found: the file's layers by kind. Raises Wrong."""
    waiting = {kind: iter(layers) for kind, layers in found.items()}
    groups = layer_groups(wanted, "separable" in found)
    arrays = []
    for kind, weights in groups:
        arrays += fitting(weights, next(waiting.get(kind, iter(())), ()), source)
    left = sum(len(list(rest)) for kind, rest in waiting.items() if kind != "dense")
    if left:
        raise Wrong("{}: {} layers more than the model has; wanted its own weights".format(source, left))
    return arrays


def layer_groups(weights, separable):
    """Return [(kind, weights)], as Keras' layers are: a depthwise convolution and the Conv after it may be one."""
    groups = []
    for weight in weights:
        layer = weight.name.rpartition("/")[0]
        if groups and groups[-1][1][-1].name.rpartition("/")[0] == layer:
            groups[-1][1].append(weight)
        else:
            kind = {"batchnorm": "norm", "depthwiseconv": "depthwise"}.get(layer.rpartition("-")[2], "conv")
            groups.append((kind, [weight]))
    if not separable:
        return groups
    joined = []
    for kind, own in groups:
        if kind == "conv" and joined and joined[-1][0] == "depthwise":
            joined[-1] = ("separable", joined[-1][1] + own)
        else:
            joined.append((kind, own))
    return joined


def fitting(weights, arrays, source):
    shapes = [tuple(weight.shape) for weight in weights]
    if [array.shape for array in arrays] != shapes:
        has = ", ".join(str(array.shape) for array in arrays) or "nothing more"
        raise Wrong("{}: {} for {}; wanted {}".format(source, has, weights[0].name, ", ".join(map(str, shapes))))
    for weight, array in zip(weights, arrays):
        if not numpy.isfinite(array).all():
            raise Wrong("{}: {} is not finite everywhere; fetch the file again".format(source, weight.name))
        if weight.name.endswith("/moving_variance") and array.min() < 0:
            words = "{}: {} has {:g}; wanted variances of at least 0: fetch the file again"
            raise Wrong(words.format(source, weight.name, array.min()))
    return list(arrays)


def record_of(model, cache):
    """Return the record of a model's converted weights, as they are now. Raises Missing or Wrong."""
    file = path_of(model, cache)
    try:
        with open(file + ".json") as opened:
            record = json.load(opened)
        sha256 = hash_of(file, "sha256")
    except (OSError, ValueError):
        raise Missing(
            "{0}: no pretrained weights; fetch a file of keras.applications or torchvision, then: "
            "framegate data weights {0} FILE".format(model)
        ) from None
    if sha256 != record["sha256"]:
        raise Wrong("{}: SHA-256 {}; wanted {}: convert it again".format(file, sha256, record["sha256"]))
    if "scaled_with" not in record:
        raise Wrong("{}: converted before images were scaled for it; wanted: convert it again".format(file))
    return dict(record, file=file)


def check_fit(record, described, weights):
    """Raise Wrong where a model does not begin with what was converted: it has other parameters, or other images."""
    if record["scaled_with"] and type(described[0]) is not Rescale:
        words = "its pretrained weights want scaled images, and it begins with {}; wanted: parameters = {{ {} }}"
        raise Wrong(words.format(type(described[0]).__name__, record["scaled_with"]))
    for weight, shape in zip(weights, record["shapes"]):
        if weight.shape != tuple(shape):
            raise Wrong("{} is {}; the pretrained weights have {}".format(weight.name, weight.shape, tuple(shape)))


def put(file, weights):
    """Put a file's arrays in the place of the first of the weights, which are by canonical name in the model's order."""
    with numpy.load(file) as arrays:
        for number, name in zip(range(len(arrays.files)), list(weights)):
            weights[name] = arrays[str(number)]
