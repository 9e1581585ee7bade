"""Dataclasses as JSON values and back, by their type annotations.

Knows dataclasses, tuples, mappings from strings, optional values, enums, bytes, paths and the types of JSON itself.
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")

# How values of some type are written as JSON values, or read from them.
Leaves = Mapping[type, Callable[[Any], Any]]

_BASE64 = "base64"


def dump(value: object, leaves: Leaves | None = None) -> Any:
    """`value` as what `json.dumps` takes, without fields that have their defaults.

    `leaves` says how bytes and paths are written, where it is not as text: bytes that are no UTF-8 become an object
    {"base64": …}.
    """
    return _dump(value, {bytes: _written_bytes, Path: str, **(leaves or {})})


def load(kind: type[T], value: object, leaves: Leaves | None = None) -> T:
    """`value`, which JSON gave, as an instance of the dataclass `kind`: the inverse of `dump`.

    A field that has a default may be absent. `leaves` says how bytes and paths are read, where `dump` was told so.
    Raises `TypeError` or `ValueError` when the value does not fit.
    """
    return _load(kind, value, {bytes: _read_bytes, Path: _read_path, **(leaves or {})})


def _dump(value: Any, leaves: Leaves) -> Any:
    if is_dataclass(value):
        changed = ((field.name, getattr(value, field.name)) for field in fields(value) if not _is_default(value, field))
        return {name: _dump(part, leaves) for name, part in changed}
    if isinstance(value, Mapping):
        return {name: _dump(part, leaves) for name, part in value.items()}
    if isinstance(value, tuple | list):
        return [_dump(part, leaves) for part in value]
    for kind, write in leaves.items():
        if isinstance(value, kind):
            return write(value)
    return value


def _is_default(value: object, field: Field[Any]) -> bool:
    default = field.default if field.default_factory is MISSING else field.default_factory()
    return default is not MISSING and getattr(value, field.name) == default


def _load(kind: Any, value: Any, leaves: Leaves) -> Any:
    origin = get_origin(kind)
    if origin is UnionType:
        (inner,) = (option for option in get_args(kind) if option is not NoneType)
        return None if value is None else _load(inner, value, leaves)
    if origin is tuple:
        return _load_tuple(get_args(kind), value, leaves)
    if origin is Mapping:
        return _load_mapping(get_args(kind)[1], value, leaves)
    if is_dataclass(kind):
        return _load_dataclass(kind, value, leaves)
    if kind in leaves:
        return leaves[kind](value)
    return _load_plain(kind, value)


def _load_plain(kind: Any, value: Any) -> Any:
    if kind is object:
        return value
    if issubclass(kind, Enum):
        return kind(value)
    if kind is float and type(value) is int:
        return _as_float(value)
    if type(value) is not kind:
        raise TypeError(f"{str(value)[:80]!r} is no {kind.__name__}")
    return value


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        raise ValueError("a number is too large") from None


def _load_tuple(kinds: tuple[Any, ...], value: Any, leaves: Leaves) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise TypeError(f"{str(value)[:80]!r} is no list")
    if kinds[-1] is Ellipsis:
        return tuple(_load(kinds[0], entry, leaves) for entry in value)
    return tuple(_load(kind, entry, leaves) for kind, entry in zip(kinds, value, strict=True))


def _load_mapping(kind: Any, value: Any, leaves: Leaves) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{str(value)[:80]!r} is no object")
    return {name: _load(kind, entry, leaves) for name, entry in value.items()}


def _load_dataclass(kind: Any, value: Any, leaves: Leaves) -> Any:
    if not isinstance(value, dict):
        raise TypeError(f"{str(value)[:80]!r} is no object")
    types, required = _types(kind), _required(kind)
    if not required <= value.keys() <= types.keys():
        raise TypeError(f"{kind.__name__} has the fields {sorted(types)}, not {sorted(value)}")
    return kind(**{name: _load(types[name], entry, leaves) for name, entry in value.items()})


@functools.cache
def _types(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


@functools.cache
def _required(kind: type) -> frozenset[str]:
    return frozenset(entry.name for entry in fields(kind) if entry.default is entry.default_factory is MISSING)


def _written_bytes(data: bytes) -> object:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {_BASE64: base64.b64encode(data).decode()}


def _read_bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, dict) and value.keys() == {_BASE64}:
        return base64.b64decode(value[_BASE64], validate=True)
    raise TypeError(f"{str(value)[:80]!r} is no text and no base64")


def _read_path(value: Any) -> Path:
    return Path(_load_plain(str, value))
