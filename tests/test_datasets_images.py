import io
import struct
import zipfile
import zlib
from pathlib import Path

import numpy
import pytest
from PIL import Image

from worker.data import mount

intel = mount("datasets.intel")
cats_dogs = mount("datasets.cats_dogs")
Wrong, Unfit = mount("datasets.dataset").Wrong, mount("datasets.dataset").Unfit

SCENES = ("buildings", "forest", "glacier", "mountain", "sea", "street")


def jpeg(shade: int, width: int = 20, height: int = 10) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), (shade, 0, 255 - shade)).save(file, "JPEG")
    return file.getvalue()


def scenes() -> dict[str, bytes]:
    """Make two train images and one test image of each scene."""
    files = {}
    for number, scene in enumerate(SCENES):
        for split, names in (("train", ("1.jpg", "2.jpg")), ("test", ("3.jpg",))):
            files |= {f"seg_{split}/seg_{split}/{scene}/{name}": jpeg(40 * number) for name in names}
    return files


def pets(count: int = 5) -> dict[str, bytes]:
    files = {f"PetImages/Cat/{number}.jpg": jpeg(10) for number in range(count)}
    return files | {f"PetImages/Dog/{number}.jpg": jpeg(200) for number in range(count)}


def packed(home: Path, name: str, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(home / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in files.items():
            archive.writestr(member, data)
    return home / name


def unpacked(home: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(data)


def laid_out(folder, lay_out, files):
    """Write the pets' files as a zip or as folders."""
    if lay_out == "zip":
        packed(folder, "kagglecatsanddogs_5340.zip", files)
    else:
        unpacked(folder, files)


def decode(module, home: Path, size: int = 8):
    return module.decode(module.sources(str(home)), size)


def test_scenes_have_colours_last_and_labels_by_folder(tmp_path):
    packed(tmp_path, "intel-image-classification.zip", scenes())
    decoded = decode(intel, tmp_path)
    assert decoded.train_images.shape == (12, 8, 8, 3)
    assert decoded.train_labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert decoded.test_labels.tolist() == [0, 1, 2, 3, 4, 5]
    numpy.testing.assert_allclose(decoded.test_images[5, 4, 4], [200, 0, 55], atol=3)  # JPEG is not exact


def test_zip_and_folders_give_the_same_arrays(tmp_path):
    (tmp_path / "zip").mkdir()
    packed(tmp_path / "zip", "intel-image-classification.zip", scenes())
    unpacked(tmp_path / "folders", scenes())
    from_zip, from_folders = decode(intel, tmp_path / "zip"), decode(intel, tmp_path / "folders")
    assert (from_zip.train_images == from_folders.train_images).all()
    assert (from_zip.train_labels == from_folders.train_labels).all()


def test_images_of_other_formats_count_too(tmp_path):
    unpacked(tmp_path, scenes())
    (first, *_) = sorted(tmp_path.rglob("*.jpg"))
    first.rename(first.with_suffix(".png"))
    assert decode(intel, tmp_path).train_labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_a_part_of_the_scenes_is_noted_and_used_whole(tmp_path):
    unpacked(tmp_path, scenes())
    decoded = decode(intel, tmp_path)
    assert not decoded.complete
    assert decoded.notes == [
        "12 of 14,034 train images: a part, used whole",
        "6 of 3,000 test images: a part, used whole",
    ]


def test_the_whole_of_the_scenes_is_reduced_to_a_fifth_of_each_class():
    train = dict(zip(SCENES, (2191, 2271, 2404, 2512, 2274, 2382), strict=True))
    names = [f"seg_train/seg_train/{name}/{i}.jpg" for name, count in train.items() for i in range(count)]
    chosen = intel.reduced(names)
    assert len(chosen) == 2804
    assert numpy.bincount(intel.labels_of(chosen)).tolist() == [438, 454, 480, 502, 454, 476]
    assert chosen == intel.reduced(names)  # seeded


def test_a_scene_without_images_is_wrong(tmp_path):
    unpacked(tmp_path, {name: data for name, data in scenes().items() if "seg_test/sea" not in name})
    with pytest.raises(Wrong, match=f"^{tmp_path}/seg_test/seg_test: no usable test image of sea; wanted some of each"):
        decode(intel, tmp_path)


def test_a_kind_of_pet_without_images_is_wrong(tmp_path):
    unpacked(tmp_path, {name: data for name, data in pets().items() if "Dog" not in name})
    with pytest.raises(Wrong, match=f"^{tmp_path}/PetImages: no usable train image of dog; wanted some of each"):
        decode(cats_dogs, tmp_path)


def test_of_a_zip_without_a_class_the_zip_is_named(tmp_path):
    files = {name: data for name, data in scenes().items() if "seg_train/sea" not in name}
    path = packed(tmp_path, "intel-image-classification.zip", files)
    with pytest.raises(Wrong, match=f"^{path}: no usable train image of sea; wanted some of each class"):
        decode(intel, tmp_path)


OTHERS = [
    (intel, "intel-image-classification.zip", scenes, "seg_train/seg_train/desert"),
    (intel, "intel-image-classification.zip", scenes, "seg_test/seg_test/desert"),
    (cats_dogs, "kagglecatsanddogs_5340.zip", pets, "PetImages/Bird"),
]


@pytest.mark.parametrize("suffix", ["jpg", "PNG"])
@pytest.mark.parametrize(("module", "archive", "known", "folder"), OTHERS)
def test_a_folder_of_images_that_is_no_class_is_an_error(tmp_path, module, archive, known, folder, suffix):
    unpacked(tmp_path, known() | {f"{folder}/1.{suffix}": jpeg(7)})
    remedy = f"Take it away: mv {tmp_path / folder} {tmp_path}$"
    with pytest.raises(Unfit, match=f"^{tmp_path / folder}: a folder of images that is no class; .*{remedy}"):
        decode(module, tmp_path)


@pytest.mark.parametrize(("module", "archive", "known", "folder"), OTHERS)
def test_a_zip_with_images_of_another_class_is_an_error(tmp_path, module, archive, known, folder):
    path = packed(tmp_path, archive, known() | {f"{folder}/1.jpg": jpeg(7)})
    remedy = f"Take it away: zip -d {path} '{folder}/[*]'$"
    with pytest.raises(Unfit, match=f"^{path}: {folder}: a folder of images that is no class; .*{remedy}"):
        decode(module, tmp_path)


@pytest.mark.parametrize("lay_out", ["zip", "folders"])
@pytest.mark.parametrize(
    "stray", ["notes/1.txt", "__MACOSX/._1.jpg", ".cache/1.jpg", "._1.jpg", "1.jpg", "made/._1.jpg"]
)
def test_what_is_no_folder_of_images_is_no_class(tmp_path, stray, lay_out):
    files = pets() | {f"PetImages/{stray}": jpeg(7), "Bird/1.jpg": jpeg(7), "1.jpg": jpeg(7)}
    laid_out(tmp_path, lay_out, files)
    decoded = decode(cats_dogs, tmp_path)
    assert decoded.notes == ["10 of 25,000 cat and dog images"]


def test_dogs_are_1_and_cats_0_and_a_fifth_of_each_is_test(tmp_path):
    packed(tmp_path, "kagglecatsanddogs_5340.zip", pets())
    decoded = decode(cats_dogs, tmp_path)
    assert decoded.classes == ["cat", "dog"]
    assert decoded.train_labels.tolist() == [0] * 4 + [1] * 4
    assert decoded.test_labels.tolist() == [0, 1]
    numpy.testing.assert_allclose(decoded.test_images[:, 0, 0, 0], [10, 200], atol=3)
    assert decoded.notes == ["10 of 25,000 cat and dog images"]


def test_the_largest_zip_wins(tmp_path):
    packed(tmp_path, "kagglecatsanddogs-subset.zip", pets(2))
    whole = packed(tmp_path, "kagglecatsanddogs_5340.zip", pets())
    assert cats_dogs.sources(str(tmp_path)) == [str(whole)]


def huge_png() -> bytes:
    """Make a PNG of 100 bytes that claims 60,000 x 60,000 pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


CORRUPT = {
    "empty": b"",
    "no image": b"thumbnails",
    "truncated": jpeg(10, 200, 200)[:-300],
    "dimension bomb": huge_png(),
    "too many bytes": jpeg(10) + bytes(21 * 2**20),
}


@pytest.mark.parametrize("lay_out", ["zip", "folders"])
@pytest.mark.parametrize("kind", CORRUPT)
def test_corrupt_images_are_left_out_by_name(tmp_path, kind, lay_out):
    files = pets() | {"PetImages/Cat/666.jpg": CORRUPT[kind]}
    laid_out(tmp_path, lay_out, files)
    decoded = decode(cats_dogs, tmp_path)
    assert decoded.left_out == ["PetImages/Cat/666.jpg"]
    assert "1 corrupt images left out: PetImages/Cat/666.jpg" in decoded.notes
    assert len(decoded.train_labels) + len(decoded.test_labels) == 10


def test_a_member_with_a_wrong_checksum_is_left_out(tmp_path):
    path = tmp_path / "kagglecatsanddogs_5340.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for member, data in pets().items():
            archive.writestr(member, data)
        archive.writestr("PetImages/Cat/666.jpg", jpeg(77, 31, 31))
    data = path.read_bytes()
    spoilt = jpeg(77, 31, 31)
    path.write_bytes(data.replace(spoilt, spoilt[:-20] + b"?" * 20))
    assert decode(cats_dogs, tmp_path).left_out == ["PetImages/Cat/666.jpg"]


@pytest.mark.parametrize(
    "name", ["../../outside.jpg", "/etc/outside.jpg", "PetImages/../../../outside.jpg", "c:/x.jpg"]
)
def test_zip_names_that_point_outside_are_refused(tmp_path, name):
    packed(tmp_path, "kagglecatsanddogs_5340.zip", pets() | {name: b""})
    with pytest.raises(Wrong, match="points outside of the archive"):
        decode(cats_dogs, tmp_path)


def test_links_in_a_zip_are_refused(tmp_path):
    path = packed(tmp_path, "kagglecatsanddogs_5340.zip", pets())
    link = zipfile.ZipInfo("PetImages/Cat/link.jpg")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(Wrong, match=r"link\.jpg' is a link"):
        decode(cats_dogs, tmp_path)


def test_a_zip_that_declares_too_much_is_refused(tmp_path):
    path = packed(tmp_path, "kagglecatsanddogs_5340.zip", pets() | {"PetImages/Cat/bomb.jpg": bytes(10)})
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"PetImages/Cat/bomb.jpg") - 46  # central directory; the unpacked size lies at byte 24
    data[entry + 24 : entry + 28] = struct.pack("<I", 2**32 - 2)
    path.write_bytes(data)
    assert decode(cats_dogs, tmp_path).left_out == ["PetImages/Cat/bomb.jpg"]  # one alone is left out
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(3):
            archive.writestr(f"PetImages/Cat/{number}.jpg", b"")
    data = bytearray(path.read_bytes())
    for number in range(3):
        entry = data.rindex(b"PetImages/Cat/%d.jpg" % number) - 46
        data[entry + 24 : entry + 28] = struct.pack("<I", 2**32 - 2)
    path.write_bytes(data)
    with pytest.raises(Wrong, match="12,884,901,882 bytes unpacked, wanted at most 8,589,934,592"):
        decode(cats_dogs, tmp_path)


def test_a_truncated_zip_is_named(tmp_path):
    path = packed(tmp_path, "kagglecatsanddogs_5340.zip", pets())
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(Wrong, match=r"kagglecatsanddogs_5340\.zip: .*; wanted a whole zip file"):
        decode(cats_dogs, tmp_path)
