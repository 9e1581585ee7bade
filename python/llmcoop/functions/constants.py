"""Numbers that code compares with or computes with: a search would not find them by chance."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"(?<=[ (])-?\d+(?=[,)\s]|$)")
_MOST = 64


def of(*modules: str) -> tuple[int, ...]:
    """Integer operands in the functions of printed modules, the ones that stand there least often first."""
    counts: dict[int, int] = {}
    for text in modules:
        for line in text.splitlines():
            if not line.startswith("  ") or "getelementptr" in line:
                continue
            code = line.partition(", align")[0].partition(", !")[0]
            for found in _NUMBER.findall(code):
                counts[int(found)] = counts.get(int(found), 0) + 1
    return tuple(sorted(counts, key=lambda number: (counts[number], number))[:_MOST])
