"""Make the version of a module that notes which memory it touches, which blocks run, and what is undefined.

The notes decide which inputs a function accepts: poison and undefined behaviour of the old version, by the
LangRef's rules, mean that nothing is promised for that input.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from llmcoop.functions import layout, undefined
from llmcoop.functions.notes import KIND_BYTES, KIND_OF, RUNTIME, Kind
from llmcoop.functions.signature import Type
from llmcoop.functions.text import CALLEE, DEFINITION, LABEL, RESULT, call_arguments, split, take_type

_TBAA = re.compile(r"!tbaa !(\d+)")
_NODE = re.compile(r"!(\d+) = (?:distinct )?!\{(.*)\}")
_DECLARED = re.compile(r"declare .*@([\w.]+)\(", re.MULTILINE)
_MEMORY = re.compile(r"memory\([^)]*\)")
_CALL = re.compile(r"(?:tail |musttail |notail )?call ")
# Which arguments point to how many bytes, by which other argument; and whether they are written.
_TOUCHED = {
    "llvm.memcpy": ((0, 2, True), (1, 2, False)),
    "llvm.memmove": ((0, 2, True), (1, 2, False)),
    "llvm.memset": ((0, 2, True),),
    "memcpy": ((0, 2, True), (1, 2, False)),
    "memmove": ((0, 2, True), (1, 2, False)),
    "memset": ((0, 2, True),),
    "memcmp": ((0, 2, False), (1, 2, False)),
    "bcmp": ((0, 2, False), (1, 2, False)),
}


@dataclass(frozen=True, slots=True)
class Instrumented:
    """A module's text with notes, and how many basic blocks it numbers."""

    text: str
    blocks: int


def instrument(text: str) -> Instrumented:
    """Instrument every function that the printed module `text` defines."""
    instrumenter = _Instrumenter(_metadata(text))
    lines = list(instrumenter.lines(text.splitlines()))
    declared = set(_DECLARED.findall(text))
    needed = [line for name, line in instrumenter.declarations.items() if name not in declared]
    # What a function promises about memory no longer holds when it takes notes.
    whole = _MEMORY.sub("", "\n".join((*lines, *needed)))
    return Instrumented(whole + RUNTIME, min(instrumenter.blocks, layout.MAX_BLOCKS))


def _metadata(text: str) -> dict[str, list[str]]:
    return {match[1]: split(match[2]) for match in _NODE.finditer(text)}


@dataclass(slots=True)
class _Instrumenter:
    metadata: dict[str, list[str]]
    blocks: int = 0
    declarations: dict[str, str] = field(default_factory=dict)
    _inside: bool = False
    _at_head: bool = False
    _names: int = 0
    _tags: dict[str, int] = field(default_factory=dict)

    def lines(self, lines: list[str]) -> Iterator[str]:
        for line in lines:
            if DEFINITION.match(line):
                self._inside = self._at_head = True
                yield line
            elif not self._inside:
                yield line
            elif line == "}":
                self._inside = False
                yield line
            else:
                yield from self._line(line)

    def _line(self, line: str) -> Iterator[str]:
        if LABEL.match(line):
            self._at_head = True
            yield line
            return
        if self._at_head and line.strip() and " = phi " not in line:
            self._at_head = False
            yield f"  call void @llmcoop.block(i64 {min(self.blocks, layout.MAX_BLOCKS - 1)})"
            self.blocks += 1
        result = RESULT.match(line)
        instruction = result[2] if result else line.strip()
        yield from self._accesses(instruction)
        checks = undefined.checks(result[1] if result else "", instruction, self.metadata, self._fresh)
        yield from self._emit(checks.before)
        yield line
        yield from self._emit(checks.after)

    def _emit(self, check: undefined.Check) -> Iterator[str]:
        for name, declaration in check.declarations.items():
            self.declarations[name] = declaration
        for line in check.lines:
            yield f"  {line}"

    def _fresh(self) -> str:
        self._names += 1
        return f"%llmcoop.{self._names}"

    def _accesses(self, instruction: str) -> Iterator[str]:
        if instruction.startswith("load "):
            kind, pointer, align, *_ = split(instruction.removeprefix("load "))
            yield self._access(kind, pointer, align, instruction, write=False)
        elif instruction.startswith("store "):
            value, pointer, align, *_ = split(instruction.removeprefix("store "))
            yield self._access(take_type(value)[0], pointer, align, instruction, write=True)
        elif _CALL.match(instruction):
            yield from self._touched(instruction)

    def _access(self, kind: str, pointer: str, align: str, instruction: str, *, write: bool) -> str:
        known = Type.parse(kind)
        shown = _kind(known, write)
        size, count = f"{KIND_BYTES.get(shown, 0)}", known.lanes if known else 1
        if shown is Kind.OTHER:
            size, count = f"ptrtoint (ptr getelementptr ({kind}, ptr null, i64 1) to i64)", 1
        bytes_aligned = align.removeprefix("align ")
        return (
            f"  call void @llmcoop.access({pointer}, i64 {size}, i64 {count}, i8 {shown.value}, "
            f"i8 {self._tag(instruction)}, i64 {bytes_aligned}, i64 {int(write)})"
        )

    def _tag(self, instruction: str) -> int:
        """A number for the type by which alias analysis knows the access; 0 when it may alias all."""
        found = _TBAA.search(instruction)
        node = self.metadata.get(found[1], []) if found else []
        if len(node) < 3:
            return 0
        name = self.metadata.get(node[1].removeprefix("!"), [""])[0]
        if name in ("", '!"omnipotent char"'):
            return 0
        return min(255, self._tags.setdefault(node[1], len(self._tags) + 1))

    def _touched(self, instruction: str) -> Iterator[str]:
        callee = CALLEE.search(instruction)
        if callee is None:
            return
        name = ".".join(callee[1].split(".")[:2])
        arguments = call_arguments(instruction[callee.end() - 1 :])
        for pointer, length, write in _TOUCHED.get(name, ()):
            kind, count = arguments[length]
            size = self._fresh()
            yield f"  {size} = zext {kind} {count} to i128"
            yield f"  {size}.bytes = trunc i128 {size} to i64"
            yield (
                f"  call void @llmcoop.access(ptr {arguments[pointer][1]}, i64 {size}.bytes, i64 1, i8 0, i8 0, "
                f"i64 1, i64 {int(write)})"
            )


def _kind(known: Type | None, write: bool) -> Kind:
    if known is None:
        return Kind.OTHER
    if known.is_pointer:
        return Kind.STORED_POINTER if write else Kind.POINTER
    return KIND_OF.get(known.scalar, Kind.OTHER)
