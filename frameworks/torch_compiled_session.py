"""The adapter of native PyTorch with torch.compile around the network: the same loop, forward and backward compiled to C++."""

import os
import sys

# TorchInductor compiles each graph once and keeps that in the folder of temporary files. In the environment's own folder, as
# Theano's, it is found again by the next process, and goes with the environment.
os.environ["TORCHINDUCTOR_CACHE_DIR"] = os.path.join(sys.prefix, "inductor")

import torch  # noqa: E402  it reads the folder

from . import torch_session  # noqa: E402
from .torch_layers import forward  # noqa: E402


class Session(torch_session.Session):
    def build(self, weights):
        super().build(weights)
        # Else the smaller last batch would have the graph compiled again for batches of any size.
        self.forward = torch.compile(forward, dynamic=False)

    def logits(self, images, training):
        return self.forward(self.job.layers, self.by_layer, images, training)
