"""The adapter of MXNet with nothing hybridized: the same Gluon loop and blocks, each operator launched from Python."""

from . import mxnet_session


class Session(mxnet_session.Session):
    def build(self, weights):
        super().build(weights)
        for block in (self.network, self.losses):
            block.hybridize(False)
