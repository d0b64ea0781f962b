"""The loop over the batches for Keras on JAX: Keras' stateless API in one jitted step, whose state is donated."""

import jax
import jax.numpy
import numpy

from . import jax_device


class Loop:
    versions = {"jax": jax.__version__}

    def __init__(self, job):
        self.scope = job.device + ":0"
        self.device = jax_device.prepare(job)
        self.device_name = self.device.device_kind
        self.determinism = jax_device.determinism()

    def place(self, model, arrays):
        self.model = model
        self.images = {
            split: jax_device.placed(getattr(arrays, split + "_images"), self.device) for split in ("train", "test")
        }
        self.labels = jax_device.placed(arrays.train_labels.astype(numpy.int32), self.device)
        state = (
            [variable.value for variable in model.trainable_variables],
            [variable.value for variable in model.non_trainable_variables],  # dropout's seeds, moving statistics
            [variable.value for variable in model.optimizer.variables],
            jax_device.NO_LOSS,
        )
        self.state = jax_device.bound(state, self.device)
        self.train_step = jax.jit(self.step, donate_argnums=0)
        self.predict_step = jax.jit(self.probabilities)

    def step(self, state, images, labels):
        trainable, rest, moments, loss_sum = state

        def loss_of(trainable):
            logits, changed = self.model.stateless_call(trainable, rest, images, training=True)
            return self.model.loss(labels, logits), changed

        (loss, rest), gradients = jax.value_and_grad(loss_of, has_aux=True)(trainable)
        trainable, moments = self.model.optimizer.stateless_apply(moments, gradients, trainable)
        return trainable, rest, moments, loss_sum + loss * len(labels)

    def probabilities(self, trainable, rest, images):
        logits, _ = self.model.stateless_call(trainable, rest, images, training=False)
        return jax.nn.softmax(logits)

    def train(self, batches):
        """Return the sum of the rows' losses."""
        self.state = self.state[:3] + (jax_device.bound(jax_device.NO_LOSS, self.device),)
        for rows in batches:
            images, labels = jax_device.batch(self.images["train"], rows), jax_device.batch(self.labels, rows)
            self.state = self.train_step(self.state, images, labels)
        return float(self.state[3])

    def predict(self, split, batches):
        images = self.images[split]
        return [self.predict_step(*self.state[:2], jax_device.batch(images, rows)) for rows in batches]

    def write_back(self):
        """Give the model's variables the values that training left in the state."""
        variables = self.model.trainable_variables + self.model.non_trainable_variables
        for variable, value in zip(variables, self.state[0] + self.state[1]):
            variable.assign(value)

    def finish(self):
        jax.block_until_ready(self.state)

    def threads(self):
        return jax_device.threads()

    def device_peak_bytes(self):
        return jax_device.peak_bytes(self.device)
