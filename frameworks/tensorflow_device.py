"""TensorFlow's devices, threads and switches, for the two adapters that run on it."""

import tensorflow as tf

DETERMINISM = {"op_determinism": False, "tensor_float_32": False}


def prepare(job):
    """Return the physical device to train on. The settings hold only if nothing of TensorFlow ran before."""
    tf.config.threading.set_intra_op_parallelism_threads(job.threads)
    tf.config.threading.set_inter_op_parallelism_threads(job.threads)  # intra alone leaves a second thread
    # Products of 10 bits would not be the other frameworks' float32.
    tf.config.experimental.enable_tensor_float_32_execution(False)
    gpus = tf.config.list_physical_devices("GPU")
    if job.device == "cpu":
        tf.config.set_visible_devices([], "GPU")
        return tf.config.list_physical_devices("CPU")[0]
    if not gpus:
        raise RuntimeError("TensorFlow {} sees no GPU, and the job wants one".format(tf.__version__))
    # TensorFlow takes all memory else, and two workers may share the GPU.
    tf.config.experimental.set_memory_growth(gpus[0], True)
    return gpus[0]


def name(device):
    return tf.config.experimental.get_device_details(device).get("device_name", device.device_type.lower())


def peak_bytes(device):
    """Return the most device memory ever held, or None on the CPU."""
    if device.device_type == "CPU":
        return None
    return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])
