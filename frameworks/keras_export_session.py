"""The adapter of Keras 3 that exports what it trained: Keras' own file, and what Model.export() can write."""

import keras

from . import keras_session


class Session(keras_session.Session):
    def export(self, form, path):
        self.loop.write_back()
        with keras.device(self.loop.scope):
            FORMS[form](self.loop.model, path)


def probabilities(model):
    """Return the model with a softmax behind it."""
    found = keras.Model(model.input, keras.layers.Softmax()(model.output))
    found(keras.ops.zeros((1,) + tuple(model.input.shape[1:])))  # export() refuses a model that was never called
    return found


FORMS = {
    "keras": lambda model, path: model.save(path),
    "saved-model": lambda model, path: probabilities(model).export(path, "tf_saved_model", verbose=False),
    "onnx": lambda model, path: probabilities(model).export(path, "onnx", verbose=False),
}
