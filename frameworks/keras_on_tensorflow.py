"""The loop over the batches for Keras on TensorFlow: GradientTape and optimizer.apply() in one compiled step."""

import tensorflow as tf

from . import tensorflow_device


class Loop:
    versions = {"tensorflow": tf.__version__}
    determinism = tensorflow_device.DETERMINISM

    def __init__(self, job):
        self.scope = job.device + ":0"
        self.device = tensorflow_device.prepare(job)
        self.device_name = tensorflow_device.name(self.device)

    def place(self, model, arrays):
        self.model = model
        with tf.device(self.device.device_type):
            self.images = {"train": tf.constant(arrays.train_images), "test": tf.constant(arrays.test_images)}
            self.labels = tf.constant(arrays.train_labels)
            self.loss_sum = tf.Variable(0.0)
        self.compiled_step = tf.function(self.step, jit_compile=model.jit_compile)
        self.train_step = tf.function(self.gather_and_step)
        self.predict_step = tf.function(self.probabilities, jit_compile=model.jit_compile)

    def gather_and_step(self, rows):
        # The gather stays outside XLA: compiled with the step, the whole train split would be one of its arguments.
        self.compiled_step(tf.gather(self.images["train"], rows), tf.gather(self.labels, rows))

    def step(self, images, labels):
        model = self.model
        with tf.GradientTape() as tape:
            loss = model.loss(labels, model(images, training=True))
        # An embedding's gradient comes as rows, and Keras would move only those: not Adam's formula, nor what it does on JAX.
        gradients = [tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, model.trainable_variables)]
        model.optimizer.apply(gradients, model.trainable_variables)
        self.loss_sum.assign_add(loss * images.shape[0])

    def probabilities(self, images):
        return tf.nn.softmax(self.model(images, training=False))

    def train(self, batches):
        """Return the sum of the rows' losses."""
        self.loss_sum.assign(0.0)
        for rows in batches:
            self.train_step(tf.constant(rows))
        return float(self.loss_sum.numpy())

    def predict(self, split, batches):
        return [self.predict_step(tf.gather(self.images[split], rows)) for rows in batches]

    def write_back(self):
        """The variables hold all that training changes."""

    def finish(self):
        self.loss_sum.numpy()  # a copy to the host waits for everything before it on the device's one stream

    def threads(self):
        return tf.config.threading.get_intra_op_parallelism_threads()

    def device_peak_bytes(self):
        return tensorflow_device.peak_bytes(self.device)
