from pathlib import Path

import pytest

from framegate.runner.devices import gpu_reason


def test_gpu_of_the_driver_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    (tmp_path / "0000:01:00.0").mkdir()
    assert gpu_reason(tmp_path) is None


@pytest.mark.parametrize(
    ("listing", "usable"),
    [("echo 'GPU 0: NVIDIA H200'", True), ("echo 'No devices were found'", False), ("exit 9", False)],
)
def test_nvidia_smi_is_asked(listing: str, usable: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{listing}\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (gpu_reason(tmp_path / "none") is None) == usable


def test_reason_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    reason = gpu_reason(tmp_path)
    assert reason is not None
    assert reason.startswith("no NVIDIA GPU: nvidia-smi is not on PATH")
    assert "install NVIDIA's driver" in reason


def test_hidden_gpus_are_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpu_reason(tmp_path) == "CUDA_VISIBLE_DEVICES hides every GPU; unset it"
