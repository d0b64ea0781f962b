"""PyTorch's devices, threads and switches, for the two adapters that run on it."""

import torch

DETERMINISM = {"deterministic_algorithms": False, "tensor_float_32": False}


def prepare(job):
    """Return the device to train on."""
    torch.set_num_threads(job.threads)
    # Products of 10 bits would not be the other frameworks' float32. cuDNN's convolutions have them by default.
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    if job.device == "cpu":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise RuntimeError("PyTorch {} sees no GPU, and the job wants one".format(torch.__version__))
    return torch.device("cuda", 0)


def name(device):
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def finish(device):
    """Return when nothing is queued on the device."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak_bytes(device):
    """Return the most device memory that tensors ever took, or None on the CPU."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None
