"""Show an input and what two versions of a function did with it, in words that fit in a line each."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from llmcoop.functions.explore import Examined
from llmcoop.functions.inputs import Behaviour, Input, Link
from llmcoop.functions.same import Floats, differing, leaf_bytes
from llmcoop.functions.signature import Signature, Type

_SHOWN_BYTES = 32
_CODES = {"float": "f", "double": "d"}


def arguments(given: Input, signature: Signature, floats: Sequence[Floats]) -> tuple[str, ...]:
    """The arguments, then the memory that they lead to."""
    pointers = dict(given.pointers)
    shown = [
        f"{parameter.name} = {_link(given, pointers[number])}"
        if parameter.type.is_pointer
        else f"{parameter.name} = {_value(given.scalars[number], parameter.type)}"
        for number, parameter in enumerate(signature.parameters)
    ]
    for number, region in enumerate(given.regions):
        name, length = " -> ".join(region.path), len(region.contents)
        if length:
            shown.append(f"[{name}] is {length} bytes: {_memory(given.image(number), floats[number])}")
    return tuple(shown)


def behaviours(examined: Examined, answer: Behaviour, signature: Signature) -> tuple[str, str]:
    """What the old and what the new version did, where it differs."""
    old = examined.behaviour
    if not answer.returned:
        return old.ending, answer.ending
    for number, leaf in enumerate(signature.leaves):
        first, second = leaf_bytes(old, number, leaf.type), leaf_bytes(answer, number, leaf.type)
        if first != second and differing(first, second, _CODES.get(leaf.type.scalar, "")):
            return f"returns {_value(first, leaf.type)}", f"returns {_value(second, leaf.type)}"
    for number, region in enumerate(examined.given.regions):
        codes = examined.floats[number].codes
        places = differing(old.memory[number], answer.memory[number], codes)
        if places:
            name, start = " -> ".join(region.path), region.pages[0] - region.shift
            return (
                _left(name, old.memory[number], places[0], start, codes),
                _left(name, answer.memory[number], places[0], start, codes),
            )
    return old.ending, answer.ending


def _left(name: str, memory: bytes, place: int, start: int, codes: str) -> str:
    if len(codes) == 1:
        size = struct.calcsize(codes)
        place -= place % size
        return f"leaves {struct.unpack_from(codes, memory, place)[0]!r} in [{name}] at byte {place + start}"
    return f"leaves {memory[place : place + 8].hex(' ')} in [{name}] at byte {place + start}"


def _link(given: Input, link: Link) -> str:
    if link.region < 0:
        return "null"
    delta = f"{link.delta:+d}" if link.delta else ""
    return f"[{' -> '.join(given.regions[link.region].path)}]{delta}"


def _value(data: bytes, kind: Type) -> str:
    if kind.lanes == 1 and kind.is_integer:
        unsigned = int.from_bytes(data, "little")
        return str(unsigned - (1 << kind.bits) if unsigned >> (kind.bits - 1) and kind.bits > 1 else unsigned)
    if kind.scalar in _CODES:
        numbers = struct.unpack(f"<{kind.lanes}{_CODES[kind.scalar]}", data)
        return repr(numbers[0]) if kind.lanes == 1 else str(list(numbers))
    return f"0x{data[::-1].hex()}"


def _memory(image: bytes, floats: Floats) -> str:
    codes = floats.codes
    rest = " …" if len(image) > _SHOWN_BYTES else ""
    if len(codes) == 1:
        size = struct.calcsize(codes)
        count = min(len(image), _SHOWN_BYTES) // size
        return ", ".join(map(repr, struct.unpack_from(f"<{count}{codes}", image))) + rest
    return image[:_SHOWN_BYTES].hex(" ") + rest
