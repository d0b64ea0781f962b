"""C1 in PyTorch:  python c1_pytorch.py FOLDER"""

import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

names = ("train_images", "train_labels", "test_images", "test_labels")
train_images, train_labels, test_images, test_labels = (np.load(Path(sys.argv[1], f"{name}.npy")) for name in names)


def loader(images, labels, shuffle):
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    return DataLoader(TensorDataset(pixels, torch.from_numpy(labels).float()), batch_size=32, shuffle=shuffle)


train = loader(train_images, train_labels, shuffle=True)
test = loader(test_images, test_labels, shuffle=False)

model = nn.Sequential(
    nn.Conv2d(3, 32, 3),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(32, 32, 3),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(14 * 14 * 32, 128),
    nn.ReLU(),
    nn.Linear(128, 1),
    nn.Flatten(0),
)
loss_of = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters())

for epoch in range(10):
    model.train()
    for images, labels in train:
        optimizer.zero_grad()
        loss = loss_of(model(images), labels)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch + 1} loss {loss.item():.4f}")

model.eval()
correct = 0
with torch.no_grad():
    for images, labels in test:
        correct += ((model(images) > 0) == labels).sum().item()
print(f"accuracy {correct / len(test_labels):.4f}")
