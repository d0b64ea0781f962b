"""MXNet's devices, for its session and its pipeline; to be imported before anything else of MXNet."""

import ctypes
import glob
import os
import sysconfig

# MXNet has no switch for it: products of 10 bits would not be the other frameworks' float32.
os.environ.setdefault("NVIDIA_TF32_OVERRIDE", "0")
# The GPU build links CUDA 11 and brings none of it: the environment's nvidia packages do, but not on the loader's path.
for library in sorted(glob.glob(os.path.join(sysconfig.get_path("purelib"), "nvidia", "*", "lib", "*.so*"))):
    ctypes.CDLL(library, ctypes.RTLD_GLOBAL)

import mxnet as mx  # noqa: E402  it needs the libraries above


def prepare(job):
    """Return the context to work in."""
    if job.device == "gpu" and not mx.context.num_gpus():
        raise RuntimeError("MXNet {} sees no GPU, and the job wants one".format(mx.__version__))
    return mx.gpu() if job.device == "gpu" else mx.cpu()


def peak_bytes(context):
    """Return what the device's memory pool took; it gives nothing back, so this is the peak, of all processes there."""
    if context.device_type == "cpu":
        return None
    free, total = mx.context.gpu_memory_info(0)
    return total - free
