"""The input pipeline of MXNet: Gluon's DataLoader, whose worker processes decode and resize with OpenCV."""

import os

# One thread in each worker process, as PyTorch has it. MXNet's threads spin while they wait for each other: with two in each of
# two workers, on two busy processors, a small PNG took 4 to 15 ms of processor time instead of 0.1 to 0.2.
os.environ["OMP_NUM_THREADS"] = "1"

from . import mxnet_device  # noqa: E402  it loads MXNet, which looks once
from .mxnet_device import mx  # noqa: E402

LINEAR, AREA = (
    1,
    3,
)  # OpenCV's numbers; area is what smooths an image as it shrinks, as Pillow's and TensorFlow's filters do


class Files(mx.gluon.data.Dataset):
    def __init__(self, job, paths, labels):
        self.shape, self.paths, self.labels = job.shape, paths, labels
        self.to_tensor = mx.gluon.data.vision.transforms.ToTensor()

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, row):
        height, width, channels = self.shape
        image = mx.image.imread(self.paths[row], flag=int(channels == 3))
        if image.shape[:2] != (height, width):
            shrinks = image.shape[0] >= height and image.shape[1] >= width
            image = mx.image.imresize(image, width, height, AREA if shrinks else LINEAR)
        return self.to_tensor(image), self.labels[row]


class Pipeline:
    def __init__(self, job, paths, labels):
        self.job = job
        self.context = mxnet_device.prepare(job)
        self.order = list(range(len(paths)))  # the sampler: a new epoch puts its own order here
        self.loader = mx.gluon.data.DataLoader(
            Files(job, paths, labels), job.batch_size, sampler=self.order, num_workers=job.threads
        )

    def batches(self, order):
        self.order[:] = order.tolist()
        for images, labels in self.loader:
            yield images.as_in_context(self.context), labels.as_in_context(self.context)

    def to_numpy(self, images, labels):
        return images.asnumpy().transpose(0, 2, 3, 1), labels.asnumpy()

    def finish(self):
        mx.nd.waitall()

    def about(self):
        return {
            "framework": "mxnet",
            "version": mx.__version__,
            "versions": {"mxnet": mx.__version__},
            "device": str(self.context),
            "threads": self.job.threads,
            "determinism": {},
        }

    def device_peak_bytes(self):
        return mxnet_device.peak_bytes(self.context)
