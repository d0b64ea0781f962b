"""The input pipeline of PyTorch: torch.utils.data, whose worker processes decode and resize with Pillow."""

import numpy
import PIL
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from . import torch_device


class Files(Dataset):
    def __init__(self, job, paths, labels):
        self.shape, self.paths, self.labels = job.shape, paths, labels

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, row):
        height, width, channels = self.shape
        with Image.open(self.paths[row]) as file:
            image = file.convert("L" if channels == 1 else "RGB")
        if image.size != (width, height):
            image = image.resize((width, height), Image.BILINEAR)
        pixels = torch.from_numpy(numpy.array(image).reshape(self.shape))
        return pixels.permute(2, 0, 1).to(torch.float32).div_(255), int(self.labels[row])


class Pipeline:
    def __init__(self, job, paths, labels):
        self.device = torch_device.prepare(job)
        self.order = list(range(len(paths)))  # the sampler: a new epoch puts its own order here
        self.loader = DataLoader(
            Files(job, paths, labels),
            job.batch_size,
            sampler=self.order,
            num_workers=job.threads,
            persistent_workers=True,
            pin_memory=job.device == "gpu",
        )

    def batches(self, order):
        self.order[:] = order.tolist()
        for images, labels in self.loader:
            yield images.to(self.device, non_blocking=True), labels.to(self.device, non_blocking=True)

    def to_numpy(self, images, labels):
        return images.permute(0, 2, 3, 1).cpu().numpy(), labels.cpu().numpy()

    def finish(self):
        torch_device.finish(self.device)

    def about(self):
        return {
            "framework": "pytorch",
            "version": torch.__version__,
            "versions": {"torch": torch.__version__, "Pillow": PIL.__version__},
            "device": torch_device.name(self.device),
            "threads": torch.get_num_threads(),
            "determinism": {},
        }

    def device_peak_bytes(self):
        return torch_device.peak_bytes(self.device)
