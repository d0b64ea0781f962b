"""C1 in TensorFlow without Keras' layers or fit:  python c1_tensorflow.py FOLDER"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

names = ("train_images", "train_labels", "test_images", "test_labels")
train_images, train_labels, test_images, test_labels = (np.load(Path(sys.argv[1], f"{name}.npy")) for name in names)

train = tf.data.Dataset.from_tensor_slices((train_images, train_labels)).shuffle(len(train_labels)).batch(32)
test = tf.data.Dataset.from_tensor_slices((test_images, test_labels)).batch(32)

initial = tf.initializers.GlorotUniform()
shapes = [(3, 3, 3, 32), (3, 3, 32, 32), (14 * 14 * 32, 128), (128, 1)]
layers = [(tf.Variable(initial(shape)), tf.Variable(tf.zeros(shape[-1]))) for shape in shapes]
weights = [variable for layer in layers for variable in layer]


def network(images):
    x = tf.cast(images, tf.float32) / 255
    for kernel, bias in layers[:2]:
        x = tf.nn.relu(tf.nn.conv2d(x, kernel, strides=1, padding="VALID") + bias)
        x = tf.nn.max_pool2d(x, 2, strides=2, padding="VALID")
    x = tf.reshape(x, (-1, 14 * 14 * 32))
    x = tf.nn.relu(x @ layers[2][0] + layers[2][1])
    return tf.squeeze(x @ layers[3][0] + layers[3][1], axis=1)


optimizer = tf.optimizers.Adam()
optimizer.build(weights)


@tf.function
def train_step(images, labels):
    with tf.GradientTape() as tape:
        losses = tf.nn.sigmoid_cross_entropy_with_logits(tf.cast(labels, tf.float32), network(images))
        loss = tf.reduce_mean(losses)
    optimizer.apply(tape.gradient(loss, weights), weights)
    return loss


for epoch in range(10):
    for images, labels in train:
        loss = train_step(images, labels)
    print(f"epoch {epoch + 1} loss {loss:.4f}")

accuracy = tf.metrics.BinaryAccuracy(threshold=0.0)
for images, labels in test:
    accuracy.update_state(labels, network(images))
print(f"accuracy {accuracy.result():.4f}")
