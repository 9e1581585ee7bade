"""Make an input smaller as long as it still does what it is there for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from llmcoop.testing.fields import is_float, lines, parse
from llmcoop.values import Invocation

_BATCH = 32
_MOST_FIELDS = 400  # of a text that is reduced field by field
_MOST_BYTES = 200  # of a text that is reduced byte by byte

Holds = Callable[[Sequence[Invocation]], Sequence[bool]]


def reduced(invocation: Invocation, holds: Holds, seconds: float) -> Invocation:
    """The smallest input found within `seconds` for which `holds` is still true.

    Delta debugging (Zeller and Hildebrandt, TSE 2002) over args, lines, fields and bytes, then over numbers; `holds`
    answers for several inputs at once.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        smaller = _first(_simpler(invocation), holds, deadline)
        if smaller is None:
            break
        invocation = smaller
    return invocation


def _first(proposals: Iterator[Invocation], holds: Holds, deadline: float) -> Invocation | None:
    while time.monotonic() < deadline:
        batch = list(islice(proposals, _BATCH))
        if not batch:
            return None
        for proposal, held in zip(batch, holds(batch), strict=True):
            if held:
                return proposal
    return None


def _simpler(invocation: Invocation) -> Iterator[Invocation]:
    """Simpler inputs, the boldest steps first."""
    for at in range(len(invocation.args)):
        yield replace(invocation, args=invocation.args[:at] + invocation.args[at + 1 :])
    for stdin in _simpler_texts(invocation.stdin):
        yield replace(invocation, stdin=stdin)
    for at, argument in enumerate(invocation.args):
        before, after = invocation.args[:at], invocation.args[at + 1 :]
        for simpler in _simpler_texts(argument.encode(errors="surrogateescape")):
            yield replace(invocation, args=(*before, simpler.decode(errors="replace"), *after))


def _simpler_texts(data: bytes) -> Iterator[bytes]:
    rows = lines(data)
    yield from _without(rows)
    text = parse(data) if len(data) < 1 << 16 else parse(b"")
    if len(rows) < _MOST_FIELDS and 1 < len(text.fields) <= _MOST_FIELDS:
        yield from _without(text.fields)
    if 1 < len(data) <= _MOST_BYTES:
        yield from _without([data[at : at + 1] for at in range(len(data))])
    elif len(data) > _MOST_FIELDS:
        yield from (data[: len(data) // 2], data[len(data) // 2 :], data[: len(data) * 7 // 8])
    for at in text.numbers[:_MOST_FIELDS]:
        for number in _simpler_numbers(text.fields[at]):
            yield text.replaced({at: number})


def _without(parts: Sequence[bytes]) -> Iterator[bytes]:
    """The text without some of its parts: halves, then quarters, down to single ones."""
    length = max(1, len(parts) // 2)
    while parts:
        for start in range(0, len(parts), length):
            yield b"".join((*parts[:start], *parts[start + length :]))
        if length == 1:
            return
        length //= 2


def _simpler_numbers(number: bytes) -> Iterator[bytes]:
    """Numbers with fewer or smaller digits, never longer ones: reducing must come to an end."""
    if is_float(number):
        whole = number.partition(b".")[0]
        if whole.lstrip(b"+-").isdigit():
            yield whole
        return
    value = int(number[:4000])
    for simpler in (0, 1, value // 2 if value > 0 else -(-value // 2), value - (value > 0) + (value < 0)):
        if abs(simpler) < abs(value):
            yield b"%d" % simpler
