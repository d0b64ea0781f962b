"""The input pipeline of the toy framework: grey PNG files, one by one.

TOY_PIPELINE spoils it: "backwards", "dark", "dim" or "short".
"""

import os
import struct
import zlib

import numpy


class Pipeline:
    def __init__(self, job, paths, labels):
        self.job, self.paths, self.labels = job, paths, labels
        self.fault = os.environ.get("TOY_PIPELINE")

    def batches(self, order):
        if self.fault == "short":
            order = order[:-1]
        for start in range(0, len(order), self.job.batch_size):
            rows = order[start : start + self.job.batch_size]
            images = numpy.stack([read_png(self.paths[row]).reshape(self.job.shape) for row in rows])
            images = images[::-1] if self.fault == "backwards" else images
            whole = {"dark": 510, "dim": 270}.get(self.fault, 255)
            yield numpy.divide(images, numpy.float32(whole), dtype=numpy.float32), self.labels[rows]

    def to_numpy(self, images, labels):
        return images, labels

    def finish(self):
        """Nothing is ever queued."""

    def about(self):
        return {
            "framework": "toy",
            "version": "1",
            "versions": {"numpy": numpy.__version__},
            "device": "cpu",
            "threads": self.job.threads,
            "determinism": {},
        }

    def device_peak_bytes(self):
        return None


def read_png(path):
    """Return uint8 (H, W) of a grey PNG of 8 bits without interlacing (https://www.w3.org/TR/png-3/)."""
    with open(path, "rb") as file:
        data = file.read()
    chunks, place = {}, 8
    while place < len(data):
        (length,) = struct.unpack_from(">I", data, place)
        kind = data[place + 4 : place + 8]
        chunks[kind] = chunks.get(kind, b"") + data[place + 8 : place + 8 + length]
        place += length + 12
    width, height = struct.unpack_from(">II", chunks[b"IHDR"])
    lines = numpy.frombuffer(zlib.decompress(chunks[b"IDAT"]), numpy.uint8).reshape(height, width + 1)
    image = numpy.zeros((height + 1, width + 1), int)  # a black line above, and a black pixel to the left
    for row, line in enumerate(lines.astype(int), start=1):
        for column in range(1, width + 1):
            left, above = image[row, column - 1], image[row - 1, column]
            corner = image[row - 1, column - 1]
            image[row, column] = (line[column] + predicted(line[0], left, above, corner)) % 256
    return image[1:, 1:].astype(numpy.uint8)


def predicted(kind, left, above, corner):
    """Return what a line's filter expects of a pixel."""
    if kind == 4:
        near = left + above - corner
        return min((abs(near - left), 0, left), (abs(near - above), 1, above), (abs(near - corner), 2, corner))[2]
    return (0, left, above, (left + above) // 2)[kind]
