"""Run in an environment of PyTorch: saves VGG16 as torchvision names it, with random weights, in both of PyTorch's formats.

    python -I torch_files.py FOLDER

FOLDER gets new.pth, old.pth, norm.pth, a network with BatchNorm, and torch.npz with an image and what the network makes of it.
"""

import collections
import os
import sys

import numpy
import torch

CONVOLUTIONS = (64, 64, "pool", 128, 128, "pool", 256, 256, 256, "pool", 512, 512, 512, "pool", 512, 512, 512, "pool")


def features():
    layers, channels = [], 3
    for width in CONVOLUTIONS:
        if width == "pool":
            layers.append(torch.nn.MaxPool2d(2, 2))
        else:
            layers += [torch.nn.Conv2d(channels, width, 3, padding=1), torch.nn.ReLU(inplace=True)]
            channels = width
    return torch.nn.Sequential(*layers)


def main(folder):
    torch.manual_seed(0)
    parts = collections.OrderedDict(features=features(), classifier=torch.nn.Sequential(torch.nn.Linear(512, 10)))
    model = torch.nn.Sequential(parts)
    torch.save(model.state_dict(), os.path.join(folder, "new.pth"))
    torch.save(model.state_dict(), os.path.join(folder, "old.pth"), _use_new_zipfile_serialization=False)
    norm = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8))
    torch.save(norm.state_dict(), os.path.join(folder, "norm.pth"))
    images = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        found = model.features(images)
    arrays = [values.permute(0, 2, 3, 1).numpy() for values in (images, found)]
    numpy.savez(os.path.join(folder, "torch.npz"), images=arrays[0], features=arrays[1])


if __name__ == "__main__":
    main(*sys.argv[1:])
