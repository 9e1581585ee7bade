"""Frozen dataclasses as bytes and back, without running anything that the bytes say (unlike pickle).

A message is a 4-byte length, a JSON header of that length and the contents of all `bytes` fields. What comes
back from a sandbox is not trusted: every value is checked against the type that its field declares.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from typing import TypeVar

from llmcoop import record
from llmcoop.errors import ToolchainError

PREFIX_BYTES = 4
T = TypeVar("T")
_HEADER_LIMIT = 64 << 20
_BLOBS_LIMIT = 1 << 30


class MalformedMessage(ToolchainError):  # noqa: N818 - it says what happened
    """The other side of a pipe does not keep to the protocol."""


def encode(value: object) -> bytes:
    """The message for a dataclass whose fields are plain values, tuples of them or dataclasses again."""
    blobs: list[bytes] = []

    def numbered(blob: bytes) -> int:
        blobs.append(blob)
        return len(blobs) - 1

    body = record.dump(value, {bytes: numbered})
    header = json.dumps({"body": body, "blobs": [len(blob) for blob in blobs]}).encode()
    return b"".join((struct.pack("<I", len(header)), header, *blobs))


def read(kind: type[T], receive: Callable[[int], bytes]) -> T:
    """Read one message that holds a `kind`. `receive(n)` returns exactly n bytes.

    Raises MalformedMessage.
    """
    (length,) = struct.unpack("<I", receive(PREFIX_BYTES))
    if length > _HEADER_LIMIT:
        raise MalformedMessage(f"a header of {length} bytes")
    try:
        header = json.loads(receive(length))
        body, sizes = header["body"], tuple(_whole(size) for size in header["blobs"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise MalformedMessage(f"not a header: {error}") from None
    if sum(sizes) > _BLOBS_LIMIT:
        raise MalformedMessage(f"{sum(sizes)} bytes of data")
    return _typed(kind, body, [receive(size) for size in sizes])


def decode(kind: type[T], message: bytes) -> T:
    """The value in a whole message. Raises MalformedMessage."""
    position = 0

    def receive(n_bytes: int) -> bytes:
        nonlocal position
        position += n_bytes
        if position > len(message):
            raise MalformedMessage("it ends too early")
        return message[position - n_bytes : position]

    return read(kind, receive)


def _whole(size: object) -> int:
    if not isinstance(size, int) or size < 0:
        raise ValueError(f"{size!r} is not a size")
    return size


def _typed(kind: type[T], body: object, blobs: Sequence[bytes]) -> T:
    def blob(index: object) -> bytes:
        if type(index) is not int or not 0 <= index < len(blobs):
            raise TypeError(f"{str(index)[:80]!r} is no blob")
        return blobs[index]

    try:
        return record.load(kind, body, {bytes: blob})
    except (TypeError, ValueError) as error:
        raise MalformedMessage(f"not a {kind.__name__}: {error}") from None
