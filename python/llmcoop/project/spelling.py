"""How changes of a function are written in C, where they can be. Nothing here runs anything."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from llmcoop.project.change import Change

_ATTRIBUTES = {
    ("inline", "always"): "always_inline",
    ("inline", "never"): "noinline",
    ("hot", "true"): "hot",
    ("cold", "true"): "cold",
}
_PRAGMAS = {
    "unroll.count": "unroll_count({})",
    "unroll": "unroll({})",
    "vectorize.width": "vectorize_width({})",
    "interleave.count": "interleave_count({})",
    "vectorize.enable": "vectorize({})",
    "distribute.enable": "distribute({})",
}
_VALUES = {"true": "enable", "false": "disable"}
_FLOATING = re.compile(r"\bf(add|sub|mul|div)\b|llvm\.fmuladd")
_FUSED = "llvm.fmuladd"
_LOOP = re.compile(r"(for|while|do)\b")


class NotInC(Exception):  # noqa: N818 - it says what is the case
    """Why a change can't be written in C."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """A change in C: attributes before the definition, and the pragma before each innermost loop."""

    attributes: tuple[str, ...]
    pragma: str  # empty: none


@dataclass(frozen=True, slots=True)
class Loop:
    """Where a loop is in its file, from 1: its first word, and its last line."""

    line: int
    column: int
    last: int


def spelled(change: Change, before: str) -> Spelling:
    """How `change` is written for the function whose IR is `before`. Raises NotInC."""
    if change.written:
        raise NotInC("it was written as LLVM IR")
    attributes = list(_target_clones(change.clones, before))
    clauses: list[str] = []
    for name, value in change.hints:
        if (name, value) in _ATTRIBUTES:
            attributes.append(_ATTRIBUTES[name, value])
        elif name in _PRAGMAS:
            clauses.append(_PRAGMAS[name].format(_VALUES.get(value, value)))
        else:
            raise NotInC(f"C has no word for {name} {value}")
    if any(clause.startswith(("vectorize", "interleave")) for clause in clauses) and _FLOATING.search(before):
        raise NotInC("a vectorization pragma would allow the compiler to reorder floating-point sums")
    return Spelling(tuple(attributes), f"#pragma clang loop {' '.join(clauses)}" if clauses else "")


def _target_clones(clones: Sequence[str], before: str) -> Sequence[str]:
    if any(":" in clone for clone in clones):
        raise NotInC("C can't say how versions for newer processors are tuned")
    if clones and _FUSED in before:
        raise NotInC("with target_clones the compiler would fuse multiplications and additions, and round otherwise")
    names = ", ".join(f'"arch={clone}"' for clone in reversed(clones))
    return [f'target_clones({names}, "default")'] if clones else []


def inserted(text: str, line: int, loops: Sequence[Loop], spelling: Spelling) -> str:
    """The source with the change of the function whose name is on `line`. Raises NotInC."""
    lines = text.splitlines(keepends=True)
    added: dict[int, str] = {}
    if spelling.attributes:
        added[line] = f"__attribute__(({', '.join(spelling.attributes)}))"
    innermost = [loop for loop in loops if not any(_within(other, loop) for other in loops)]
    if spelling.pragma:
        for loop in innermost:
            start = lines[loop.line - 1]
            if start[: loop.column - 1].strip() or not _LOOP.match(start[loop.column - 1 :]):
                raise NotInC(f"the loop in line {loop.line} does not start that line")
            added[loop.line] = spelling.pragma
    for number in sorted(added, reverse=True):
        start = lines[number - 1]
        indent = start[: len(start) - len(start.lstrip())]
        lines.insert(number - 1, f"{indent}{added[number]}\n")
    return "".join(lines)


def _within(inner: Loop, outer: Loop) -> bool:
    return inner != outer and outer.line <= inner.line and inner.last <= outer.last
