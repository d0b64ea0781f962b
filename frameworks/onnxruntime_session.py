"""The adapter of ONNX Runtime: predictions of a model that another framework exported, the job's `exported`."""

import numpy
import onnxruntime

from ..models.layers import NotExpressible
from .exported_layout import laid_out


class Session:
    def __init__(self, job, arrays):
        if job.device != "cpu":
            raise NotExpressible("this adapter of ONNX Runtime has no device {!r}, only cpu".format(job.device))
        self.job = job
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = job.threads, 1
        self.model = onnxruntime.InferenceSession(job.exported, options, ["CPUExecutionProvider"])
        (self.input,) = self.model.get_inputs()
        self.images = laid_out(numpy.asarray(arrays.test_images), self.input.shape[1:])

    def predict(self, split):
        """Return probabilities of the test split, the only one."""
        size, name = self.job.batch_size, self.input.name
        batches = [self.images[start : start + size] for start in range(0, len(self.images), size)]
        return numpy.concatenate([self.model.run(None, {name: batch})[0] for batch in batches])

    def finish(self):
        """Return: run() returns when it is done."""

    def about(self):
        return {
            "framework": "onnxruntime",
            "version": onnxruntime.__version__,
            "versions": {"onnxruntime": onnxruntime.__version__, "numpy": numpy.__version__},
            "device": self.job.device,
            "threads": self.model.get_session_options().intra_op_num_threads,
            "determinism": {"input": [str(side) for side in self.input.shape]},
        }

    def device_peak_bytes(self):
        return None
