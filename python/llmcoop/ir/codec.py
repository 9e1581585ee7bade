"""Frozen dataclasses as bytes and back, without running anything that the bytes say (unlike pickle).

A message is a 4-byte length, a JSON header of that length and the contents of all `bytes` fields. What comes
back from a sandbox is not trusted: every value is checked against the type that its field declares.
"""

from __future__ import annotations

import functools
import json
import struct
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import StrEnum
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

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
    body = _plain(value, blobs)
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


def _plain(value: Any, blobs: list[bytes]) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name), blobs) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(part, blobs) for part in value]
    if isinstance(value, bytes):
        blobs.append(value)
        return len(blobs) - 1
    return value


def _whole(size: object) -> int:
    if not isinstance(size, int) or size < 0:
        raise ValueError(f"{size!r} is not a size")
    return size


@functools.cache
def _field_types(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _typed(kind: Any, plain: Any, blobs: list[bytes]) -> Any:
    if is_dataclass(kind) and isinstance(kind, type) and isinstance(plain, dict):
        types = _field_types(kind)
        if plain.keys() == types.keys():
            return kind(**{name: _typed(types[name], part, blobs) for name, part in plain.items()})
    elif get_origin(kind) is tuple and isinstance(plain, list):
        parts = get_args(kind)
        inner = [parts[0]] * len(plain) if parts[1:] == (...,) else parts
        if len(inner) == len(plain):
            return tuple(_typed(part, value, blobs) for part, value in zip(inner, plain, strict=True))
    elif kind is bytes and type(plain) is int and 0 <= plain < len(blobs):
        return blobs[plain]
    elif kind is float and type(plain) in (int, float):
        return float(plain)
    elif kind in (str, int, bool) and type(plain) is kind:
        return plain
    elif isinstance(kind, type) and issubclass(kind, StrEnum) and plain in list(kind):
        return kind(plain)
    raise MalformedMessage(f"{str(plain)[:80]!r} is not a {kind}")
