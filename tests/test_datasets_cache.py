import gc
import http.server
import json
import os
import subprocess
import sys
import threading
from hashlib import md5
from pathlib import Path
from types import SimpleNamespace

import numpy
import pytest

from worker.data import mount

cache = mount("datasets.cache")
dataset = mount("datasets.dataset")
ROOT = Path(__file__).parents[1]


def scikit_digits(folder: Path, size: int | None = None) -> dict:
    return cache.prepare("digits", size, None, str(folder))


@pytest.fixture(scope="module")
def decoded(tmp_path_factory) -> Path:
    """Give a cache that holds the digits."""
    folder = tmp_path_factory.mktemp("cache")
    scikit_digits(folder)
    return folder


def test_the_manifest_says_what_the_arrays_are(decoded):
    manifest = scikit_digits(decoded)
    arrays = {name: numpy.load(path, mmap_mode="r", allow_pickle=False) for name, path in manifest.pop("files").items()}
    assert manifest == {
        "dataset": "digits",
        "size": None,
        "shape": [8, 8, 1],
        "classes": ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
        "rows": {"train": 1433, "test": 364},
        "variants": 1,
        "complete": True,
        "notes": [],
        "left_out": [],
        "fingerprint": "567ea05b458f2067a5976487e5931a206426eea59a15d0bc87abee7b1604bea0",
    }
    assert arrays["train_images"].shape == (1433, 8, 8, 1)
    assert arrays["train_images"].dtype == numpy.uint8
    assert (arrays["train_images"].min(), arrays["train_images"].max()) == (0, 255)
    assert arrays["test_labels"].dtype == numpy.int64


def test_digits_are_split_80_to_20_in_each_class(decoded):
    files = scikit_digits(decoded)["files"]
    train, test = (numpy.bincount(numpy.load(files[f"{split}_labels"])) for split in ("train", "test"))
    assert train.tolist() == [142, 145, 141, 146, 144, 145, 144, 143, 139, 144]
    assert (train + test).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_digits_of_32_pixels_repeat_whole_pixels(decoded, tmp_path):
    small = numpy.load(scikit_digits(decoded)["files"]["test_images"])
    large = numpy.load(scikit_digits(tmp_path, 32)["files"]["test_images"])
    assert large.shape == (364, 32, 32, 1)
    for row, column in ((0, 0), (3, 3), (1, 2)):
        assert (large[:, row::4, column::4] == small).all()


def test_other_sizes_are_interpolated(tmp_path):
    assert scikit_digits(tmp_path, 12)["shape"] == [12, 12, 1]


def test_asking_again_imports_no_decoder(decoded):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from worker.data import mount\n"
        "mount('datasets.cache').prepare('digits', None, None, sys.argv[2])\n"
        "print(sorted({'sklearn', 'PIL', 'pooch', 'requests', 'filelock'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, ROOT, decoded], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_two_processes_at_once_get_the_same(tmp_path):
    request = tmp_path / "request.json"
    asked = {"dataset": "digits", "size": None, "data_home": None, "cache": str(tmp_path / "cache"), "derive": {}}
    asked["model"] = None
    request.write_text(json.dumps(asked))
    command = [sys.executable, "-I", str(ROOT / "worker" / "data.py"), str(request)]
    running = [subprocess.Popen([*command, str(tmp_path / name)]) for name in ("a", "b")]
    assert [process.wait() for process in running] == [0, 0]
    first, second = (json.loads((tmp_path / name).read_text()) for name in ("a", "b"))
    assert first == second
    assert first["rows"] == {"train": 1433, "test": 364}
    assert len(list((tmp_path / "cache").glob("digits-*/record.json"))) == 1


def test_a_damaged_cache_is_decoded_again(tmp_path):
    manifest = scikit_digits(tmp_path)
    path = Path(manifest["files"]["train_images"])
    path.write_bytes(path.read_bytes()[:1000])
    assert scikit_digits(tmp_path) == manifest
    assert numpy.load(path).shape == (1433, 8, 8, 1)


def test_what_a_killed_process_left_is_swept_away(tmp_path):
    manifest = scikit_digits(tmp_path)
    folder = Path(manifest["files"]["train_images"]).parent
    part = folder.with_name(folder.name + ".part")
    folder.rename(part)
    (part / "record.json").unlink()
    assert scikit_digits(tmp_path) == manifest
    assert not part.exists()


def test_another_source_file_is_another_key(tmp_path):
    path = tmp_path / "train"
    path.write_bytes(b"one")
    before = cache.content_key([str(path)])
    assert cache.content_key([str(path)]) == before
    os.utime(path, ns=(1, 1))
    assert cache.content_key([str(path)]) != before


