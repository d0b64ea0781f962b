import gzip
import io
import tarfile
from pathlib import Path

import numpy
import pytest

from worker.data import mount

cache = mount("datasets.cache")
cifar_10 = mount("datasets.cifar_10")
cifar_100 = mount("datasets.cifar_100")
Wrong = mount("datasets.dataset").Wrong

RED_TOP_LEFT, GREEN_TOP_LEFT, BLUE_LAST = 0, 1024, 3071


def record(*labels: int) -> bytes:
    pixels = numpy.zeros(3072, numpy.uint8)
    pixels[[RED_TOP_LEFT, GREEN_TOP_LEFT, BLUE_LAST]] = (10, 20, 30)
    return bytes(labels) + pixels.tobytes()


FILES = {
    "cifar-10-batches-bin/data_batch_1.bin": record(6) + record(9),
    "cifar-10-batches-bin/data_batch_3.bin": record(1),
    "cifar-10-batches-bin/test_batch.bin": record(3),
}


def unpacked(home: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (home / name).parent.mkdir(exist_ok=True)
        (home / name).write_bytes(data)


def packed(home: Path, files: dict[str, bytes], *more: tarfile.TarInfo) -> Path:
    path = home / "cifar-10-binary.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for member in more:
            archive.addfile(member)
    return path


def decode(home: Path):
    return cifar_10.decode(cifar_10.sources(str(home)), None)


@pytest.mark.parametrize("lay_out", [unpacked, packed])
def test_records_become_channels_last_images_and_labels(tmp_path, lay_out):
    lay_out(tmp_path, FILES)
    decoded = decode(tmp_path)
    assert decoded.train_images.shape == (3, 32, 32, 3)
    assert decoded.train_images[0, 0, 0].tolist() == [10, 20, 0]
    assert decoded.train_images[2, 31, 31].tolist() == [0, 0, 30]
    assert decoded.train_labels.tolist() == [6, 9, 1]
    assert decoded.test_labels.tolist() == [3]


def test_absent_batches_are_named(tmp_path):
    unpacked(tmp_path, FILES)
    decoded = decode(tmp_path)
    assert not decoded.complete
    assert "3 of 50,000 train images: data_batch_2, data_batch_4, data_batch_5 absent" in decoded.notes
    assert any(note.startswith("test_batch.bin is not the published file: MD5") for note in decoded.notes)


def test_the_archive_is_read_where_the_folder_lacks_files(tmp_path):
    unpacked(tmp_path, FILES)
    path = packed(tmp_path, FILES)
    assert cifar_10.sources(str(tmp_path)) == [str(path)]


def test_cifar_100_gives_the_fine_label(tmp_path):
    unpacked(tmp_path, {"cifar-100-binary/train.bin": record(19, 11), "cifar-100-binary/test.bin": record(0, 99)})
    decoded = cifar_100.decode(cifar_100.sources(str(tmp_path)), None)
    assert decoded.classes[decoded.train_labels[0]] == "boy"
    assert decoded.classes[decoded.test_labels[0]] == "worm"
    assert decoded.notes == ["1 of 50,000 train images", "1 of 10,000 test images"]
    assert len(set(decoded.classes)) == 100


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("data_batch_1.bin", record(6)[:-1], "3,072 bytes; wanted 1 to 10,000 records of 3,073"),
        ("data_batch_1.bin", b"", "0 bytes; wanted 1 to 10,000 records of 3,073"),
        ("test_batch.bin", record(10), "label 10; wanted 0 to 9"),
    ],
)
def test_wrong_contents_are_named_with_what_was_wanted(tmp_path, name, data, message):
    unpacked(tmp_path, FILES | {f"cifar-10-batches-bin/{name}": data})
    with pytest.raises(Wrong, match=message) as caught:
        decode(tmp_path)
    assert name in str(caught.value)


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_class_without_an_image_is_wrong(tmp_path, split):
    whole, part = (b"".join(record(0, fine) for fine in range(count)) for count in (100, 95))
    files = {"cifar-100-binary/train.bin": whole, "cifar-100-binary/test.bin": whole}
    unpacked(tmp_path, files | {f"cifar-100-binary/{split}.bin": part})
    lacks = f"no usable {split} image of whale, willow_tree, wolf, woman, worm; wanted some of each class"
    with pytest.raises(Wrong, match=f"^cifar-100: {tmp_path}/cifar-100-binary: {lacks}. Delete it and fetch it again"):
        cache.prepare("cifar-100", None, str(tmp_path), str(tmp_path / "cache"))


def test_of_many_classes_without_an_image_six_are_named_and_all_counted(tmp_path):
    unpacked(tmp_path, {"cifar-100-binary/train.bin": record(0, 0), "cifar-100-binary/test.bin": record(0, 0)})
    with pytest.raises(Wrong, match="of aquarium_fish, baby, bear, beaver, bed, bee and 93 more; wanted some of each"):
        cache.prepare("cifar-100", None, str(tmp_path), str(tmp_path / "cache"))


def test_one_image_of_each_class_is_a_part(tmp_path):
    every = b"".join(record(0, fine) for fine in range(100))
    unpacked(tmp_path, {"cifar-100-binary/train.bin": every, "cifar-100-binary/test.bin": every})
    found = cache.prepare("cifar-100", None, str(tmp_path), str(tmp_path / "cache"))
    assert (found["complete"], found["rows"]) == (False, {"train": 100, "test": 100})


def test_without_test_batch_it_is_wrong(tmp_path):
    unpacked(tmp_path, {"cifar-10-batches-bin/data_batch_1.bin": record(6)})
    with pytest.raises(Wrong, match=r"no test_batch\.bin"):
        decode(tmp_path)


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


@pytest.mark.parametrize(
    ("hostile", "message"),
    [
        (member("../../outside"), "points outside of the archive"),
        (member("/etc/outside"), "points outside of the archive"),
        (member("cifar-10-batches-bin/batch", tarfile.SYMTYPE, "/etc/passwd"), "is a link or a special file"),
        (member("cifar-10-batches-bin/batch", tarfile.LNKTYPE, "/etc/passwd"), "is a link or a special file"),
        (member("cifar-10-batches-bin/test_batch.bin"), "two members"),
    ],
)
def test_hostile_archives_are_refused(tmp_path, hostile, message):
    packed(tmp_path, FILES, hostile)
    with pytest.raises(Wrong, match=message):
        decode(tmp_path)


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path):
    bomb = tarfile.TarInfo("cifar-10-batches-bin/other")
    bomb.size = 200 * 2**20  # two of them pass the limit of 256 MiB, neither alone
    with gzip.open(tmp_path / "cifar-10-binary.tar.gz", "wb", compresslevel=1) as file:
        for _ in range(2):
            file.write(bomb.tobuf())
            for _ in range(200):
                file.write(bytes(2**20))
    with pytest.raises(Wrong, match="more than 268,435,456 bytes unpacked"):
        decode(tmp_path)


def test_a_member_that_declares_too_much_is_refused(tmp_path):
    bomb = member("cifar-10-batches-bin/data_batch_1.bin")
    bomb.size = 2**40
    with gzip.open(tmp_path / "cifar-10-binary.tar.gz", "wb") as file:
        file.write(bomb.tobuf())
    with pytest.raises(Wrong, match="1,099,511,627,776 bytes, wanted at most"):
        decode(tmp_path)


def test_a_truncated_archive_is_named(tmp_path):
    path = packed(tmp_path, FILES)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(Wrong, match=r"cifar-10-binary\.tar\.gz: cannot be unpacked"):
        decode(tmp_path)
