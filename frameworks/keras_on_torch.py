"""The loop over the batches for Keras on PyTorch: backward() and optimizer.apply(), eager, as fit() trains on it."""

import torch

from . import torch_device


class Loop:
    versions = {"torch": torch.__version__}
    determinism = torch_device.DETERMINISM

    def __init__(self, job):
        self.device = torch_device.prepare(job)
        self.scope = str(
            self.device
        )  # not "cpu:0": to Keras 3.15 that is another device, and a copied weight gets no gradient
        self.device_name = torch_device.name(self.device)

    def place(self, model, arrays):
        self.model = model
        self.images = {
            split: torch.tensor(getattr(arrays, split + "_images"), device=self.device) for split in ("train", "test")
        }
        self.labels = torch.tensor(arrays.train_labels, device=self.device)

    def train(self, batches):
        """Return the sum of the rows' losses."""
        model, loss_sum = self.model, torch.zeros((), device=self.device)
        for batch in batches:
            rows = torch.from_numpy(batch).to(self.device)
            images, labels = self.images["train"].index_select(0, rows), self.labels.index_select(0, rows)
            loss = model.loss(labels, model(images, training=True))
            model.zero_grad()
            loss.backward()
            variables = model.trainable_variables
            with torch.no_grad():
                model.optimizer.apply([variable.value.grad for variable in variables], variables)
            loss_sum += loss.detach() * len(rows)
        return float(loss_sum)

    def predict(self, split, batches):
        with torch.no_grad():
            return [
                self.model(self.images[split][batch[0] : batch[-1] + 1], training=False).softmax(-1).cpu()
                for batch in batches
            ]

    def write_back(self):
        """The variables hold all that training changes."""

    def finish(self):
        torch_device.finish(self.device)

    def threads(self):
        return torch.get_num_threads()

    def device_peak_bytes(self):
        return torch_device.peak_bytes(self.device)
