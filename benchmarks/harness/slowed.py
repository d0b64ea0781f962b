"""An adapter that slows another one's training by a known share, in the worker: a shift planted for benchmarks/harness/gate_trial.py.

SLOWED_ADAPTER names the real adapter, SLOWED_SHARE the share: 0.1 keeps the processor busy for a tenth of each training call's time
again. Runs on Python 3.6 to 3.13, like all adapters.
"""

import importlib
import os
import time

_real = importlib.import_module("suite." + os.environ["SLOWED_ADAPTER"])
_share = float(os.environ["SLOWED_SHARE"])


class Session(_real.Session):
    def train_epoch(self, order):
        begin = time.perf_counter()
        loss = _real.Session.train_epoch(self, order)
        self.finish()
        now = time.perf_counter()
        until = now + _share * (now - begin)
        while time.perf_counter() < until:
            pass
        return loss
