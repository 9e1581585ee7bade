"""Counts in an input that say how much follows ("3", then three lines), found in one and kept true in others."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from random import Random

from llmcoop.testing.fields import Text, is_float, lines, parse, terminated
from llmcoop.values import Invocation

_MOST_BYTES = 20_000  # of an input whose counts are made true again
_MOST_READ = 4 << 20  # of an input in which counts are looked for
_MOST_FILLED = 5_000  # lines, numbers or bytes that content is extended to
_HEAD = 4  # so many numbers at the beginning of stdin may be counts
_LEAST = 2  # a 1 may stand for anything


class Unit(Enum):
    """What a count counts."""

    LINES = "lines after the one that it stands in"
    PAIR_OF_LINES = "those lines, together with the number after it"
    NUMBERS = "numbers after it"
    COLUMNS = "values in each of the following lines"
    AREA = "numbers after itself and the next one, as a product with it"
    DEEP_AREA = "the same behind one more number, as in a portable graymap"
    DEEP_BYTES = "the same, but in bytes"
    ROW = "values after it in its own line, in every line"


@dataclass(frozen=True, slots=True)
class Count:
    """A number of an argument (`argument` says which), or the `number`-th one of stdin."""

    unit: Unit
    number: int = 0
    argument: int | None = None


@functools.lru_cache(maxsize=1024)
def find(invocation: Invocation) -> tuple[Count, ...]:
    """What may be counts in an invocation, judged by their values."""
    if len(invocation.stdin) > _MOST_READ or not invocation.stdin:
        return ()
    text = parse(invocation.stdin)
    found = [
        Count(unit, argument=at)
        for at, argument in enumerate(invocation.args)
        if argument.isdecimal() and int(argument) >= _LEAST
        for unit, amount in ((Unit.LINES, len(_full(invocation.stdin))), (Unit.NUMBERS, len(text.numbers)))
        if int(argument) == amount
    ]
    for number in range(min(_HEAD, len(text.numbers))):
        value = _value(text, number)
        if value >= _LEAST and not _in_prose(text, text.numbers[number]):
            found += [Count(unit, number) for unit in _units(text, number, value)][:1]
    rows = _full(invocation.stdin)
    if len(rows) > 1 and all(_counts_its_row(parse(row)) for row in rows[1:]):
        found.append(Count(Unit.ROW))
    return tuple(found)


def in_step(invocation: Invocation, counts: Sequence[Count], rng: Random) -> Invocation:
    """The invocation with its counts made true: by changing them, or by cutting and repeating what they count."""
    for count in counts:
        if len(invocation.stdin) > _MOST_BYTES:
            break
        if count.argument is not None:
            invocation = _argument_in_step(invocation, count, count.argument, rng)
        else:
            invocation = replace(invocation, stdin=_stdin_in_step(invocation.stdin, count, rng))
    return invocation


def _units(text: Text, number: int, value: int) -> list[Unit]:
    after = len(text.numbers) - number - 1
    body = _body(text, number)
    follower = _value(text, number + 1)
    deep_bytes = sum(map(len, text.fields[text.numbers[number + 2] + 1 :])) - 1 if after >= 2 else -1
    conditions = {  # the least likely to hold by chance first
        Unit.DEEP_AREA: follower >= 1 and value * follower == after - 2,
        Unit.DEEP_BYTES: follower >= 1 and value * follower == deep_bytes,
        Unit.AREA: follower >= 1 and value * follower == after - 1,
        Unit.LINES: value == len(_full(body)),
        Unit.NUMBERS: value == after,
        Unit.PAIR_OF_LINES: follower >= 1 and value + follower == len(_full(body)),
        Unit.COLUMNS: value == _columns(body),
    }
    return [unit for unit, holds in conditions.items() if holds]


def _argument_in_step(invocation: Invocation, count: Count, at: int, rng: Random) -> Invocation:
    if at >= len(invocation.args):
        return invocation
    argument, stdin = invocation.args[at], invocation.stdin
    if rng.random() < 0.4 and argument.isdecimal() and int(argument) <= _MOST_FILLED:
        return replace(invocation, stdin=_filled(stdin, count.unit, int(argument)))
    amount = len(_full(stdin)) if count.unit is Unit.LINES else len(parse(stdin).numbers)
    return replace(invocation, args=(*invocation.args[:at], str(amount), *invocation.args[at + 1 :]))


def _stdin_in_step(stdin: bytes, count: Count, rng: Random) -> bytes:
    if count.unit is Unit.ROW:
        return b"".join(_row_in_step(row) for row in lines(stdin))
    text = parse(stdin)
    if count.number >= len(text.numbers):
        return stdin
    if count.unit in (Unit.AREA, Unit.DEEP_AREA, Unit.DEEP_BYTES):
        return _area_in_step(text, count, rng)
    body, value = _body(text, count.number), _value(text, count.number)
    if count.unit is Unit.LINES and rng.random() < 0.4 and 0 <= value <= _MOST_FILLED:
        return stdin[: len(stdin) - len(body)] + _filled(body, Unit.LINES, value)
    amounts = {
        Unit.LINES: len(_full(body)),
        Unit.NUMBERS: len(text.numbers) - count.number - 1,
        Unit.COLUMNS: _columns(body),
        Unit.PAIR_OF_LINES: max(0, len(_full(body)) - _value(text, count.number + 1)),
    }
    return text.replaced({text.numbers[count.number]: b"%d" % amounts[count.unit]})


def _area_in_step(text: Text, count: Count, rng: Random) -> bytes:
    """Width and height as they are with content for them, or another height for the content that is there."""
    header = 2 if count.unit is Unit.AREA else 3
    if count.number + header > len(text.numbers):
        return b"".join(text.fields)
    last = text.numbers[count.number + header - 1]
    width, height = _value(text, count.number), _value(text, count.number + 1)
    content = b"".join(text.fields[last + 1 :])
    unit = Unit.NUMBERS if count.unit is not Unit.DEEP_BYTES else Unit.DEEP_BYTES
    if rng.random() < 0.6 and 0 <= width * height <= _MOST_FILLED:
        return b"".join(text.fields[: last + 1]) + _filled(content, unit, width * height)
    amount = len(content) - 1 if unit is Unit.DEEP_BYTES else len(text.numbers) - count.number - header
    height = max(0, amount) // max(1, width)
    return text.replaced({text.numbers[count.number + 1]: b"%d" % height})


def _filled(content: bytes, unit: Unit, amount: int) -> bytes:
    """As many lines, numbers or bytes of `content`, from its beginning again where it is too short."""
    if unit is Unit.LINES:
        rows = terminated(_full(content)) or [b"1\n"]
        return b"".join(rows[at % len(rows)] for at in range(amount))
    if unit is Unit.DEEP_BYTES:
        return content[:1] + ((content[1:] or b"a") * (amount + 1))[:amount]
    text = parse(content)
    if len(text.numbers) >= amount:
        return b"".join(text.fields[: text.numbers[amount]]) if len(text.numbers) > amount else content
    values = [text.fields[at] for at in text.numbers] or [b"1"]
    missing = (values[at % len(values)] for at in range(len(text.numbers), amount))
    return content.rstrip() + b"".join(b" " + value for value in missing) + b"\n"


def _row_in_step(row: bytes) -> bytes:
    text = parse(row)
    if not text.numbers or text.numbers[0] != text.values[0]:
        return row
    return text.replaced({text.numbers[0]: b"%d" % (len(text.values) - 1)})


def _in_prose(text: Text, at: int) -> bool:
    """Whether a number stands behind a word in its line; then it is hardly a count of lines to come."""
    while at > 0 and not text.fields[at - 1].endswith(b"\n"):
        at -= 1
        if at in text.words and at > 0:
            return True
    return False


def _counts_its_row(text: Text) -> bool:
    return bool(text.numbers) and text.values[0] == text.numbers[0] and _value(text, 0) == len(text.values) - 1


def _body(text: Text, number: int) -> bytes:
    """What follows the line of a number."""
    at = text.numbers[number]
    while at < len(text.fields) and not text.fields[at].endswith(b"\n"):
        at += 1
    return b"".join(text.fields[at + 1 :])


def _full(data: bytes) -> list[bytes]:
    return [row for row in lines(data) if row.strip()]


def _columns(body: bytes) -> int:
    rows = _full(body)
    return len(parse(rows[0]).values) if rows else 0


def _value(text: Text, number: int) -> int:
    """The `number`-th number if it is a plain integer of sane size, or -1."""
    if number >= len(text.numbers):
        return -1
    field = text.fields[text.numbers[number]]
    return int(field) if len(field) < 10 and not is_float(field) else -1
