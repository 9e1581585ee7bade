"""Words, as text, in place of others: alike, colliding, long, in unusual characters."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from llmcoop.testing.stock import Stock

LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_POLYNOMIAL_BASES = (31, 33, 37, 65, 131)  # of common string hashes
_ODD_BYTES = b"\0\x01\x1a\x7f\x80\xa0\xc3\xfe\xff\t\v\f\r\n -+.,0%'\""
# First and last code points of letters with and without capitals of the same length, of signs, marks, wide ones.
_CODE_POINTS = (
    *((0x80, 0xFF), (0xC0, 0xFF), (0x100, 0x17F), (0x180, 0x24F), (0x250, 0x2AF), (0x300, 0x36F), (0x370, 0x3FF)),
    *((0x400, 0x52F), (0x600, 0x6FF), (0x1E00, 0x1EFF), (0x1F00, 0x1FFF), (0x2000, 0x206F), (0x4E00, 0x9FFF)),
    *((0xFF00, 0xFFFF), (0x10400, 0x1044F), (0x1F600, 0x1F64F), (0x80, 0x10FFFF)),
)
_ODD_POINTS = (
    0x80,
    0xDF,
    0xF7,
    0xFF,
    0x130,
    0x131,
    0x17F,
    0x7FF,
    0x800,
    0x2028,
    0xFEFF,
    0xFFFD,
    0xFFFF,
    0x10000,
    0x10FFFF,
)
_BROKEN_UTF8 = (b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80")


def changed(word: bytes, stock: Stock) -> bytes:
    """Another word in place of this one, which has at least one byte."""
    rng = stock.rng
    at = rng.randrange(len(word))
    ways: tuple[Callable[[], bytes], ...] = (
        lambda: rng.choice(stock.words or (word,)),
        lambda: rng.choice((word.upper(), word.lower(), word.title(), word.swapcase())),
        lambda: _colliding(word, rng),
        lambda: word[:at] + odd(rng) + word[at + rng.randrange(2) :],
        lambda: (word * 5000)[: stock.size(5000)],
        lambda: word[:at] + bytes([rng.choice(LETTERS)]) + word[at + 1 :],
        lambda: word + bytes(rng.choices(LETTERS, k=1)),
        lambda: word[:at],
        lambda: word[::-1],
    )
    return rng.choice(ways)()


def run(word: bytes, count: int, stock: Stock) -> list[bytes]:
    """`count` words, all made in one way: few distinct, all distinct, equal but for their ends, …"""
    rng = stock.rng
    few = [word, *(changed(word, stock) for _ in range(rng.randint(1, 4)))]
    length = rng.randint(1, 5)
    prefix = (word * 12)[: rng.choice((3, 7, 8, 15, 16, 31, 33))]
    ways: tuple[Callable[[int], bytes], ...] = (
        lambda _: rng.choice(few),
        lambda at: word + b"%d" % at,
        lambda _: bytes(rng.choices(LETTERS, k=length)),
        lambda _: bytes(rng.choices(LETTERS[:26], k=rng.randint(1, 8))),
        lambda _: bytes(rng.choices(b"ab", k=length)),
        lambda at: prefix + bytes([LETTERS[at % 7]]) * rng.choice((1, 1, 2)),
        lambda _: changed(word, stock),
        lambda _: odd(rng) + word,
    )
    way = rng.choice(ways)
    return [way(at) for at in range(count)]


def odd(rng: Random) -> bytes:
    """An unusual byte, a character of several bytes, or a broken one."""
    kind = rng.randrange(10)
    if kind < 4:
        return bytes([rng.choice(_ODD_BYTES)])
    if kind < 6:
        return _character(rng.randint(*rng.choice(_CODE_POINTS)))
    if kind == 6:
        return _character(rng.choice(_ODD_POINTS))
    return rng.choice(
        (rng.choice(_BROKEN_UTF8), _overlong(rng), _character(rng.choice(_ODD_POINTS))[:-1], rng.randbytes(2))
    )


def _character(point: int) -> bytes:
    return chr(point).encode(errors="surrogatepass")


def _overlong(rng: Random) -> bytes:
    """An ASCII character spelled with more bytes than it needs."""
    point = rng.choice((0, 0x2F, 0x41, 0x7F, rng.randrange(128)))
    tail = bytes([0x80 | point & 0x3F])
    return rng.choice(
        (
            bytes([0xC0 | point >> 6]) + tail,
            bytes([0xE0, 0x80 | point >> 6]) + tail,
            bytes([0xF0, 0x80, 0x80 | point >> 6]) + tail,
        )
    )


def _colliding(word: bytes, rng: Random) -> bytes:
    """A word with the same sum of letters, or with the same value of a common polynomial hash."""
    if len(word) < 2:
        return word
    at = rng.randrange(len(word) - 1)
    base = rng.choice((1, *_POLYNOMIAL_BASES))
    first, second = word[at] + 1, word[at + 1] - base
    if second <= 32:
        first, second = word[at] - 1, word[at + 1] + base
    if base == 1 and rng.random() < 0.5:
        first, second = word[at + 1], word[at]
    return word[:at] + bytes([first & 255, second & 255]) + word[at + 2 :]
