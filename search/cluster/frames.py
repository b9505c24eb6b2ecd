"""Messages as bytes: a JSON object with, where there are any, raw bytes after it."""

import json
import struct
from collections.abc import Iterator
from typing import Any

HEAD = struct.Struct("!II")  # the lengths of both


def frame(payload: bytes = b"", **message: Any) -> bytes:
    """A message and its bytes."""
    text = json.dumps(message).encode()
    return HEAD.pack(len(text), len(payload)) + text + payload


class Frames:
    """Takes a stream apart into the messages that it consists of."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, received: bytes) -> Iterator[tuple[dict[str, Any], bytes]]:
        """The messages that are complete now, each with its bytes; what is left waits for the rest."""
        self._pending += received
        while len(self._pending) >= HEAD.size:
            length, size = HEAD.unpack_from(self._pending)
            middle, end = HEAD.size + length, HEAD.size + length + size
            if len(self._pending) < end:
                return
            message = json.loads(bytes(self._pending[HEAD.size : middle]))
            payload = bytes(self._pending[middle:end])
            del self._pending[:end]
            yield message, payload
