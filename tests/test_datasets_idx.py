import gzip
import struct
from pathlib import Path

import numpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from worker.data import mount

mnist = mount("datasets.mnist")
Wrong = mount("datasets.dataset").Wrong

IMAGES = {"train": numpy.arange(12 * 784) % 251, "t10k": numpy.arange(4 * 784) % 239}
LABELS = {"train": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9], "t10k": [3, 1, 4, 1]}


def idx_bytes(values: object, shape: tuple[int, ...]) -> bytes:
    header = struct.pack(f">I{len(shape)}I", 0x800 + len(shape), *shape)
    return header + numpy.asarray(values, numpy.uint8).tobytes()


def write(home: Path, packed: bool = True) -> Path:
    """Make the four files with 12 and 4 rows."""
    folder = home / "mnist"
    folder.mkdir()
    for split, labels in LABELS.items():
        write_one(folder, f"{split}-images-idx3-ubyte", idx_bytes(IMAGES[split], (len(labels), 28, 28)), packed)
        write_one(folder, f"{split}-labels-idx1-ubyte", idx_bytes(labels, (len(labels),)), packed)
    return folder


def write_one(folder: Path, name: str, data: bytes, packed: bool = True) -> None:
    if packed:
        (folder / f"{name}.gz").write_bytes(gzip.compress(data))
    else:
        (folder / name).write_bytes(data)


def decode(home: Path, size: int | None = None):
    return mnist.decode(mnist.sources(str(home)), size)


@pytest.mark.parametrize("packed", [True, False])
def test_pixels_and_labels_are_those_of_the_files(tmp_path, packed):
    write(tmp_path, packed)
    decoded = decode(tmp_path)
    assert decoded.train_images.shape == (12, 28, 28, 1)
    assert decoded.train_images[1, 0, :3, 0].tolist() == [784 % 251, 785 % 251, 786 % 251]
    assert decoded.train_labels.tolist() == LABELS["train"]
    assert decoded.test_labels.tolist() == [3, 1, 4, 1]
    assert decoded.test_labels.dtype == numpy.int64


def test_a_part_is_not_taken_for_the_whole(tmp_path):
    write(tmp_path)
    decoded = decode(tmp_path)
    assert not decoded.complete
    assert "12 of 60,000 train images" in decoded.notes
    assert "4 of 10,000 test images" in decoded.notes
    assert any(note.startswith("train-labels-idx1-ubyte.gz is not the published file: MD5") for note in decoded.notes)


def test_size_resizes_images(tmp_path):
    write(tmp_path)
    assert decode(tmp_path, 32).test_images.shape == (4, 32, 32, 1)


def test_an_absent_file_is_named(tmp_path):
    folder = write(tmp_path)
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(Wrong, match="3 of 4 files; wanted t10k-labels-idx1-ubyte too"):
        decode(tmp_path)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("train-images-idx3-ubyte", idx_bytes([1] * 20, (20,)), "0x00000801; wanted 0x00000803"),
        ("train-images-idx3-ubyte", idx_bytes([], (0, 28, 28)), "wanted .60000, 28, 28. or fewer rows"),
        ("train-images-idx3-ubyte", idx_bytes([0] * 12, (12, 1, 1)), "shape .12, 1, 1."),
        ("train-images-idx3-ubyte", idx_bytes([0] * 783, (1, 28, 28)), "799 bytes; wanted 800"),
        ("train-labels-idx1-ubyte", idx_bytes([0] * 11, (11,)), "11 labels; wanted 12, one per image"),
        ("train-labels-idx1-ubyte", idx_bytes([0] * 11 + [10], (12,)), "label 10; wanted 0 to 9"),
        ("t10k-labels-idx1-ubyte", b"\x00" * 50_000_000, "more than 10,008 bytes unpacked"),
    ],
)
def test_wrong_contents_are_named_with_what_was_wanted(tmp_path, name, data, message):
    folder = write(tmp_path)
    write_one(folder, name, data)
    with pytest.raises(Wrong, match=message) as caught:
        decode(tmp_path)
    assert name in str(caught.value)


def test_a_truncated_gzip_file_is_named(tmp_path):
    path = write(tmp_path) / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(Wrong, match=r"train-images-idx3-ubyte\.gz: cannot be read .*; wanted a whole file"):
        decode(tmp_path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 8 + 12 - 1), extra=st.binary(max_size=8))
def test_no_truncated_or_garbled_label_file_is_accepted(tmp_path, cut, extra):
    path = tmp_path / "labels"
    whole = idx_bytes(LABELS["train"], (12,))
    path.write_bytes(whole[:cut] + extra)
    if path.read_bytes()[:8] == whole[:8] and path.stat().st_size == len(whole):
        return  # the cut was filled up: a whole file again, with other labels
    with pytest.raises(Wrong, match="wanted"):
        mount("datasets.idx").read(str(path), (60000,), "")
