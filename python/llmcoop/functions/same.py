"""Say whether two versions of a function did the same."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from llmcoop.functions.inputs import Behaviour
from llmcoop.functions.signature import SLOT_BYTES, Signature, Type

_CODES = {"float": "f", "double": "d"}


@dataclass(frozen=True, slots=True)
class Floats:
    """Which floating-point numbers a region holds; LLVM leaves open which NaN an operation gives."""

    single: bool = False
    double: bool = False

    @property
    def codes(self) -> str:
        return "f" * self.single + "d" * self.double


def same(one: Behaviour, other: Behaviour, signature: Signature, floats: Sequence[Floats]) -> bool:
    """Whether both ended alike, with equal results and memory; any two NaNs are equal, 0.0 and -0.0 are not."""
    if not one.returned or not other.returned:
        return one.ending == other.ending
    if not all(_same_leaf(one, other, number, leaf.type) for number, leaf in enumerate(signature.leaves)):
        return False
    return not any(
        differing(first, second, codes.codes)
        for first, second, codes in zip(one.memory, other.memory, floats, strict=True)
        if first != second
    )


def leaf_bytes(behaviour: Behaviour, number: int, kind: Type) -> bytes:
    """A part of the result, as it lies in memory."""
    return behaviour.result[number * SLOT_BYTES :][: kind.size]


def _same_leaf(one: Behaviour, other: Behaviour, number: int, kind: Type) -> bool:
    first, second = leaf_bytes(one, number, kind), leaf_bytes(other, number, kind)
    return first == second or not differing(first, second, _CODES.get(kind.scalar, ""))


def differing(first: bytes, second: bytes, codes: str) -> list[int]:
    """Offsets of bytes that differ and belong to no pair of NaNs."""
    if len(first) != len(second):
        return [min(len(first), len(second))]
    return [
        offset
        for offset in range(len(first))
        if first[offset] != second[offset] and not any(_both_nan(first, second, offset, code) for code in codes)
    ]


def _both_nan(first: bytes, second: bytes, offset: int, code: str) -> bool:
    size = struct.calcsize(code)
    start = offset - offset % size
    if start + size > len(first):
        return False
    numbers = (struct.unpack_from(f"<{code}", memory, start)[0] for memory in (first, second))
    return all(map(math.isnan, numbers))
