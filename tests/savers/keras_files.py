"""Run in an environment of Keras: saves a network of keras.applications with random weights in both of Keras' formats.

    python -I keras_files.py NAME FOLDER

FOLDER gets NAME.h5, NAME.weights.h5, and NAME.npz with an image and what the network makes of it.
"""

import os
import sys

import h5py
import keras
import numpy
from keras.src.legacy.saving import legacy_h5_format

SIDE = 75  # the smallest that Xception and MobileNetV2 take is 71


def drawn(variable, random):
    """Return weights with which the values neither vanish nor grow from layer to layer."""
    if "gamma" in variable.path or "variance" in variable.path:
        return random.random_sample(variable.shape) + 0.5
    return random.normal(size=variable.shape) * (2.0 / max(1, numpy.prod(variable.shape[:-1]))) ** 0.5


def main(name, folder):
    random = numpy.random.RandomState(0)
    model = getattr(keras.applications, name)(weights=None, include_top=False, input_shape=(SIDE, SIDE, 3))
    model.set_weights([drawn(variable, random) for variable in model.weights])
    path = os.path.join(folder, name)
    model.save_weights(path + ".weights.h5")
    with h5py.File(path + ".h5", "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)  # as the published files are
    images = random.random_sample((1, SIDE, SIDE, 3)).astype("float32")
    numpy.savez(path + ".npz", images=images, features=model.predict(images, verbose=0))


if __name__ == "__main__":
    main(*sys.argv[1:])
