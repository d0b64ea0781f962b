"""The adapter of native TensorFlow that exports what it trained. Exported models return probabilities."""

import tensorflow as tf
import tf2onnx

from . import tensorflow_session


class Session(tensorflow_session.Session):
    def export(self, form, path):
        FORMS[form](self, path)

    def input(self):
        images = self.data["test"][0]
        return tf.TensorSpec((None,) + tuple(images.shape[1:]), images.dtype, "images")

    def probabilities(self, images):
        return tf.nn.softmax(self.logits(images, False))


def saved_model(session, path):
    module = tf.Module()
    module.kept = list(session.variables.values())  # a SavedModel has only what its module holds
    module.serve = tf.function(session.probabilities, [session.input()])
    tf.saved_model.save(module, path)


def onnx(session, path, **layout):
    tf2onnx.convert.from_function(tf.function(session.probabilities), [session.input()], output_path=path, **layout)


FORMS = {
    "saved-model": saved_model,
    "onnx": onnx,  # channels last at its input, as TensorFlow has them
    "onnx-nchw": lambda session, path: onnx(session, path, inputs_as_nchw=["images:0"]),
}
