"""C1 in MXNet Gluon:  python c1_mxnet.py FOLDER"""

import sys
from pathlib import Path

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from mxnet.gluon.data.vision import transforms

names = ("train_images", "train_labels", "test_images", "test_labels")
train_images, train_labels, test_images, test_labels = (np.load(Path(sys.argv[1], f"{name}.npy")) for name in names)


def loader(images, labels, shuffle):
    rows = gluon.data.ArrayDataset(mx.nd.array(images, dtype="uint8"), labels.astype("float32"))
    return gluon.data.DataLoader(rows.transform_first(transforms.ToTensor()), batch_size=32, shuffle=shuffle)


train = loader(train_images, train_labels, shuffle=True)
test = loader(test_images, test_labels, shuffle=False)

model = nn.HybridSequential()
model.add(
    nn.Conv2D(32, 3, activation="relu"),
    nn.MaxPool2D(),
    nn.Conv2D(32, 3, activation="relu"),
    nn.MaxPool2D(),
    nn.Flatten(),
    nn.Dense(128, activation="relu"),
    nn.Dense(1),
)
model.initialize(mx.init.Xavier())
model.hybridize()
loss_of = gluon.loss.SigmoidBinaryCrossEntropyLoss()
trainer = gluon.Trainer(model.collect_params(), "adam")

for epoch in range(10):
    for images, labels in train:
        with autograd.record():
            loss = loss_of(model(images), labels)
        loss.backward()
        trainer.step(len(labels))
    print(f"epoch {epoch + 1} loss {loss.mean().asscalar():.4f}")

accuracy = mx.metric.Accuracy()
for images, labels in test:
    accuracy.update(labels, model(images)[:, 0] > 0)
print(f"accuracy {accuracy.get()[1]:.4f}")
