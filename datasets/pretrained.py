"""Reads the weights of pretrained image models as Keras and torchvision publish them, without either.

Keras: NAME.h5 and NAME.weights.h5 of keras.applications. torchvision: NAME.pth, of which only plain tensors are read. Each layer gives
a tuple of arrays in Keras' roles and layouts: (kernel,) or (kernel, bias), (depthwise kernel, pointwise kernel), (gamma, beta, mean,
variance).
"""

import collections
import hashlib
import io
import os
import pickle
import re
import zipfile

import numpy

from .archives import BROKEN
from .dataset import Wrong

LARGEST = 2 * 2**30  # bytes; VGG16 with its head has 553 MB
PUBLISHED = {  # as keras.applications and torchvision name them
    "vgg16_weights_tf_dim_ordering_tf_kernels.h5": "md5:64373286793e3c8b2b4e3219cbf3544b",
    "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5": "md5:6d6bbae143d832006294945121d1f1fc",
    "xception_weights_tf_dim_ordering_tf_kernels.h5": "md5:0a58e3b7378bc2990ea3b43d5981f1f6",
    "xception_weights_tf_dim_ordering_tf_kernels_notop.h5": "md5:b0042744bf5b25fce3cb969f33bebb97",
}
UNLIKE = "vgg16_features-amdegroot-88682ab5.pth"  # torchvision's too, but wants 255 * image less another mean
TORCHVISION = re.compile(r".+-([0-9a-f]{8})\.pth")  # the name holds the beginning of the file's SHA-256


def read_layers(path):
    """Return the layers' arrays by kind, each in the model's order: {"conv": [(kernel, bias), ...], ...}. Raises Wrong."""
    if os.path.isdir(path):
        raise Wrong(
            "{}: a folder; wanted a .h5, .weights.h5 or .pth file: framegate data weights MODEL FILE".format(path)
        )
    if not os.path.isfile(path):
        raise Wrong("{}: not found; wanted a .h5, .weights.h5 or .pth file".format(path))
    if os.path.getsize(path) > LARGEST:
        raise Wrong("{}: {:,} bytes; wanted at most {:,}".format(path, os.path.getsize(path), LARGEST))
    check_published(path)
    try:
        layers = torchvision_layers(path) if path.endswith(".pth") else keras_layers(path)
    except BROKEN + (pickle.UnpicklingError, TypeError, AttributeError) as error:
        raise Wrong("{}: cannot be read ({!r}); wanted weights of Keras or torchvision".format(path, error)) from None
    found = collections.defaultdict(list)
    for arrays in layers:
        found[kind_of(path, arrays)].append(tuple(numpy.asarray(array, numpy.float32) for array in arrays))
    return dict(found)


def hash_of(path, algorithm):
    digest = hashlib.new(algorithm)
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(2**20), b""):
            digest.update(block)
    return digest.hexdigest()


def check_published(path):
    """Raise Wrong where a file has the name of a published one, but another hash, or its images another scale."""
    name = os.path.basename(path)
    if name == UNLIKE:
        raise Wrong(
            "{}: wants images of another scale than torchvision's other VGG16: fetch vgg16-397923af.pth".format(path)
        )
    if name in PUBLISHED:
        algorithm, _, wanted = PUBLISHED[name].partition(":")
    elif TORCHVISION.fullmatch(name):
        algorithm, wanted = "sha256", TORCHVISION.fullmatch(name).group(1)
    else:
        return
    found = hash_of(path, algorithm)
    if not found.startswith(wanted):
        raise Wrong("{}: {} {}; the published file has {}. Fetch it again".format(path, algorithm, found, wanted))


def kind_of(path, arrays):
    """Return "conv", "depthwise", "separable", "norm" or "dense", by the arrays' shapes."""
    axes = [array.ndim for array in arrays]
    if axes == [1, 1, 1, 1]:
        return "norm"
    if axes[0] == 2:
        return "dense"
    if axes == [4, 4]:
        return "separable"
    if axes[0] == 4:
        return "depthwise" if arrays[0].shape[3] == 1 and arrays[0].shape[2] > 1 else "conv"
    words = "{}: a layer has weights of {} axes; wanted a convolution's, a normalisation's or a dense layer's"
    raise Wrong(words.format(path, axes))


def keras_layers(path):
    """Return the arrays of each layer of a file of Keras, in the model's order, in which at least those of one kind are."""
    import h5py

    with h5py.File(path, "r") as file:
        if "layer_names" in file.attrs:
            return [layer for layer in (old_layer(file[name]) for name in file.attrs["layer_names"]) if layer]
        found = {}
        file.visititems(lambda name, one: found.update({name: layer_of(one)}) if name.endswith("/vars") else None)
        return [found[name] for name in sorted(found, key=by_number) if found[name]]


