"""How often each line of a program is executed in its workload, and where its functions and loops are."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from llmcoop.clang import Confinement
from llmcoop.facts.values import LineCount
from llmcoop.sandbox import Limits
from llmcoop.testing import coverage
from llmcoop.toolchain import Toolchain
from llmcoop.values import Invocation, Program

_GAP, _CODE = 3, 0  # kinds of llvm-cov's regions
_LCOV_LINE = re.compile(r"^(SF|DA):(.*)$", re.MULTILINE)


class Spot(NamedTuple):
    """A place in a file, counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Extent:
    """A function's text."""

    name: str
    file: str
    first_line: int
    last_line: int


@dataclass(frozen=True, slots=True)
class Profile:
    """What one run executed; files by their names. Without any counts every line is taken to be executed once."""

    counts: Mapping[str, Mapping[int, int]] = field(default_factory=dict)  # by file and line
    functions: tuple[Extent, ...] = ()
    loops: Mapping[str, tuple[tuple[Spot, Spot], ...]] = field(default_factory=dict)  # where the body starts and ends

    def count(self, file: str, line: int) -> int:
        """Executions of a line."""
        return self.counts.get(file, {}).get(line, 0) if self.counts else 1

    @property
    def hottest(self) -> int:
        """Executions of the hottest line."""
        return max((count for lines in self.counts.values() for count in lines.values()), default=1)

    def lines(self, extent: Extent) -> tuple[LineCount, ...]:
        """The lines of a function that were executed."""
        counts = self.counts.get(extent.file, {})
        numbers = range(extent.first_line, extent.last_line + 1)
        return tuple(LineCount(number, counts[number]) for number in numbers if counts.get(number))

    def function_at(self, file: str, line: int) -> str:
        """The function whose text the line is in; empty where there is none."""
        return next((each.name for each in self.functions if each.file == file and _holds(each, line)), "")

    def has_hotter_inside(self, file: str, loop: Spot) -> bool:
        """Whether the body of the loop that starts there has lines that are executed more often: an inner loop."""
        bodies = [body for body in self.loops.get(file, ()) if body[0] > loop]
        if not bodies or not self.counts:
            return False
        start, end = min(bodies)
        inside = range(start.line, end.line + 1)
        return any(self.count(file, line) > self.count(file, loop.line) for line in inside)


def measure(
    toolchain: Toolchain,
    confinement: Confinement,
    program: Program,
    workload: Invocation,
    folder: Path,
    *,
    names: Mapping[str, str],
    limits: Limits,
    seconds: float,
) -> Profile:
    """Run the workload once, for at most `seconds`, in a build that counts; `folder` gets the build.

    `names` are those of the program's own files by path: others are left out.

    Raises ProgramError when the program does not build so or leaves no counts, ToolchainError when they can't be read.
    """
    counted = coverage.count(
        toolchain,
        confinement.sandbox,
        program,
        [workload],
        folder,
        flags=coverage.COUNTING,
        limits=limits,
        seconds=seconds,
        confinement=confinement,
    )
    by_line = coverage.export(toolchain, confinement.sandbox, counted, "-format=lcov")
    by_region = coverage.export(toolchain, confinement.sandbox, counted, "-skip-branches", "-skip-expansions")
    functions = json.loads(by_region)["data"][0]["functions"]
    return Profile(_counts(by_line, names), _extents(functions, names), _loops(functions, names))


def _counts(lcov: bytes, names: Mapping[str, str]) -> dict[str, dict[int, int]]:
    counts: dict[str, dict[int, int]] = {}
    here: dict[int, int] = {}
    for kind, value in _LCOV_LINE.findall(lcov.decode(errors="replace")):
        if kind == "SF":
            name = names.get(os.path.normpath(value))
            here = counts.setdefault(name, {}) if name else {}
        else:
            line, _, count = value.partition(",")
            here[int(line)] = max(here.get(int(line), 0), int(count.partition(",")[0]))
    return counts


def _extents(functions: Sequence[Mapping], names: Mapping[str, str]) -> tuple[Extent, ...]:
    """One of each function. A static function's name has its file's before it, a clone's has its target after it."""
    found = []
    for function in functions:
        file = names.get(os.path.normpath(function["filenames"][0]))
        if file:
            first_line, _, last_line, *_ = function["regions"][0]
            found.append(Extent(function["name"].rpartition(":")[2].partition(".")[0], file, first_line, last_line))
    return tuple(dict.fromkeys(found))


def _loops(functions: Sequence[Mapping], names: Mapping[str, str]) -> dict[str, tuple[tuple[Spot, Spot], ...]]:
    """Bodies of loops and branches: a region of code that starts where a gap ends."""
    found: dict[str, tuple[tuple[Spot, Spot], ...]] = {}
    for function in functions:
        file = names.get(os.path.normpath(function["filenames"][0]))
        if file is None:
            continue
        own = [region for region in function["regions"] if region[5] == 0]
        gaps = {(region[2], region[3]) for region in own if region[7] == _GAP}
        bodies = [region for region in own if region[7] == _CODE and (region[0], region[1]) in gaps]
        spots = tuple((Spot(*region[0:2]), Spot(*region[2:4])) for region in bodies)
        found[file] = found.get(file, ()) + spots
    return found


def _holds(extent: Extent, line: int) -> bool:
    return extent.first_line <= line <= extent.last_line
