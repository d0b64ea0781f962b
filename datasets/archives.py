"""Reads files and archives that strangers made. Nothing is unpacked to disk, and nothing grows beyond its limit."""

import contextlib
import gzip
import os
import stat
import struct
import tarfile
import zipfile
import zlib

from .dataset import Wrong

MOST_MEMBERS = 200000
LARGEST_IMAGE = 20 * 2**20  # bytes
LARGEST_TAR = 256 * 2**20  # bytes, all members unpacked; the largest of the published ones has 185 MB
LARGEST_ZIP = 8 * 2**30  # bytes, all members unpacked
BROKEN = (  # what gzip, tarfile, zipfile and zlib raise on bytes that somebody damaged or forged
    (EOFError, OSError, RuntimeError, ValueError, ArithmeticError, LookupError)
    + (struct.error, zlib.error, tarfile.TarError, zipfile.BadZipFile)
)


def read_file(path, limit):
    """Return the bytes of a file, unpacked if it ends in .gz. Raises Wrong where they are more than limit."""
    opened = gzip.open if path.endswith(".gz") else open
    try:
        with opened(path, "rb") as file:
            data = file.read(limit + 1)
    except BROKEN as error:
        raise Wrong(
            "{}: cannot be read ({}); wanted a whole file".format(path, error or type(error).__name__)
        ) from None
    if len(data) > limit:
        raise Wrong("{}: more than {:,} bytes unpacked; wanted at most that".format(path, limit))
    return data


def read_tar(path, wanted, limit):
    """Return {name: bytes} of those wanted members of a .tar.gz that are there."""
    found = {}
    try:
        with gzip.open(path, "rb") as unpacked:
            stream = _Limited(path, unpacked, limit)
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                for count, member in enumerate(archive):
                    _check_member(path, member, count, limit)
                    if member.name in found:
                        raise Wrong("{}: two members {!r}; wanted one".format(path, member.name))
                    if member.isfile() and member.name in wanted:
                        found[member.name] = archive.extractfile(member).read()
            while stream.read(2**20):  # to the end: only there gzip compares its checksum
                pass
    except BROKEN as error:
        raise Wrong(
            "{}: cannot be unpacked ({}); wanted a whole .tar.gz".format(path, error or type(error).__name__)
        ) from None
    return found


class _Limited:
    """A file that refuses to be read beyond a limit: a few compressed kilobytes can hold gigabytes."""

    def __init__(self, path, file, limit):
        self.path, self.file, self.left, self.limit = path, file, limit, limit

    def read(self, size):
        data = self.file.read(min(size, self.left + 1))
        self.left -= len(data)
        if self.left < 0:
            raise Wrong("{}: more than {:,} bytes unpacked; wanted at most that".format(self.path, self.limit))
        return data


def _check_member(path, member, count, limit):
    _check_name(path, member.name)
    if count >= MOST_MEMBERS or member.size > limit:
        raise Wrong("{}: member {!r} of {:,} bytes, wanted at most {:,}".format(path, member.name, member.size, limit))
    if not (member.isfile() or member.isdir()) or member.issparse():
        raise Wrong("{}: member {!r} is a link or a special file; wanted plain files".format(path, member.name))


def _check_name(path, name):
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ":" in parts[0] or ".." in parts:
        raise Wrong("{}: member {!r} points outside of the archive; wanted plain relative names".format(path, name))


def files_or_archive(home, folder, names, archive):
    """Return the files in the folder, or the archive where some of them are absent, or []."""
    paths = [os.path.join(home, folder, name) for name in names]
    found = [path for path in paths if os.path.isfile(path)]
    archive = os.path.join(home, archive)
    return [archive] if len(found) < len(names) and os.path.isfile(archive) else found


def read_members(paths, folder, names):
    """Return {name: bytes} of the files, wherever they lie."""
    if len(paths) == 1 and paths[0].endswith(".tar.gz"):
        members = read_tar(paths[0], {folder + "/" + name for name in names}, LARGEST_TAR)
        return {os.path.basename(name): data for name, data in members.items()}
    return {os.path.basename(path): read_file(path, LARGEST_TAR) for path in paths}


def place(paths, name):
    """Return where a file lies, for messages."""
    return paths[0] + ": " + name if paths[0].endswith(".tar.gz") else os.path.join(os.path.dirname(paths[0]), name)


def check_present(paths, found, wanted):
    absent = [name for name in wanted if name not in found]
    if absent:
        raise Wrong("{}: no {}; wanted it".format(os.path.dirname(paths[0]), " and no ".join(absent)))


@contextlib.contextmanager
def image_files(paths, depth):
    """Give {name: function that returns its bytes} of files, or of the members of a single zip file.

    A name is "seg_train/seg_train/sea/1.jpg": of a file's path, the last depth parts. The functions raise one of BROKEN.
    """
    if len(paths) == 1 and paths[0].endswith(".zip"):
        with _open_zip(paths[0]) as archive:
            yield {member.filename: _zip_reader(archive, member) for member in _zip_members(paths[0], archive)}
    else:
        yield {"/".join(path.split(os.sep)[-depth:]): _file_reader(path) for path in paths}


def _open_zip(path):
    try:
        return zipfile.ZipFile(path)
    except BROKEN as error:
        raise Wrong("{}: {}; wanted a whole zip file".format(path, error)) from None


def _zip_members(path, archive):
    members = archive.infolist()
    names = {member.filename for member in members}
    if len(members) > MOST_MEMBERS or len(names) < len(members):
        wanted = "wanted at most {:,}, each once".format(MOST_MEMBERS)
        raise Wrong("{}: {:,} members with {:,} names; {}".format(path, len(members), len(names), wanted))
    for member in members:
        _check_name(path, member.filename)
        if stat.S_ISLNK(member.external_attr >> 16):
            raise Wrong("{}: member {!r} is a link; wanted plain files".format(path, member.filename))
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            wanted = "wanted stored or deflated ones"
            raise Wrong(
                "{}: member {!r} is packed by method {}; {}".format(path, member.filename, member.compress_type, wanted)
            )
    unpacked = sum(member.file_size for member in members)
    if unpacked > LARGEST_ZIP:
        raise Wrong("{}: {:,} bytes unpacked, wanted at most {:,}".format(path, unpacked, LARGEST_ZIP))
    return [member for member in members if not member.filename.endswith("/")]


def _zip_reader(archive, member):
    def read():
        if member.file_size > LARGEST_IMAGE:
            raise OSError("{:,} bytes, wanted at most {:,}".format(member.file_size, LARGEST_IMAGE))
        with archive.open(member) as file:  # gives no more than the declared size, and compares the checksum
            return file.read()

    return read


def _file_reader(path):
    def read():
        with open(path, "rb") as file:
            data = file.read(LARGEST_IMAGE + 1)
        if len(data) > LARGEST_IMAGE:
            raise OSError("more than {:,} bytes".format(LARGEST_IMAGE))
        return data

    return read
