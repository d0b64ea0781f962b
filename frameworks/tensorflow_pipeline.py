"""The input pipeline of TensorFlow: tf.data, which decodes and resizes in threads of its own and tunes their number itself."""

import tensorflow as tf

from . import tensorflow_device


class Pipeline:
    def __init__(self, job, paths, labels):
        self.job = job
        self.device = tensorflow_device.prepare(job)
        with tf.device("CPU"):  # tf.data's functions run there
            self.paths, self.labels = tf.constant(paths), tf.constant(labels)
            self.order = tf.Variable(tf.zeros([len(paths)], tf.int64))
        data = tf.data.Dataset.range(len(paths)).map(self.load, num_parallel_calls=tf.data.AUTOTUNE)
        self.data = data.batch(job.batch_size).prefetch(tf.data.AUTOTUNE)
        self.last = None

    def load(self, place):
        height, width, channels = self.job.shape
        row = tf.gather(self.order, place)
        # The default is a fast method that gives other pixels than all other decoders. PNGs are decoded too.
        data = tf.io.read_file(self.paths[row])
        image = tf.io.decode_jpeg(data, channels=channels, dct_method="INTEGER_ACCURATE")
        image = tf.cond(
            tf.reduce_all(tf.shape(image)[:2] == (height, width)),
            lambda: tf.cast(image, tf.float32),
            lambda: tf.image.resize(image, (height, width), antialias=True),
        )
        return tf.ensure_shape(image, self.job.shape) / 255.0, self.labels[row]

    def batches(self, order):
        self.order.assign(order)
        for images, labels in self.data:
            with tf.device(self.device.device_type):
                self.last = tf.identity(images)
                yield self.last, tf.identity(labels)

    def to_numpy(self, images, labels):
        return images.numpy(), labels.numpy()

    def finish(self):
        self.last[0, 0, 0].numpy()  # a copy to the host waits for everything before it on the device's one stream

    def about(self):
        return {
            "framework": "tensorflow",
            "version": tf.__version__,
            "versions": {"tensorflow": tf.__version__},
            "device": tensorflow_device.name(self.device),
            "threads": tf.config.threading.get_intra_op_parallelism_threads(),
            "determinism": {},
        }

    def device_peak_bytes(self):
        return tensorflow_device.peak_bytes(self.device)
