"""Operators that make another text of the bytes of a text. Pure, but for the random numbers."""

from __future__ import annotations

from random import Random

from llmcoop.testing.field_mutations import Operator
from llmcoop.testing.fields import lines, terminated
from llmcoop.testing.stock import Stock
from llmcoop.testing.words import LETTERS, odd

_MOST_BYTES = 100_000


def cut(data: bytes, stock: Stock) -> bytes:
    """The beginning of the text, to a size that matters or to a random one; sometimes its end."""
    rng = stock.rng
    length = stock.size(len(data)) if rng.random() < 0.6 else rng.randint(0, len(data))
    return data[:length] if rng.random() < 0.8 else data[len(data) - length :]


def extend(data: bytes, stock: Stock) -> bytes:
    """The text repeated or padded to a size that matters."""
    length = stock.size(_MOST_BYTES)
    filler = stock.rng.choice((data, data, b"a", b" ", b"\0", b"\n", b"0", b"\xff")) or b"a"
    start = data[:length]
    return start + (filler * ((length - len(start)) // len(filler) + 1))[: length - len(start)]


def fill_bytes(data: bytes, stock: Stock) -> bytes:
    """A new text of a size that matters, behind the beginning of the old one or alone."""
    rng, length = stock.rng, stock.size(_MOST_BYTES)
    kept = data[: rng.choice((0, 0, rng.randint(0, min(len(data), 64))))]
    kind = rng.randrange(6)
    if kind < 2:
        return kept + bytes([rng.choice((0, 0x7F, 0x80, 0xFF, 0xFF, 0x41, 0x20))]) * length
    if kind == 2:
        return kept + rng.randbytes(length)
    if kind == 3:
        return kept + bytes(at & 255 for at in range(length))
    return kept + bytes(rng.choices(rng.choice((data[:256] or LETTERS, LETTERS, b"ab", b"ab \n")), k=length))


def flip_bit(data: bytes, stock: Stock) -> bytes:
    if not data:
        return data
    at = stock.rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << stock.rng.randrange(8))]) + data[at + 1 :]


def exchange_bytes(data: bytes, stock: Stock) -> bytes:
    """One byte value replaced by another throughout, or in about half of its places; line ends stay."""
    rng = stock.rng
    present = bytes(set(data) - set(b"\r\n"))
    if not present:
        return data
    old = rng.choice(present)
    near = LETTERS if chr(old).isalpha() or rng.random() < 0.3 else b"0123456789" if chr(old).isdigit() else present
    new = bytes([rng.choice(near)])
    if rng.random() < 0.6:
        return data.replace(bytes([old]), new)
    return b"".join(new if byte == old and rng.random() < 0.5 else bytes([byte]) for byte in data)


def insert_odd(data: bytes, stock: Stock) -> bytes:
    """Something unusual, or a word of the vocabulary, put in or over."""
    rng = stock.rng
    at = rng.randint(0, len(data))
    new = rng.choice(stock.words) if stock.words and rng.random() < 0.4 else odd(rng)
    return data[:at] + new * rng.choice((1, 1, 1, 2, 17)) + data[at + rng.choice((0, 0, 1, len(new))) :]


def drop_bytes(data: bytes, stock: Stock) -> bytes:
    at = stock.rng.randint(0, len(data))
    return data[:at] + data[at + stock.rng.choice((1, 1, 2, 4, 8, 16)) :]


def copy_bytes(data: bytes, stock: Stock) -> bytes:
    """A piece of the text once more somewhere else."""
    rng = stock.rng
    start, at = rng.randint(0, len(data)), rng.randint(0, len(data))
    length = rng.choice((1, 2, 3, 4, 8, 15, 16, 32))
    return data[:at] + data[start : start + length] + data[at + rng.choice((0, length)) :]


OPERATORS: tuple[Operator, ...] = (
    cut,
    extend,
    fill_bytes,
    flip_bit,
    insert_odd,
    insert_odd,
    exchange_bytes,
    drop_bytes,
    copy_bytes,
)


def splice(one: bytes, other: bytes, rng: Random) -> bytes:
    """The beginning of one text and the end of another, cut at line ends or anywhere."""
    if rng.random() < 0.7:
        first, second = terminated(lines(one)), lines(other)
        return b"".join(first[: rng.randint(0, len(first))] + second[rng.randint(0, len(second)) :])
    return one[: rng.randint(0, len(one))] + other[rng.randint(0, len(other)) :]
