"""The adapter of native TensorFlow: its own training step under tf.function, with TensorFlow's fused optimizer kernels. NHWC."""

import numpy
import tensorflow as tf

from ..models.layers import by_layer, refuse
from ..models.optimizers import SGD, Adadelta, Adam, RMSprop
from ..models.weights import weight_shapes
from . import tensorflow_device
from .tensorflow_layers import LAYERS, forward


# The kernels that Keras 2 was built on; each computes the formula of models/optimizers.py in one pass over the weight.
def sgd(optimizer, weight, gradient, slots, step):
    if optimizer.momentum:
        tf.raw_ops.ResourceApplyKerasMomentum(
            var=weight.handle,
            accum=slots[0].handle,
            lr=optimizer.learning_rate,
            grad=gradient,
            momentum=optimizer.momentum,
        )
    else:
        tf.raw_ops.ResourceApplyGradientDescent(var=weight.handle, alpha=optimizer.learning_rate, delta=gradient)


def adam(optimizer, weight, gradient, slots, step):
    # The kernel takes the betas in float32. The bias correction is made here, of those same rounded betas but in float64: in
    # float32 it would be wrong by 1e-5, and with the unrounded betas likewise, since 1 - 0.999 moves by 1e-5 when 0.999 is rounded.
    beta_1, beta_2 = float(numpy.float32(optimizer.beta_1)), float(numpy.float32(optimizer.beta_2))
    rate = optimizer.learning_rate * tf.sqrt(1 - beta_2**step) / (1 - beta_1**step)
    tf.raw_ops.ResourceApplyAdam(
        var=weight.handle,
        m=slots[0].handle,
        v=slots[1].handle,
        beta1_power=0.0,
        beta2_power=0.0,
        lr=tf.cast(rate, tf.float32),
        beta1=beta_1,
        beta2=beta_2,
        epsilon=optimizer.epsilon,
        grad=gradient,
    )


def rmsprop(optimizer, weight, gradient, slots, step):
    tf.raw_ops.ResourceApplyRMSProp(
        var=weight.handle,
        ms=slots[0].handle,
        mom=slots[1].handle,
        lr=optimizer.learning_rate,
        rho=optimizer.rho,
        momentum=0.0,
        epsilon=optimizer.epsilon,
        grad=gradient,
    )


def adadelta(optimizer, weight, gradient, slots, step):
    tf.raw_ops.ResourceApplyAdadelta(
        var=weight.handle,
        accum=slots[0].handle,
        accum_update=slots[1].handle,
        lr=optimizer.learning_rate,
        rho=optimizer.rho,
        epsilon=optimizer.epsilon,
        grad=gradient,
    )


OPTIMIZERS = {SGD: (sgd, 1), Adam: (adam, 2), RMSprop: (rmsprop, 2), Adadelta: (adadelta, 2)}  # step, states per weight


def initial(weight):
    """Return TensorFlow's own initial value: what Keras, its layers, would take for the role."""
    kinds = {"zeros": tf.initializers.Zeros, "ones": tf.initializers.Ones, "orthogonal": tf.initializers.Orthogonal}
    if weight.initial == "forget_ones":
        return tf.repeat([0.0, 1.0, 0.0, 0.0], weight.shape[0] // 4)
    return kinds.get(weight.initial, tf.initializers.GlorotUniform)()(weight.shape, tf.float32)


class Session:
    def __init__(self, job, arrays):
        refuse("this adapter of TensorFlow", job, LAYERS, OPTIMIZERS)
        self.job = job
        self.device = tensorflow_device.prepare(job)
        tf.random.set_seed(job.seed)
        with tf.device(self.device.device_type):
            self.data = {
                split: (
                    tf.constant(getattr(arrays, split + "_images")),
                    tf.constant(getattr(arrays, split + "_labels")),
                )
                for split in ("train", "test")
            }
            self.build(arrays.weights)
        self.train_step = tf.function(self.step)  # traced once for the full batches and once for the last, smaller one
        self.predict_step = tf.function(lambda images: tf.nn.softmax(self.logits(images, False)))

    def build(self, weights):
        described = weight_shapes(self.job.layers, self.job.input_shape)
        self.variables = {
            weight.name: tf.Variable(initial(weight) if weights is None else weights[weight.name])
            for weight in described
        }
        self.by_layer = by_layer(self.variables)
        self.trained = {weight.name: self.variables[weight.name] for weight in described if weight.trainable}
        self.update, count = OPTIMIZERS[type(self.job.optimizer)]
        self.slots = {name: [tf.Variable(tf.zeros_like(w)) for _ in range(count)] for name, w in self.trained.items()}
        self.steps = tf.Variable(0.0, dtype=tf.float64)
        self.loss_sum = tf.Variable(0.0)

    def logits(self, images, training):
        return forward(self.job.layers, self.by_layer, images, training)

    def step(self, rows):
        images, labels = (tf.gather(values, rows) for values in self.data["train"])
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, self.logits(images, True))
            loss = tf.reduce_mean(losses)
        variables = list(self.trained.values())
        # An embedding's gradient comes as rows; the formulas move every row, those of absent words too.
        gradients = [tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, variables)]
        step = self.steps.assign_add(1.0)
        for variable, gradient, slots in zip(variables, gradients, self.slots.values()):
            self.update(self.job.optimizer, variable, gradient, slots, step)
        self.loss_sum.assign_add(tf.reduce_sum(losses))

    def train_epoch(self, order):
        self.loss_sum.assign(0.0)
        for start in range(0, len(order), self.job.batch_size):
            self.train_step(tf.constant(order[start : start + self.job.batch_size]))
        return float(self.loss_sum.numpy()) / len(order)

    def predict(self, split):
        images = self.data[split][0]
        size = self.job.batch_size
        found = [self.predict_step(images[start : start + size]) for start in range(0, len(images), size)]
        return tf.concat(found, 0).numpy()

    def weights(self):
        return {name: variable.numpy() for name, variable in self.variables.items()}

    def finish(self):
        self.loss_sum.numpy()  # a copy to the host waits for everything before it on the device's one stream

    def about(self):
        return {
            "framework": "tensorflow",
            "version": tf.__version__,
            "versions": {"tensorflow": tf.__version__, "numpy": numpy.__version__},
            "device": tensorflow_device.name(self.device),
            "threads": tf.config.threading.get_intra_op_parallelism_threads(),
            "determinism": dict(tensorflow_device.DETERMINISM, seed=self.job.seed),
        }

    def device_peak_bytes(self):
        return tensorflow_device.peak_bytes(self.device)
