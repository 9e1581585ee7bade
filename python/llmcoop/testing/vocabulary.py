"""Constants and words that a program itself speaks of: in its sources, and in the comparisons that it makes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from llmcoop.testing.servers import Comparison

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/|^[ \t]*#[ \t]*include[^\n]*", re.DOTALL | re.MULTILINE)
_STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
_CHARACTER = re.compile(r"'((?:[^'\\\n]|\\.)[^'\n]{0,3}?)'")
_SHIFT = re.compile(r"\b(\d+)[uUlL]*\s*<<\s*(\d+)")
_INTEGER = re.compile(r"(?<![\w.])(0[xX][0-9a-fA-F]+|\d+)[uUlL]*\b(?![.\w])")
_SCIENTIFIC = re.compile(r"(?<![\w.])(\d+)[eE](\d{1,2})\b")
_DIRECTIVE = re.compile(r"%[-+ #0]*(?:\*|\d+)?(?:\.(?:\*|\d+))?(?:hh|h|ll|l|z|j|t|L)?[a-zA-Z%]")
_MOST_SEEN = 256  # numbers and words from comparisons that are remembered, the newest ones
_LONGEST_WORD = 64


class Vocabulary:
    """Numbers and words worth putting into inputs; it grows by what comparisons show."""

    def __init__(self, numbers: Iterable[int] = (), words: Iterable[bytes] = ()) -> None:
        """What is named several times is tried more often."""
        self._own_numbers, self._own_words = tuple(numbers), tuple(words)
        self._seen_numbers: dict[int, None] = {}
        self._seen_words: dict[bytes, None] = {}
        self.numbers: Sequence[int] = self._own_numbers
        self.words: Sequence[bytes] = self._own_words

    @staticmethod
    def of_sources(sources: Iterable[Path]) -> Vocabulary:
        """The literals of C sources; a file that can't be read has none."""
        texts = [_COMMENT.sub(" ", _content(source)) for source in sources]
        numbers = [number for text in texts for number in _numbers(_STRING.sub('""', text))]
        return Vocabulary(dict.fromkeys(numbers), dict.fromkeys(word for text in texts for word in _words(text)))

    def with_sources(self, sources: Iterable[Path]) -> Vocabulary:
        """The same with the literals of a rewrite; a limit that only the rewrite has is where it may break."""
        other = Vocabulary.of_sources(sources)
        new = [number for number in other.numbers if number not in self._own_numbers]
        words = [word for word in other.words if word not in self._own_words]
        return Vocabulary((*self._own_numbers, *new, *new, *new), (*self._own_words, *words))

    def learn(self, comparisons: Iterable[Comparison]) -> None:
        """Remember the operands of comparisons."""
        for comparison in comparisons:
            for operand in (comparison.left, comparison.right):
                if len(operand) in (1, 2, 4, 8):
                    self._seen_numbers[int.from_bytes(operand, "little", signed=True)] = None
                if 1 < len(operand) <= _LONGEST_WORD:
                    self._seen_words[operand] = None
        _forget(self._seen_numbers)
        _forget(self._seen_words)
        self.numbers = (*self._own_numbers, *self._seen_numbers)
        self.words = (*self._own_words, *self._seen_words)


def replacements(data: bytes, comparisons: Iterable[Comparison], most: int) -> Iterator[bytes]:
    """Texts in which one operand of a comparison stands in place of the other, as decimal text or as raw bytes.

    Input-to-state correspondence, as in REDQUEEN (Aschermann et al., NDSS 2019): most operands are the input's own
    bytes or a number that it spells.
    """
    found: dict[bytes, None] = {}
    for comparison in comparisons:
        for old, new in ((comparison.left, comparison.right), (comparison.right, comparison.left)):
            for before, after in _spellings(old, new):
                at = data.find(before)
                while at >= 0 and len(found) < most:
                    found[data[:at] + after + data[at + len(before) :]] = None
                    at = data.find(before, at + len(before))
    found.pop(data, None)
    yield from found


def _spellings(old: bytes, new: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The ways in which an input may hold an operand, each with the other one in the same way."""
    if old == new or not old:
        return
    if len(old) not in (1, 2, 4, 8):
        yield old, new
        return
    value, other = int.from_bytes(old, "little", signed=True), int.from_bytes(new, "little", signed=True)
    for step in (0, 1, -1):
        yield b"%d" % value, b"%d" % (other + step)
    if 0 < value < 256:
        yield bytes([value]), bytes([other & 255])
    if value > 255 or value < -1:
        narrow = old.rstrip(b"\0") or old
        yield narrow, new[: len(narrow)]
        yield narrow[::-1], new[: len(narrow)][::-1]
        yield old, new


def _forget(seen: dict[int, None] | dict[bytes, None]) -> None:
    for oldest in list(seen)[: max(0, len(seen) - _MOST_SEEN)]:
        del seen[oldest]  # type: ignore[arg-type]


def _content(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _numbers(text: str) -> Iterator[int]:
    for base, bits in _SHIFT.findall(text):
        yield int(base) << min(int(bits), 64)
    for base, exponent in _SCIENTIFIC.findall(text):
        yield int(base) * 10 ** int(exponent)
    for literal in _INTEGER.findall(text):
        yield int(literal, 16 if literal[:2] in ("0x", "0X") else 10)


def _words(text: str) -> Iterator[bytes]:
    for literal in (*_STRING.findall(text), *_CHARACTER.findall(text)):
        plain = _DIRECTIVE.sub(" ", _unescaped(literal))
        for word in (plain.strip("\n"), *plain.split()):
            encoded = word.encode(errors="replace")
            if 0 < len(encoded) <= _LONGEST_WORD:
                yield encoded


def _unescaped(literal: str) -> str:
    try:
        return ast.literal_eval(f'"{literal}"') if '"' not in literal else literal
    except (SyntaxError, ValueError):
        return literal
