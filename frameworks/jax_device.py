"""JAX's devices, threads and switches, for the two adapters that run on it."""

import os

import jax
import numpy

NO_LOSS = numpy.float32(0)  # of an epoch that begins


def prepare(job):
    """Return the device to train on. The settings hold only if nothing of JAX ran before."""
    # JAX takes 3/4 of a GPU else, and two workers may share it.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if job.device == "cpu":
        jax.config.update("jax_platforms", "cpu")
    else:
        # TF32 else, which is not the others' float32. On a CPU XLA computes the same bits without, and faster.
        jax.config.update("jax_default_matmul_precision", "highest")
    device = jax.devices(job.device)[0]  # RuntimeError where there is none
    jax.config.update("jax_default_device", device)
    return device


def bound(arrays, device):
    """Return the arrays on the device and bound to it: jit compiles a step once more for any state that is not."""
    return jax.device_put(arrays, device)


def determinism():
    """Return the switches that are set, for about()."""
    return {"matmul_precision": jax.config.jax_default_matmul_precision}


def placed(values, device):
    """Return the values where batch() takes rows of them. The CPU's stay numpy's, which takes rows while the step before still runs;
    a gather in the step would hold it up.
    """
    return numpy.ascontiguousarray(values) if device.platform == "cpu" else jax.device_put(values, device)


def batch(values, rows):
    """Return the rows of values that were placed."""
    return values[rows] if isinstance(values, numpy.ndarray) else gathered(values, rows)


@jax.jit
def gathered(values, rows):
    return values[rows]


def threads():
    """Return the processors this process may use: JAX has no switch of its own that holds."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def peak_bytes(device):
    """Return the most device memory ever held, or None on the CPU."""
    return None if device.platform == "cpu" else int(device.memory_stats()["peak_bytes_in_use"])
