"""The adapter of MXNet that exports what it trained: ONNX, by MXNet's own mx2onnx. Channels first at its input."""

import os
import tempfile

import mxnet as mx
import mxnet.onnx
import numpy
from mxnet.gluon import nn

from . import mxnet_session


class Session(mxnet_session.Session):
    def export(self, form, path):
        FORMS[form](self, path)


def onnx(session, path):
    images = session.images["test"][: session.job.batch_size]
    network = nn.HybridSequential()
    network.add(session.network, nn.HybridLambda(lambda ops, logits: ops.softmax(logits)))
    network.hybridize()
    network(images)  # export() writes the graph that was last traced
    with tempfile.TemporaryDirectory() as folder:
        prefix = os.path.join(folder, "network")
        network.export(prefix)
        mx.onnx.export_model(
            prefix + "-symbol.json",
            prefix + "-0000.params",
            [images.shape],
            numpy.float32,
            path,
            dynamic=True,
            dynamic_input_shapes=[(None,) + images.shape[1:]],
        )


FORMS = {"onnx": onnx}
