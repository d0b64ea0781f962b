"""The adapter of native PyTorch that exports what it trained: ONNX, by torch.export. Channels first at its input."""

import torch

from ..models.layers import by_layer
from . import torch_session
from .torch_layers import forward


class Session(torch_session.Session):
    def export(self, form, path):
        FORMS[form](self, path)


class Network(torch.nn.Module):
    """The session's network as a module that owns its weights, as torch.export wants it. Returns probabilities."""

    def __init__(self, session):
        super().__init__()
        self.layers = session.job.layers
        self.names = list(session.by_name)
        for number, weight in enumerate(session.by_name.values()):
            self.register_buffer("weight_{}".format(number), weight.detach())  # a buffer's name has no dots or slashes

    def forward(self, images):
        weights = by_layer(dict(zip(self.names, self.buffers())))
        return forward(self.layers, weights, images, False).softmax(1)


def onnx(session, path):
    batch = session.images["test"][:2]  # torch.export takes one image for a size that never changes
    torch.onnx.export(
        Network(session).eval(),
        (batch,),
        path,
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        external_data=False,
        verbose=False,
    )


FORMS = {"onnx": onnx}
