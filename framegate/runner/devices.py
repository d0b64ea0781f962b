"""Whether this machine has the device that a cell asks for."""

import functools
import os
import shutil
import subprocess
from pathlib import Path

_DRIVER_GPUS = Path("/proc/driver/nvidia/gpus")  # one folder per GPU that the kernel module serves
_LISTING_SECONDS = 60  # without the persistence daemon the driver starts each GPU for the listing


@functools.cache
def gpu_reason(driver_gpus: Path = _DRIVER_GPUS) -> str | None:
    """Return None where an NVIDIA GPU can be used, else in one line why not and what to do."""
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1"):
        return "CUDA_VISIBLE_DEVICES hides every GPU; unset it"
    if (driver_gpus.is_dir() and any(driver_gpus.iterdir())) or _listed_gpus():
        return None
    found = "nvidia-smi lists none" if shutil.which("nvidia-smi") else "nvidia-smi is not on PATH"
    return (
        f"no NVIDIA GPU: {found} and {driver_gpus} is empty; "
        "install NVIDIA's driver (525 or newer, for CUDA 12), then check with: nvidia-smi -L"
    )


def _listed_gpus() -> bool:
    try:
        listing = subprocess.run(
            ["nvidia-smi", "-L"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LISTING_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return listing.returncode == 0 and "GPU " in listing.stdout
