"""Operators that make another text of the fields of a text. Pure, but for the random numbers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from llmcoop.testing import numbers, words
from llmcoop.testing.fields import Text, integer, is_float, lines, parse
from llmcoop.testing.stock import Stock

_MOST_FILLED = 10_000
_MOST_BYTES = 100_000
_GAPS = (b" ", b"  ", b"\t", b",", b";", b" ,", b"\n", b"\r\n", b"\n\n", b"", b":", b"\0", b" \n", b"\v")

Operator = Callable[[bytes, Stock], bytes]


def change_number(data: bytes, stock: Stock) -> bytes:
    text = parse(data)
    if not text.numbers:
        return data
    rng = stock.rng
    # Those in front are often sizes, and decide about all that follows.
    at = text.numbers[rng.randrange(min(3, len(text.numbers)))] if rng.random() < 0.3 else rng.choice(text.numbers)
    return text.replaced({at: numbers.changed(text.fields[at], stock)})


def respell_number(data: bytes, stock: Stock) -> bytes:
    """One number in another spelling: leading zeros, a sign, an exponent."""
    text = parse(data)
    if not text.numbers:
        return data
    at = stock.rng.choice(text.numbers)
    return text.replaced({at: numbers.respelled(text.fields[at], stock.rng)})


def change_pair(data: bytes, stock: Stock) -> bytes:
    """Two neighbouring numbers that overflow a machine word together."""
    text = parse(data)
    if len(text.numbers) < 2:
        return data
    first = stock.rng.randrange(len(text.numbers) - 1)
    places = text.numbers[first : first + 2]
    known = text.fields[stock.rng.choice(places)]
    pair = numbers.wrapping_pair(0 if is_float(known) else integer(known), stock)
    return text.replaced({at: b"%d" % number for at, number in zip(places, pair, strict=True)})


def change_numbers(data: bytes, stock: Stock) -> bytes:
    """Many numbers at once, made in one way."""
    text, rng = parse(data), stock.rng
    share = rng.choice((0.1, 0.5, 1.0, 1.0))
    chosen = [at for at in text.numbers[rng.choice((0, 0, 1, 2)) :] if rng.random() < share]
    made = numbers.column([text.fields[at] for at in chosen], len(chosen), stock) if chosen else []
    return text.replaced(dict(zip(chosen, made, strict=True)))


def scale_numbers(data: bytes, stock: Stock) -> bytes:
    """All integers from one of them on upwards become larger together, so that their order stays."""
    text, rng = parse(data), stock.rng
    values = {at: integer(text.fields[at]) for at in text.numbers if not is_float(text.fields[at])}
    if not values:
        return data
    least, factor = rng.choice(list(values.values())), rng.choice((2, 10, 16, 100, 256, 1000, 1 << 16, 10**6, 1 << 31))
    more = 0 if rng.random() < 0.7 else factor * (factor - 1)
    return text.replaced({at: b"%d" % (value * factor - more) for at, value in values.items() if value >= least})


def change_column(data: bytes, stock: Stock) -> bytes:
    """The numbers at one place of every line, made in one way."""
    rows = [parse(row) for row in lines(data)]
    width = max((len(row.numbers) for row in rows), default=0)
    if not width:
        return data
    place = stock.rng.randrange(width)
    chosen = [row for row in rows if len(row.numbers) > place]
    made = iter(numbers.column([row.fields[row.numbers[place]] for row in chosen], len(chosen), stock))
    return b"".join(
        row.replaced({row.numbers[place]: next(made)}) if len(row.numbers) > place else row.replaced({}) for row in rows
    )


def fill_numbers(data: bytes, stock: Stock) -> bytes:
    """A run of numbers, as many as matter, from some number of the text on."""
    text = parse(data)
    if not text.numbers:
        return data
    place = stock.rng.choice(text.numbers[:4])
    samples = [text.fields[at] for at in text.numbers if at >= place]
    most = min(_MOST_FILLED, _MOST_BYTES // max(map(len, samples)))
    return _filled(text, place, numbers.column(samples, stock.size(most), stock))


def fill_words(data: bytes, stock: Stock) -> bytes:
    """A run of words, as many as matter, from some word of the text on."""
    text = parse(data)
    if not text.words:
        return data
    place = stock.rng.choice(text.words[:4])
    word = text.fields[stock.rng.choice(text.words)]
    run = words.run(word, stock.size(min(_MOST_FILLED, _MOST_BYTES // len(word))), stock)
    ends = itertools.accumulate(len(each) + 1 for each in run)
    return _filled(text, place, [each for each, end in zip(run, ends, strict=True) if end <= _MOST_BYTES])


def copy_field(data: bytes, stock: Stock) -> bytes:
    """Make two fields equal."""
    text = parse(data)
    alike = _alike(text, stock)
    if len(alike) < 2:
        return data
    return text.replaced({stock.rng.choice(alike): text.fields[stock.rng.choice(alike)]})


def swap_fields(data: bytes, stock: Stock) -> bytes:
    text = parse(data)
    alike = _alike(text, stock)
    if len(alike) < 2:
        return data
    one, other = stock.rng.sample(alike, 2)
    return text.replaced({one: text.fields[other], other: text.fields[one]})


def empty_field(data: bytes, stock: Stock) -> bytes:
    text = parse(data)
    return text.replaced({stock.rng.choice(text.values): b""}) if text.values else data


def insert_field(data: bytes, stock: Stock) -> bytes:
    """One more field, like another one or from the vocabulary."""
    text, rng = parse(data), stock.rng
    if not text.values:
        return data
    at, like = rng.choice(text.values), text.fields[rng.choice(text.values)]
    if stock.words and rng.random() < 0.3:
        like = rng.choice(stock.words)
    return text.replaced({at: text.fields[at] + _gap(text, stock) + like})


def change_gap(data: bytes, stock: Stock) -> bytes:
    text = parse(data)
    if not text.gaps:
        return data
    chosen = text.gaps if stock.rng.random() < 0.3 else (stock.rng.choice(text.gaps),)
    return text.replaced(dict.fromkeys(chosen, stock.rng.choice(_GAPS)))


def change_word(data: bytes, stock: Stock) -> bytes:
    text = parse(data)
    if not text.words:
        return data
    at = stock.rng.choice(text.words)
    return text.replaced({at: words.changed(text.fields[at], stock)})


def change_words(data: bytes, stock: Stock) -> bytes:
    """Every word, from a few or all different."""
    text = parse(data)
    if not text.words:
        return data
    made = words.run(text.fields[stock.rng.choice(text.words)], len(text.words), stock)
    return text.replaced(dict(zip(text.words, made, strict=True)))


OPERATORS: tuple[Operator, ...] = (
    *(change_number, change_number, change_numbers, change_column, change_pair, scale_numbers, respell_number),
    *(fill_numbers, change_word, change_words, fill_words),
    *(copy_field, swap_fields, empty_field, insert_field, change_gap),
)


def _filled(text: Text, place: int, made: Sequence[bytes]) -> bytes:
    """The text up to a place, and what was made, in the gaps that are there."""
    gap = next((field for field in text.fields[place + 1 :] if field.isspace() or field in b",;"), b" ")
    tail = b"\n" if text.fields[-1].endswith(b"\n") else b""
    return b"".join(text.fields[:place]) + gap.join(made) + tail


def _alike(text: Text, stock: Stock) -> Sequence[int]:
    """The positions of all numbers or of all words."""
    return text.numbers if text.numbers and (not text.words or stock.rng.random() < 0.5) else text.words


def _gap(text: Text, stock: Stock) -> bytes:
    return text.fields[stock.rng.choice(text.gaps)] if text.gaps else stock.rng.choice((b" ", b"\n", b","))
