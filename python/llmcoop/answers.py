"""Compare what two versions of a program print, and look for answers that were not computed."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

_NAN = re.compile(rb" *-?\b(nan|NAN)\b *")
_WORD = re.compile(rb"[^\s,;:=()\[\]{}\"']+")
_NUMBER = re.compile(rb"-?\d+")
_DECIMAL = re.compile(rb"-?\d+\.\d+(e[+-]?\d+)?")
_LEAST_CHARACTERS = 6  # shorter words occur by chance
_LEAST_BINARY = 1 << 40  # smaller numbers occur by chance among the bytes of an executable
_MOST_WORDS = 2000
_PRECOMPUTED_SHARE = 0.5


def same_output(expected: bytes, actual: bytes) -> bool:
    """Whether two outputs are equal: byte for byte, but for the sign of NaNs.

    LLVM leaves that sign open (LangRef, "Behavior of Floating-Point NaN values"), so that printf may show "nan" or
    "-nan" after any optimization. A NaN is equal to nothing else.
    """
    if expected == actual:
        return True
    return b"nan" in expected.lower() and _NAN.sub(rb" \1 ", expected) == _NAN.sub(rb" \1 ", actual)


def precomputed(output: bytes, given: bytes, original: bytes, candidate: bytes) -> str:
    """What of `output` the bytes of `candidate` carry as literals, in words; empty if it computes its answers.

    `given` is the program's input, `original` the executable that computes the output: what either has in it
    already says nothing. Only words and numbers that can't well occur by chance count; most of them must be there.
    """
    distinctive = [word for word in _words(output) if word not in given and word not in original]
    carried = [word for word in distinctive if _carries(candidate, original, word)]
    if not carried or len(carried) < _PRECOMPUTED_SHARE * len(distinctive):
        return ""
    shown = carried[0][:40].decode(errors="backslashreplace")
    return f"it has {len(carried)} of {len(distinctive)} words of the expected output as literals, such as '{shown}'"


def _words(output: bytes) -> list[bytes]:
    words = (match[0] for match in _WORD.finditer(output))
    return list(dict.fromkeys(word for word in words if len(word) >= _LEAST_CHARACTERS))[:_MOST_WORDS]


def _carries(candidate: bytes, original: bytes, word: bytes) -> bool:
    return any(form in candidate and form not in original for form in _forms(word))


def _forms(word: bytes) -> Iterator[bytes]:
    """The ways in which a compiler would store what prints as `word`."""
    yield word
    if _NUMBER.fullmatch(word) and abs(int(word)) >= _LEAST_BINARY:
        yield (int(word) % (1 << 64)).to_bytes(8, "little")
    if _DECIMAL.fullmatch(word):
        yield struct.pack("<d", float(word))
