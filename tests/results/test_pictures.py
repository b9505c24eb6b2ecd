"""Samples as images, and images as PNG."""

import base64
import struct
import zlib

import numpy as np
import pytest

from results.pictures import as_images, data_uri


@pytest.mark.parametrize(
    ("shape", "image"),
    [
        ((2, 784), (2, 28, 28)),
        ((2, 64), (2, 8, 8)),
        ((2, 9, 12), (2, 9, 12)),
        ((2, 9, 12, 1), (2, 9, 12)),
        ((2, 63), None),
        ((2, 4), None),
        ((2, 3, 100), None),
        ((2, 9, 9, 3), None),
        ((2,), None),
    ],
)
def test_what_looks_like_an_image(shape: tuple[int, ...], image: tuple[int, ...] | None) -> None:
    found = as_images(np.zeros(shape))
    assert (None if found is None else found.shape) == image


def test_the_scale_is_that_of_all_samples() -> None:
    x = np.zeros((2, 64))
    x[0, 0], x[1, 5] = -1, 1
    found = as_images(x)
    assert found is not None
    assert (found[0, 0, 0], found[0, 1, 1], found[1, 0, 5]) == (0, 128, 255)


def test_what_is_not_finite_is_no_image() -> None:
    assert as_images(np.full((1, 64), np.nan)) is None


def test_a_png_holds_the_image() -> None:
    image = np.arange(6, dtype=np.uint8).reshape(2, 3)
    png = base64.b64decode(data_uri(image).removeprefix("data:image/png;base64,"))
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, rest = {}, png[8:]
    while rest:
        (length,) = struct.unpack(">I", rest[:4])
        kind, data, crc = rest[4:8], rest[8 : 8 + length], rest[8 + length : 12 + length]
        assert struct.unpack(">I", crc)[0] == zlib.crc32(kind + data)
        chunks[kind] = data
        rest = rest[12 + length :]
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    assert struct.unpack(">IIBBBBB", chunks[b"IHDR"]) == (3, 2, 8, 0, 0, 0, 0)
    assert zlib.decompress(chunks[b"IDAT"]) == bytes([0, 0, 1, 2, 0, 3, 4, 5])