def test_wrong_data_leave_nothing_in_the_cache(tmp_path):
    home, folder = tmp_path / "home", tmp_path / "cache"
    (home / "mnist").mkdir(parents=True)
    (home / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(b"garbage")
    with pytest.raises(dataset.Wrong, match=r"^mnist: .*Delete it and fetch it again from https://"):
        cache.prepare("mnist", None, str(home), str(folder))
    assert [path.suffix for path in folder.iterdir()] == [".lock"]


def test_missing_data_name_address_layout_and_option(tmp_path):
    with pytest.raises(dataset.Missing) as caught:
        cache.prepare("intel", None, str(tmp_path), str(tmp_path / "cache"))
    message = str(caught.value)
    assert f"intel: {tmp_path} holds none of it" in message
    assert "https://www.kaggle.com/datasets/puneet6060/intel-image-classification" in message
    assert "seg_train/seg_train/CLASS/*.jpg" in message
    assert "FRAMEGATE_DATA or --data-home" in message


def test_a_data_home_that_is_no_folder_is_said_to_be_none(tmp_path):
    with pytest.raises(dataset.Missing, match="nowhere is not a folder"):
        cache.prepare("cats-dogs", None, str(tmp_path / "nowhere"), str(tmp_path))


def test_the_working_directory_is_no_data_home(tmp_path, monkeypatch):
    (tmp_path / "PetImages" / "Cat").mkdir(parents=True)
    (tmp_path / "PetImages" / "Cat" / "1.jpg").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(dataset.Missing, match="no data home is set"):
        cache.prepare("cats-dogs", None, None, str(tmp_path / "cache"))


def test_an_unknown_name_is_answered_with_those_there_are():
    with pytest.raises(dataset.Wrong, match=r"'minst'; wanted one of digits, mnist, fashion-mnist, cifar-10"):
        cache.prepare("minst", None, None, "unused")


@pytest.mark.parametrize("size", [0, -1, 5000])
def test_a_size_out_of_range_is_refused(size, tmp_path):
    with pytest.raises(dataset.Wrong, match="wanted 1 to 1024 pixels"):
        scikit_digits(tmp_path, size)


IMAGES = numpy.zeros((2, 4, 4, 1), numpy.uint8)
LABELS = numpy.array([0, 1])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ((IMAGES.astype(float), LABELS, IMAGES, LABELS), "train images are float64"),
        ((IMAGES, LABELS, IMAGES[:, :3], LABELS), "test images are uint8"),
        (
            (IMAGES[:, 0, :, 0], LABELS, IMAGES[:, 0, :, 0], LABELS),
            r"wanted uint8 \(N, H, W, C\), or int32 \(N, length\)",
        ),
        ((IMAGES, LABELS[:1], IMAGES, LABELS), "train labels are int64"),
        ((IMAGES, LABELS, IMAGES, LABELS + 1), "test labels are 1 to 2; wanted 0 to 1"),
    ],
)
def test_arrays_that_break_the_contract_are_refused(arrays, message):
    with pytest.raises(dataset.Wrong, match=message):
        cache.check(dataset.Decoded(*arrays, classes=["a", "b"], complete=True))


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Serve one file over HTTP; give the address."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "data.bin").write_bytes(b"published")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args) -> None:
            super().__init__(*args, directory=str(tmp_path / "site"))

        def log_message(self, *args) -> None:
            pass

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with http.server.HTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
    gc.collect()  # requests leaves sockets to the garbage collector: not during another test


LEAVES_SOCKETS = pytest.mark.filterwarnings(
    r"ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
)


def toy(url: str, hash_: str) -> SimpleNamespace:
    """Give what a dataset module has, with one download."""

    def sources(home: str) -> list[str]:
        path = os.path.join(home, "toy", "data.bin")
        return [path] if os.path.isfile(path) else []

    downloads = (dataset.Download(url, hash_, "toy/data.bin"),)
    return SimpleNamespace(ADDRESS=url, LAYOUT="toy/data.bin", DOWNLOADS=downloads, sources=sources)


@LEAVES_SOCKETS
def test_a_download_lands_in_the_cache_once_its_hash_is_right(site, tmp_path):
    module = toy(site + "/data.bin", "md5:" + md5(b"published").hexdigest())
    found = cache.locate("toy", module, None, str(tmp_path / "cache"), fetch=True)
    assert found == [str(tmp_path / "cache" / "downloads" / "toy" / "data.bin")]
    assert Path(found[0]).read_bytes() == b"published"


def test_the_data_home_comes_before_the_network(tmp_path):
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "data.bin").write_bytes(b"by hand")
    module = toy("http://127.0.0.1:9/data.bin", "md5:0")
    assert cache.locate("toy", module, str(tmp_path), str(tmp_path), fetch=True) == [str(tmp_path / "toy" / "data.bin")]


@LEAVES_SOCKETS
def test_a_download_with_another_hash_is_not_kept(site, tmp_path):
    module = toy(site + "/data.bin", "md5:" + "0" * 32)
    with pytest.raises(dataset.Wrong, match="wanted md5:0000"):
        cache.locate("toy", module, None, str(tmp_path / "cache"), fetch=True)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


@LEAVES_SOCKETS
@pytest.mark.parametrize("address", ["SITE/absent", "http://127.0.0.1:9/data.bin"])
def test_a_failed_download_says_how_to_fetch_it_by_hand(site, tmp_path, address):
    module = toy(address.replace("SITE", site), "md5:" + "0" * 32)
    with pytest.raises(dataset.Missing, match="could not be downloaded") as caught:
        cache.locate("toy", module, None, str(tmp_path / "cache"), fetch=True)
    assert "put it into a folder of yours as toy/data.bin" in str(caught.value)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_a_survey_tells_missing_wrong_and_present_apart(tmp_path):
    home = tmp_path / "home"
    (home / "mnist").mkdir(parents=True)
    (home / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(b"garbage")
    entries = cache.survey(["digits", "mnist", "cifar-10"], str(home), str(tmp_path / "cache"))
    assert [entry["state"] for entry in entries] == ["present", "wrong", "missing"]
    assert entries[0]["rows"] == {"train": 1433, "test": 364}
    assert entries[1]["where"].endswith("train-images-idx3-ubyte.gz")
