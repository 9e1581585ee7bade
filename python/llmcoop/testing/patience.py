"""How long an input may take, and which inputs will take longer, learned from those that were run."""

from __future__ import annotations

import statistics
from collections import deque

from llmcoop.values import Invocation

_LEAST_S, _MOST_S = 0.02, 0.1
_SLOWER_THAN_USUAL = 20
_RECENT = 256  # inputs that say what is usual
_ASKED_AGAIN = 16  # every so many inputs that look slow, one is run: what looked slow may have changed
_MOST_MARKS = 64


class Patience:
    """Time limits for single runs. An input at least as large in every number as a slow one is likely slow too."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=_RECENT)
        self._marks: list[tuple[int, ...]] = []
        self._skipped = 0

    @property
    def limit_s(self) -> float:
        """What an input may take."""
        return min(_MOST_S, max(_LEAST_S, _SLOWER_THAN_USUAL * self.typical_s)) if self._seconds else _MOST_S

    @property
    def typical_s(self) -> float:
        """What an input takes, in the median of the latest ones."""
        return statistics.median(self._seconds) if self._seconds else _LEAST_S

    def quick(self, ns: int) -> None:
        """An input took so long, which was not too long."""
        self._seconds.append(ns / 1e9)

    def slow(self, invocation: Invocation) -> None:
        """An input took too long."""
        mark = _magnitudes(invocation)
        if not self._dominated(mark):
            self._marks = [known for known in self._marks if not _at_least(known, mark)][-_MOST_MARKS:]
            self._marks.append(mark)

    def expects_slow(self, invocation: Invocation) -> bool:
        """Whether an input had better not be run."""
        if not self._marks or not self._dominated(_magnitudes(invocation)):
            return False
        self._skipped += 1
        return self._skipped % _ASKED_AGAIN != 0

    def _dominated(self, mark: tuple[int, ...]) -> bool:
        return any(_at_least(mark, known) for known in self._marks)


def _magnitudes(invocation: Invocation) -> tuple[int, ...]:
    """Bits of the size of stdin, and of each argument that is a number."""
    values = (int(arg) if arg.isdecimal() and len(arg) < 20 else 0 for arg in invocation.args)
    return len(invocation.stdin).bit_length(), *(value.bit_length() for value in values)


def _at_least(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return len(one) == len(other) and all(mine >= theirs for mine, theirs in zip(one, other, strict=True))
