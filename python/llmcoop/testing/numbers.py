"""Numbers, as text, in place of others: those that programs get wrong."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from random import Random

from llmcoop.testing.fields import integer, is_float
from llmcoop.testing.stock import Stock

_LIMBS = (9, 10, 17, 18, 19, 20, 27, 36, 38, 39, 54, 64)  # decimal digits that fill the words of a big number
_MANY_DIGITS = 12  # a number with more is likely one of any length
_MOST_DIGITS = 2000
_SPECIAL_FLOATS = (
    *(b"0.0", b"-0.0", b"nan", b"-nan", b"inf", b"-inf", b"1e308", b"-1e308", b"1.7976931348623157e308"),
    *(b"5e-324", b"-5e-324", b"2.2250738585072014e-308", b"1e-310", b"1e-200", b"1e200", b"3.4e38", b"1e-45"),
    *(b"1e16", b"-1e16", b"9007199254740993", b"1.0000000000000002", b"0.1", b"0.3", b"0.5", b"1.5", b"2.5", b"-0.5"),
    *(b"0.49999999999999994", b"0.005", b"1.005", b"999999.5", b"1e15", b"1e-5", b"1e-17", b"100000000.1"),
    *(b"0.1234567890123456789012345", b"12345678901234567890.12345", b"4503599627370497.5", b"-1e-320"),
)
_CORNER_FLOATS = (b"nan", b"inf", b"-inf", b"-0.0", b"0.0")
_FLOAT_SCALES = (1e16, 1e8, 1.0, 1e-8, 1e-16)


def changed(number: bytes, stock: Stock) -> bytes:
    """Another number in place of this one, mostly spelled in its way."""
    rng = stock.rng
    if is_float(number):
        return _changed_float(number, rng) if rng.random() < 0.8 else b"%d" % stock.integer()
    digits = len(number.lstrip(b"+-"))
    if rng.random() < (0.7 if digits > _MANY_DIGITS else 0.04):
        return _long(digits, rng)
    kind = rng.random()
    if kind < 0.05:
        return _special(rng)
    return b"%d" % (near(integer(number), rng) if kind < 0.5 else stock.integer())


def near(value: int, rng: Random) -> int:
    """An integer that is like `value` in one way: close, a multiple, or equal in its low bits."""
    ways: tuple[Callable[[], int], ...] = (
        lambda: value + rng.choice((-1, 1)),
        lambda: value + rng.choice((-2, 2, rng.randint(-16, 16))),
        lambda: value + rng.choice((1, -1)) * (1 << rng.choice((8, 16, 31, 32, 63, 64))),
        lambda: -value,
        lambda: value * rng.choice((2, 3, 10, 1000, 1 << 16)),
        lambda: value // rng.choice((2, 3, 10)),
        lambda: value ^ (1 << rng.randrange(32)),
    )
    return rng.choice(ways)()


def wrapping_pair(known: int, stock: Stock) -> tuple[int, int]:
    """Two numbers whose product or sum is just at or over what a machine word holds; often one of them is `known`."""
    rng = stock.rng
    word = 1 << rng.choice((16, 31, 32, 32, 63, 64, 64, 64))
    fresh = (1 << rng.randrange(word.bit_length()), math.isqrt(word) + 1, rng.randint(1, 100), stock.integer())
    one = known if rng.random() < 0.5 else rng.choice(fresh)
    other = word // max(1, abs(one)) if rng.random() < 0.5 else word - one
    other += rng.choice((0, 0, 0, 1, 2, -1, rng.randint(0, 10)))
    return (one, other) if rng.random() < 0.5 else (other, one)


def respelled(number: bytes, rng: Random) -> bytes:
    """A number in another spelling, mostly of the same value."""
    digits = number.lstrip(b"+-")
    sign = number[: len(number) - len(digits)]
    return rng.choice(
        (
            sign + b"0" * rng.choice((1, 1, 2, 20)) + digits,
            b"+" + digits,
            b"-" + digits,
            b"--" + digits,
            b"0x" + digits,
            number + rng.choice((b".", b".0", b"e0", b"e1", b"E+2", b"e-1", b"f", b"L", b"\0")),
            digits + b"." + digits[:3],
            b"." + digits,
        )
    )


def column(samples: Sequence[bytes], count: int, stock: Stock) -> list[bytes]:
    """`count` numbers to stand in one column, all made in one way: equal, few distinct, ordered, extreme, …"""
    rng = stock.rng
    if any(map(is_float, samples)):
        return _float_column(samples, count, stock)
    if any(len(sample) > _MANY_DIGITS for sample in samples) and rng.random() < 0.6:
        few = [_long(len(rng.choice(samples)), rng) for _ in range(rng.randint(1, 3))]
        return [rng.choice(few) for _ in range(count)]
    known = [integer(sample) for sample in samples[:64]] or [0]
    low, high = min(known), max(known)
    one = rng.choice((high, low, rng.choice(known), stock.integer()))
    few_integers = [one, near(one, rng), rng.choice(known), stock.integer()]
    step = rng.choice((1, 1, 2, 1 << 8, 1 << 16, 1 << 32))
    ways: tuple[Callable[[], list[int]], ...] = (
        lambda: [one] * count,
        lambda: [rng.choice(few_integers) for _ in range(count)],
        lambda: [low + at * step for at in range(count)],
        lambda: [low + (count - at) * step for at in range(count)],
        lambda: [low + at // 2 if at % 2 else high - at // 2 for at in range(count)],
        lambda: [rng.randint(low, high) for _ in range(count)],
        lambda: [rng.randint(low, high) for _ in range(count)],
        lambda: [rng.randint(0, max(1, count // 2)) for _ in range(count)],
        lambda: [rng.randint(-1000, 1000) for _ in range(count)],
        lambda: [stock.integer() for _ in range(count)],
        lambda: [stock.spread() for _ in range(count)],
        lambda: list(itertools.islice(itertools.cycle((one, -one)), count)),
    )
    return [b"%d" % value for value in rng.choice(ways)()]


def _float_column(samples: Sequence[bytes], count: int, stock: Stock) -> list[bytes]:
    rng = stock.rng
    few = [rng.choice(samples), _special(rng), changed(rng.choice(samples), stock)]
    large, tiny = rng.choice(_FLOAT_SCALES), rng.choice(_FLOAT_SCALES)
    ways: tuple[Callable[[], bytes], ...] = (
        lambda: few[0],
        lambda: rng.choice(few),
        lambda: rng.choice((b"0.0", b"-0.0", b"0", few[0])),
        lambda: rng.choice((b"-0.0", few[0])),
        lambda: _special(rng),
        lambda: rng.choice(samples),
        lambda: changed(rng.choice(samples), stock),
        lambda: _spelled(rng.uniform(-1, 1)),
        lambda: _spelled(rng.choice((large, -large, tiny)) * rng.choice((1.0, 1.0, 3.0, 0.1))),
        lambda: _spelled(large + rng.random()),
        lambda: b"%.2f" % rng.uniform(-1000, 1000),
        lambda: b"%d" % stock.integer(),
        lambda: _spelled(math.copysign(10.0 ** rng.uniform(-300, 300), rng.random() - 0.5)),
    )
    way = rng.choice(ways)
    return [way() for _ in range(count)]


def _special(rng: Random) -> bytes:
    return rng.choice(_CORNER_FLOATS if rng.random() < 0.5 else _SPECIAL_FLOATS)


def _changed_float(number: bytes, rng: Random) -> bytes:
    value = float(number)
    if not math.isfinite(value):
        return _special(rng)
    ways: tuple[Callable[[], bytes], ...] = (
        lambda: _special(rng),
        lambda: _special(rng),
        lambda: b"-" + number.lstrip(b"+-"),
        lambda: _spelled(math.nextafter(value, rng.choice((-math.inf, math.inf)))),
        lambda: _spelled(value * rng.choice((10.0, 0.1, 1e8, 1e-8, 1e16, 1e-16, 0.5, 1e100))),
        lambda: b"%.*f" % (rng.choice((0, 1, 2, 3, 6)), value + rng.choice((-1.0, 1.0, 0.5, -0.5, 0.005, 1e-6))),
        lambda: number + b"%d" % rng.getrandbits(64),
    )
    return rng.choice(ways)()


def _long(digits: int, rng: Random) -> bytes:
    """Decimal digits beyond any machine word: carries through all of them, lengths around those of limbs."""
    length = rng.choice((rng.choice(_LIMBS) * rng.choice((1, 1, 2, 3)) + rng.choice((-1, 0, 1)), digits, digits * 2))
    length = max(1, min(length, _MOST_DIGITS))
    nines, bits = rng.randint(1, length), rng.choice((32, 64, 128))
    return rng.choice(
        (
            b"9" * length,
            b"1" + b"0" * length,
            b"0" * nines + b"%d" % rng.getrandbits(64),
            b"9" * nines + b"0" * (length - nines),
            b"1" + b"0" * (length - nines) + b"9" * nines,
            b"%d" % ((1 << bits) + rng.choice((-1, 0, 1))),
            b"".join(rng.choices((b"0", b"1", b"5", b"9"), k=length)),
            b"".join(rng.choices((b"000000000", b"999999999", b"123456789"), k=length // 9 + 1)),
        )
    )


def _spelled(value: float) -> bytes:
    """The shortest text that gives this float again."""
    return repr(value).encode()
