"""Build dataclasses from JSON values, by their type annotations: the inverse of `dataclasses.asdict`."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


def load(kind: type[T], value: object) -> T:
    """`value`, which JSON gave, as an instance of the dataclass `kind`.

    Knows dataclasses, tuples, optional values, enums, paths and the types of JSON itself.
    Raises `TypeError` or `ValueError` when the value does not fit.
    """
    return _load(kind, value)


def _load(kind: Any, value: Any) -> Any:
    if get_origin(kind) is UnionType:
        (inner,) = (option for option in get_args(kind) if option is not NoneType)
        return None if value is None else _load(inner, value)
    if get_origin(kind) is tuple:
        return _load_tuple(get_args(kind), value)
    if is_dataclass(kind):
        return _load_dataclass(kind, value)
    if issubclass(kind, Enum | Path):
        return kind(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def _load_tuple(kinds: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is no list")
    if kinds[-1] is Ellipsis:
        return tuple(_load(kinds[0], entry) for entry in value)
    return tuple(_load(kind, entry) for kind, entry in zip(kinds, value, strict=True))


def _load_dataclass(kind: Any, value: Any) -> Any:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is no object")
    hints = get_type_hints(kind)
    names = {field.name for field in fields(kind)}
    if names != value.keys():
        raise TypeError(f"{kind.__name__} has the fields {sorted(names)}, not {sorted(value)}")
    return kind(**{name: _load(hints[name], entry) for name, entry in value.items()})