def old_layer(group):
    return [group[name][()] for name in group.attrs["weight_names"]]


def layer_of(group):
    return [group[name][()] for name in sorted(group, key=int)]


def by_number(name):
    """Return what sorts "layers/conv2d/vars", "layers/conv2d_1/vars", "layers/conv2d_10/vars" as Keras numbered them."""
    kind, _, number = name.rpartition("/")[0].rpartition("_")
    return (kind, int(number)) if number.isdigit() else (name.rpartition("/")[0], 0)


def torchvision_layers(path):
    """Return the arrays of each layer of a file of torchvision, in Keras' layouts."""
    by_layer = collections.OrderedDict()
    for name, array in state_dict(path).items():
        layer, _, role = name.rpartition(".")
        if role not in ("weight", "bias"):
            # torchvision's networks with BatchNorm pad otherwise than Keras', and have another epsilon: not the same function.
            raise Wrong(
                "{}: {}; of torchvision only VGG16 is the network that Keras has: give Keras' file".format(path, name)
            )
        by_layer.setdefault(layer, []).append(array.transpose(2, 3, 1, 0) if array.ndim == 4 else array.T)
    return list(by_layer.values())


TYPES = {
    "FloatStorage": numpy.float32,
    "DoubleStorage": numpy.float64,
    "HalfStorage": numpy.float16,
    "LongStorage": numpy.int64,
}


class Tensors(pickle.Unpickler):
    """Unpickles dictionaries of tensors and nothing else: whatever other function a file names is refused, not called."""

    def __init__(self, file, storage_of):
        super().__init__(file)
        self.storage_of = storage_of

    def find_class(self, module, name):
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return rebuilt
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if module == "torch" and name in TYPES:
            return TYPES[name]
        raise pickle.UnpicklingError("it calls {}.{}".format(module, name))

    def persistent_load(self, identity):
        return self.storage_of(identity)


class Storage:
    """Where a tensor's values will be: in the older format they follow the pickle."""

    def __init__(self, kind, values=None):
        self.kind, self.values = kind, values


class Tensor:
    def __init__(self, storage, offset, shape, strides):
        self.storage, self.offset, self.shape, self.strides = storage, offset, shape, strides

    def array(self):
        values = self.storage.values
        end = self.offset + sum((side - 1) * stride for side, stride in zip(self.shape, self.strides))
        if (
            min(self.shape, default=1) < 1
            or min(self.strides, default=0) < 0
            or not 0 <= self.offset <= end < len(values)
        ):
            raise ValueError("a tensor lies outside of its values")
        steps = [stride * values.itemsize for stride in self.strides]
        return numpy.lib.stride_tricks.as_strided(values[self.offset :], self.shape, steps, writeable=False).copy()


def rebuilt(storage, offset, shape, strides, *others):
    return Tensor(storage, offset, shape, strides)


def state_dict(path):
    """Return {name: array} of a file that torch.save() made of a state_dict, in its format since 1.6 or in the one before."""
    read = zipped if zipfile.is_zipfile(path) else appended
    found = read(path)
    for name, tensor in found.items():
        if not isinstance(tensor, Tensor):
            raise Wrong(
                "{}: {!r} is no tensor; wanted a file of torch.save(model.state_dict(), FILE)".format(path, name)
            )
    return collections.OrderedDict((name, tensor.array()) for name, tensor in found.items())


def zipped(path):
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > LARGEST:
            raise Wrong("{}: {:,} bytes unpacked; wanted at most {:,}".format(path, unpacked, LARGEST))
        (pickled,) = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        folder = pickled[: -len("data.pkl")]

        def storage_of(identity):
            _, kind, key = identity[:3]
            return Storage(kind, numpy.frombuffer(archive.read(folder + "data/" + key), kind))

        return Tensors(io.BytesIO(archive.read(pickled)), storage_of).load()


def appended(path):
    """The older format: three pickles of no interest, the tensors, the storages' keys, and the storages' values in that order."""
    storages = {}

    def storage_of(identity):
        _, kind, key = identity[:3]
        return storages.setdefault(key, Storage(kind))

    with open(path, "rb") as file:
        for _ in range(3):
            Tensors(file, None).load()
        found = Tensors(file, storage_of).load()
        for key in Tensors(file, None).load():
            (count,) = numpy.frombuffer(file.read(8), numpy.int64)
            kind = numpy.dtype(storages[key].kind)
            storages[key].values = numpy.frombuffer(file.read(int(count) * kind.itemsize), kind)
    return found
