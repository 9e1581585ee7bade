"""Text as fields: numbers, words, gaps, line ends and single other bytes, which joined give the text again."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

# The order counts: a sign or a point belongs to the number that it stands before.
_FIELD = re.compile(
    rb"[-+]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?"
    rb"|[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*"
    rb"|\r?\n"
    rb"|[ \t\v\f\r]+"
    rb"|[\x00-\xff]"
)
_NUMBER = re.compile(_FIELD.pattern.split(rb"|[A-Z")[0])
_NUMBER_STARTS = frozenset(b"0123456789.+-")
_WORD_STARTS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz") | frozenset(range(0x80, 0x100))
_GAP_STARTS = frozenset(b" \t\v\f\r,;:|=")


@dataclass(frozen=True, slots=True)
class Text:
    """A text with its fields, and the positions of those that mutations look for."""

    fields: tuple[bytes, ...]
    numbers: tuple[int, ...]
    words: tuple[int, ...]
    gaps: tuple[int, ...]

    @property
    def values(self) -> tuple[int, ...]:
        """Positions of numbers and words."""
        return tuple(sorted(self.numbers + self.words))

    def replaced(self, changes: dict[int, bytes]) -> bytes:
        """The text with other contents at some positions."""
        parts = list(self.fields)
        for position, content in changes.items():
            parts[position] = content
        return b"".join(parts)


@functools.lru_cache(maxsize=512)
def parse(data: bytes) -> Text:
    """The fields of a text; parents of mutations are asked for again and again."""
    fields = tuple(_FIELD.findall(data))
    numbers = [at for at, field in enumerate(fields) if field[0] in _NUMBER_STARTS and _NUMBER.fullmatch(field)]
    words = [at for at, field in enumerate(fields) if field[0] in _WORD_STARTS]
    gaps = [at for at, field in enumerate(fields) if field[0] in _GAP_STARTS and field != b"\r\n"]
    return Text(fields, tuple(numbers), tuple(words), tuple(gaps))


def lines(data: bytes) -> list[bytes]:
    """The lines of a text, each with its line end."""
    return data.splitlines(keepends=True) if b"\r" not in data else re.findall(rb"[^\n]*\n|[^\n]+", data)


def terminated(rows: Sequence[bytes]) -> list[bytes]:
    """Lines that can be put in any order: the last one ends like the others."""
    return [row if row.endswith(b"\n") else row + b"\n" for row in rows]


def is_float(number: bytes) -> bool:
    """Whether a number is spelled with a point or an exponent."""
    return not number.lstrip(b"+-").isdigit()


def integer(number: bytes) -> int:
    """The value of a number that is spelled as an integer; beyond 4,000 digits only the first ones count."""
    return int(number[:4000])
