"""Samples that are images, as small PNG files within a page."""

import base64
import struct
import zlib
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

SMALLEST = 8  # the side of an image: four features of a table are no picture


def as_images(x: NDArray[Any]) -> Bytes | None:
    """Samples as images, where they look like ones.

    Args:
        x: (n, height, width), (n, height, width, 1) or (n, side * side) with a side of at least 8.

    Returns:
        (n, height, width): 0 for the least number in `x`, 255 for the greatest; None for other samples.
    """
    if x.ndim == 4 and x.shape[3] == 1:
        x = x[..., 0]
    elif x.ndim == 2 and isqrt(x.shape[1]) ** 2 == x.shape[1]:
        side = isqrt(x.shape[1])
        x = x.reshape(len(x), side, side)
    if x.ndim != 3 or min(x.shape[1:]) < SMALLEST or not np.isfinite(x).all():
        return None
    low, high = float(x.min()), float(x.max())
    scaled = (x.astype(np.float64) - low) / ((high - low) or 1.0) * 255
    return scaled.round().astype(np.uint8)


def data_uri(image: Bytes) -> str:
    """A grey image (height, width) as a PNG in a `data:` address."""
    height, width = image.shape
    rows = b"".join(b"\0" + row.tobytes() for row in np.ascontiguousarray(image))  # \0: no filter
    png = (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
        + _chunk(b"IDAT", zlib.compress(rows, 9))
        + _chunk(b"IEND", b"")
    )
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
