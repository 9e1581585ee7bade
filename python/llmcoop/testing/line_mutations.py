"""Operators that make another text of the lines of a text. Pure, but for the random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from llmcoop.testing import numbers, words
from llmcoop.testing.field_mutations import Operator, change_number, change_word, copy_field
from llmcoop.testing.fields import lines, parse, terminated
from llmcoop.testing.stock import Stock

_MOST_LINES = 20_000
_MOST_BLENDED = 300
_MOST_FIELDS, _MOST_FIELDS_LARGE = 2000, 20_000  # that are made up for one text
_LONGEST = 100_000
_MOST_FILLED = 500_000  # bytes


def drop_lines(data: bytes, stock: Stock) -> bytes:
    rows = lines(data)
    first, last = _span(rows, stock.rng)
    return b"".join(rows[:first] + rows[last:])


def double_lines(data: bytes, stock: Stock) -> bytes:
    """Some lines once more, right behind themselves or elsewhere."""
    rows = terminated(lines(data))
    first, last = _span(rows, stock.rng)
    place = stock.rng.choice((last, stock.rng.randint(0, len(rows))))
    return b"".join(rows[:place] + rows[first:last] + rows[place:])


def order_lines(data: bytes, stock: Stock) -> bytes:
    """Some or all lines sorted, reversed, shuffled or rotated; often all but the first, which may be a header."""
    rng, rows = stock.rng, terminated(lines(data))
    first = rng.choice((0, 1, 1))
    head, rest = rows[:first], rows[first:]
    kind = rng.randrange(4)
    if kind == 0:
        rest.sort()
    elif kind == 1:
        rest.reverse()
    elif kind == 2:
        rng.shuffle(rest)
    elif rest:
        place = rng.randrange(len(rest))
        rest = rest[place:] + rest[:place]
    return b"".join(head + rest)


def repeat_lines(data: bytes, stock: Stock) -> bytes:
    """The lines, or a few of them, again and again until they are a number that matters."""
    rng = stock.rng
    head, rest = _headed(data, rng)
    if not rest:
        return data
    first, last = _span(rest, rng)
    unit = rng.choice((rest, rest[first:last], [rng.choice(rest)]))
    return b"".join(head + [unit[at % len(unit)] for at in range(stock.size(_MOST_LINES))])


def stutter_lines(data: bytes, stock: Stock) -> bytes:
    """Each line, of all or of some, several times where it stands: parts of a text grow in step."""
    rng, rows = stock.rng, terminated(lines(data))
    times = max(2, stock.size(_MOST_LINES) // max(1, len(rows))) if rng.random() < 0.6 else rng.choice((2, 3, 17))
    first, last = (0, len(rows)) if rng.random() < 0.7 else _span(rows, rng)
    return b"".join(row * times if first <= at < last else row for at, row in enumerate(rows))


def blend_lines(data: bytes, stock: Stock) -> bytes:
    """Each line from a few of the present ones, some of them with one field changed: equal keys, repeated queries."""
    rng = stock.rng
    head, rest = _headed(data, rng)
    if not rest:
        return data
    few = [rng.choice(rest) for _ in range(rng.randint(1, 4))]
    change = rng.choice((change_number, copy_field, change_word))
    few += [change(rng.choice(few), stock) for _ in range(rng.randint(1, 3))]
    return b"".join(head + [rng.choice(few) for _ in range(stock.size(_MOST_BLENDED) or len(rest))])


def fill_lines(data: bytes, stock: Stock) -> bytes:
    """New lines in the shape of one that is there: a number of them that matters, each column made in one way."""
    rng = stock.rng
    head, rest = _headed(data, rng)
    if not rest:
        return data
    shape = parse(rng.choice(rest))
    most = (_MOST_FIELDS_LARGE if stock.large else _MOST_FIELDS) // len(shape.fields)
    count = stock.size(min(most, _LONGEST // sum(map(len, shape.fields))))
    samples = {at: [shape.fields[at]] for at in shape.numbers}
    for row in map(parse, rest[:64]):
        for at, other in zip(shape.numbers, row.numbers, strict=False):
            samples[at].append(row.fields[other])
    columns = {at: numbers.column(samples[at], count, stock) for at in shape.numbers}
    if rng.random() < 0.5:
        columns |= {at: words.run(shape.fields[at], count, stock) for at in shape.words}
    filled = (shape.replaced({at: made[row] for at, made in columns.items()}) for row in range(count))
    return b"".join([*head, *filled])[:_MOST_FILLED]


def vary_line(data: bytes, stock: Stock) -> bytes:
    """One line again right behind itself, or in place of another one, with one field changed."""
    rng, rows = stock.rng, terminated(lines(data))
    if not rows:
        return data
    at = rng.randrange(len(rows))
    new = rng.choice((change_number, change_number, copy_field, change_word))(rows[at], stock)
    place = rng.choice((at + 1, at, rng.randint(0, len(rows))))
    return b"".join([*rows[:place], new, *rows[place + rng.randrange(2) :]])


def end_lines(data: bytes, stock: Stock) -> bytes:
    """Other line ends: none at the end, CRLF, empty lines, blanks behind."""
    rng, rows = stock.rng, lines(data)
    kind = rng.randrange(6)
    if kind == 0:
        return data.rstrip(b"\r\n")
    if kind == 1:
        return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if kind == 2:
        return data + rng.choice((b"\n", b"\n\n", b" ", b" \n", b"\r\n", b"\0"))
    if kind == 3:
        return rng.choice((b"\n", b" ", b"\xef\xbb\xbf", b"\t")) + data
    at = rng.randint(0, len(rows))
    inserted = rng.choice((b"\n", b"\r\n", b" \n", b"#\n")) if kind == 4 else b"x" * rng.choice((1, 80, 300)) + b"\n"
    return b"".join([*terminated(rows[:at]), inserted, *rows[at:]])


def lengthen_line(data: bytes, stock: Stock) -> bytes:
    """One line as long as some buffer, filled with itself or with one byte."""
    rng, rows = stock.rng, lines(data) or [b""]
    at = rng.randrange(len(rows))
    row = rows[at].rstrip(b"\r\n")
    end = rows[at][len(row) :]
    length = stock.size(_LONGEST)
    filler = rng.choice((row, row + b" ", b"a", b" ", b"1", b"ab ")) or b"x"
    start = row if rng.random() < 0.5 else b""
    grown = start + filler * (max(0, length - len(start)) // len(filler) + 1)
    rows[at] = (grown[:length] if rng.random() < 0.8 else grown) + end
    return b"".join(rows)


def cut_lines(data: bytes, stock: Stock) -> bytes:
    """The first lines of the text."""
    rows = lines(data)
    return b"".join(rows[: stock.size(len(rows))])


OPERATORS: tuple[Operator, ...] = (
    *(
        drop_lines,
        double_lines,
        order_lines,
        repeat_lines,
        stutter_lines,
        blend_lines,
        blend_lines,
        fill_lines,
        fill_lines,
    ),
    *(vary_line, end_lines, lengthen_line, cut_lines),
)


def _headed(data: bytes, rng: Random) -> tuple[list[bytes], list[bytes]]:
    """The first line, which may be a header, or none, and the others."""
    rows = terminated(lines(data))
    return (rows[:1], rows[1:]) if len(rows) > 1 and rng.random() < 0.5 else ([], rows)


def _span(rows: Sequence[bytes], rng: Random) -> tuple[int, int]:
    """A range of lines, mostly short."""
    if not rows:
        return 0, 0
    first = rng.randrange(len(rows))
    length = rng.choice((1, 1, 2, rng.randint(1, len(rows))))
    return first, min(len(rows), first + length)
