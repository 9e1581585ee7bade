"""Draw values that make code go wrong: of a type, from a random generator."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from random import Random

from llmcoop.functions.notes import KIND_BYTES, Kind, kinds_in
from llmcoop.functions.signature import Type

SIZES = (3, 9, 40, 150, 1100)  # how large a number of class 0, 1, … gets; the class behind the last is any
SIGNS = (0.0, -0.0, 1.0, -1.0)
SPECIAL = (
    *(0.0, -0.0, 1.0, -1.0, 0.5, math.inf, -math.inf, math.nan, 5e-324, -5e-324, 1e-310, 2.2250738585072014e-308),
    *(1.7976931348623157e308, -1.7976931348623157e308, 3.4028234663852886e38, 1e-45, 1e-40, 1.1754943508222875e-38),
    *(16777217.0, 9007199254740993.0, 2147483648.0, -2147483649.0, 0.1, 1e16, -1e16, 3.0000000000000004),
)
_TEXT = b"abcdefghijklmnopqrstuvwxyzABCXYZ0123456789 .,:;-+_/\n\t\"'"
_FORMATS = {Kind.FLOAT: "f", Kind.DOUBLE: "d"}
_TILE = 127  # elements drawn for a large region; they repeat, at no power of two


def integer(random: Random, bits: int, size: int, constants: Sequence[int], signed_minimum: bool = True) -> int:
    """A number of a size class, modulo 2**bits; sometimes near one of `constants`."""
    whole = 1 << bits
    if constants and random.random() < 0.2:
        return (random.choice(constants) + random.randint(-1, 1)) % whole
    if size < len(SIZES):
        negative = signed_minimum and random.random() < 0.1
        number = random.randint(0, SIZES[size])
        return (-number if negative else number) % whole
    edges = (0, 1, whole - 1, whole >> 1, (whole >> 1) - 1, (whole >> 1) + 1, 1 << random.randrange(bits))
    return random.choice((*edges, random.getrandbits(bits))) % whole


def number(random: Random, style: int) -> float:
    """A floating-point number of a style from 0, the simplest, to 5: everything."""
    if style == 0:
        return float(random.randint(-9, 9))
    if style == 1:
        return random.uniform(-1.0, 1.0)
    if style == 2:
        return random.uniform(-1.0, 1.0) * 10.0 ** random.randint(-12, 12)
    if style == 3:
        return random.choice(SIGNS)
    if style == 4 or random.random() < 0.5:
        return random.choice(SPECIAL)
    return struct.unpack("d", random.randbytes(8))[0]


def style_of(random: Random) -> int:
    """A style for `number`, mostly one in which errors are small enough to be seen."""
    return random.choice((0, 0, 1, 1, 2, 3, 4, 5))


def scalar(random: Random, kind: Type, size: int, style: int, constants: Sequence[int]) -> bytes:
    """An argument of a type that is no pointer, as it lies in memory."""
    if kind.is_integer:
        total = 0
        for lane in range(kind.lanes):
            total |= integer(random, kind.bits, size, constants) << (lane * kind.bits)
        return total.to_bytes(kind.size, "little")
    if kind.scalar in ("float", "double"):
        return b"".join(
            _float("f" if kind.scalar == "float" else "d", number(random, style)) for _ in range(kind.lanes)
        )
    if kind.scalar == "x86_fp80":
        return _extended(number(random, min(style, 2)))
    return random.randbytes(kind.size)


def memory(random: Random, kinds: bytes, length: int, constants: Sequence[int]) -> bytes:
    """`length` bytes for code that uses them as `kinds` says (one Kind a byte; where it ends, it repeats)."""
    used = kinds_in(kinds)
    style = style_of(random)
    if not used:
        return _integers(random, Kind.I8, length, style, constants)
    if len(used) == 1:
        return _elements(random, next(iter(used)), length, style, constants)
    return _mixed(random, kinds, length, style, constants)


def _elements(random: Random, kind: Kind, length: int, style: int, constants: Sequence[int]) -> bytes:
    if kind not in _FORMATS:
        return _integers(random, kind, length, style, constants)
    count = -(-length // KIND_BYTES[kind])
    drawn = [_float(_FORMATS[kind], number(random, style)) for _ in range(min(count, _TILE))]
    return _tiled(b"".join(drawn), length)


def _integers(random: Random, kind: Kind, length: int, style: int, constants: Sequence[int]) -> bytes:
    width = KIND_BYTES.get(kind, 1)
    count = min(-(-length // width), _TILE)
    if width == 1 and style in (1, 2):
        alphabet = _TEXT if style == 1 else random.sample(_TEXT, 3)
        text = bytes(random.choice(alphabet) for _ in range(count))
        return _tiled(text, max(0, length - 1)) + b"\0" * min(1, length)
    size = (0, 1, 2, 2, 3, len(SIZES))[style]
    drawn = (integer(random, 8 * width, size, constants).to_bytes(width, "little") for _ in range(count))
    return _tiled(b"".join(drawn), length)


def _mixed(random: Random, kinds: bytes, length: int, style: int, constants: Sequence[int]) -> bytes:
    """Memory whose parts have different types, such as structures."""
    image = bytearray(_integers(random, Kind.I8, length, 0, constants))
    period = -(-len(kinds) // 8) * 8
    for start, kind in enumerate(kinds):
        width = KIND_BYTES.get(Kind(kind), 0)
        if not width:
            continue
        for place in range(start, length - width + 1, period):
            image[place : place + width] = _elements(random, Kind(kind), width, min(style, 4), constants)
    return bytes(image)


def _tiled(tile: bytes, length: int) -> bytes:
    return (tile * (length // len(tile) + 1))[:length] if tile else bytes(length)


def _float(code: str, value: float) -> bytes:
    try:
        return struct.pack(f"<{code}", value)
    except OverflowError:
        return struct.pack(f"<{code}", math.copysign(math.inf, value))


def _extended(value: float) -> bytes:
    """A number in the x87's own format."""
    mantissa, exponent = math.frexp(abs(value))
    sign = 0x8000 if math.copysign(1.0, value) < 0 else 0
    if mantissa == 0:
        return bytes(8) + sign.to_bytes(2, "little")
    return int(mantissa * 2**64).to_bytes(8, "little") + (sign | (exponent + 16382)).to_bytes(2, "little")
