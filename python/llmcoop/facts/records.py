"""What the compiler's passes say of a program: LLVM's optimization records."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from llmcoop.clang import LTO_FLAG, Confinement, build_with_clang
from llmcoop.toolchain import Toolchain
from llmcoop.values import Program

_PASSES = "loop-vectorize|loop-unroll|licm|gvn|inline|regalloc|prologepilog"
_MOST_BYTES = 32 << 20  # of the records of one source
_HEAD = re.compile(r"^--- !(\w+)\nPass: +(\S+)\nName: +(\S+)\n(DebugLoc:.*?\n)?Function: +(\S+)\n", re.DOTALL)
_ARGUMENT = re.compile(r"^  - (\w+): +(.*?)(?:\n    DebugLoc:(.*?))?(?=\n  - |\n?\Z)", re.DOTALL | re.MULTILINE)
_PLACE = re.compile(r"File: ('(?:[^']|'')*'|[^\s,]+),\s+Line: (\d+),\s+Column: (\d+)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the source; the file as it was named when compiling."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Argument:
    """A part of a record's message."""

    key: str
    value: str
    place: Place | None


@dataclass(frozen=True, slots=True)
class Record:
    """One statement of a pass."""

    kind: str  # Passed, Missed, Analysis, …
    pass_name: str
    name: str  # of the kind of statement: "LoadClobbered"
    function: str  # that was compiled; the place may be one that was inlined into it
    place: Place | None
    arguments: tuple[Argument, ...]

    @property
    def message(self) -> str:
        """As LLVM words it."""
        return "".join(argument.value for argument in self.arguments)

    def argument(self, key: str) -> Argument | None:
        """The first part of that name."""
        return next((each for each in self.arguments if each.key == key), None)


def collect(toolchain: Toolchain, confinement: Confinement, program: Program, folder: Path) -> tuple[Record, ...]:
    """What the passes say as each source is compiled by the user's own flags; nothing of one that does not compile."""
    found: list[Record] = []
    cflags = tuple(flag for flag in program.cflags if not LTO_FLAG.fullmatch(flag))
    for number, source in enumerate(program.sources):
        records = folder / f"{number}.records"
        # Without a working directory in common with them, clang does not shorten the files' names.
        extra = ["-gline-tables-only", "-gcolumn-info", "-fdebug-compilation-dir=/", "-fsave-optimization-record=yaml"]
        extra += [f"-foptimization-record-file={records}", f"-foptimization-record-passes={_PASSES}", "-c"]
        alone = replace(program, sources=(source,), cflags=cflags, ldflags=())
        build_with_clang(toolchain, alone, folder / f"{number}.o", extra, confinement)
        if records.is_file() and not records.is_symlink():
            with records.open(errors="replace") as file:
                found += parse(file.read(_MOST_BYTES))
    return tuple(found)


def parse(text: str) -> Iterator[Record]:
    """The records in LLVM's YAML, of which it uses little; what is not one is left out."""
    for part in text.split("\n...\n"):
        head = _HEAD.match(part)
        if head:
            arguments = (
                Argument(match[1], _scalar(match[2]), _place(match[3] or ""))
                for match in _ARGUMENT.finditer(part[head.end() :])
            )
            yield Record(head[1], head[2], head[3], _scalar(head[5]), _place(head[4] or ""), tuple(arguments))


def _place(text: str) -> Place | None:
    """A place that has a line; code that the compiler made up has none."""
    match = _PLACE.search(text)
    if match is None or match[2] == "0":
        return None
    return Place(_scalar(match[1]), int(match[2]), int(match[3]))


def _scalar(text: str) -> str:
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    if text.startswith('"'):
        return text[1:-1].replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")
    return text
