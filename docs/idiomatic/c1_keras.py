"""C1 in Keras:  python c1_keras.py FOLDER"""

import sys
from pathlib import Path

import keras
import numpy as np

names = ("train_images", "train_labels", "test_images", "test_labels")
train_images, train_labels, test_images, test_labels = (np.load(Path(sys.argv[1], f"{name}.npy")) for name in names)

model = keras.Sequential(
    [
        keras.Input((64, 64, 3)),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Conv2D(32, 3, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Conv2D(32, 3, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Flatten(),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
model.fit(train_images, train_labels, batch_size=32, epochs=10)
loss, accuracy = model.evaluate(test_images, test_labels)
print(f"accuracy {accuracy:.4f}")
