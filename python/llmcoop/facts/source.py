"""Places in compiler records as a reader of the source sees them: file names, expressions, executions."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from llmcoop.facts import expressions
from llmcoop.facts.lines import Profile, Spot
from llmcoop.facts.records import Place

_HOT = 0.01  # of the hottest line's executions: what is said of lines below it is of no use


@dataclass(frozen=True, slots=True)
class Source:
    """The program's own files and what was executed of them."""

    profile: Profile
    names: Mapping[str, str]  # of files, by path
    texts: Mapping[str, tuple[str, ...]]  # lines, by name of the file

    def file(self, place: Place) -> str:
        """The name of the file; empty for one that is not the program's own."""
        return self.names.get(os.path.abspath(place.file), "")  # noqa: PTH100 - links must stay

    def is_hot(self, place: Place) -> bool:
        """Whether the line is the program's own, and executed often."""
        file = self.file(place)
        return bool(file) and self.profile.count(file, place.line) >= max(1, _HOT * self.profile.hottest)

    def is_hot_innermost(self, loop: Place) -> bool:
        """Whether it is the start of a hot loop without a hotter one in it."""
        return self.is_hot(loop) and not self.profile.has_hotter_inside(self.file(loop), Spot(loop.line, loop.column))

    def memory(self, place: Place) -> str:
        """What is loaded or stored there: "'a[i]'", or the empty string."""
        found = expressions.memory_at(self._line(place), place.column)
        return f"'{found}'" if found else ""

    def macro(self, place: Place) -> str:
        """What stands for loaded memory where a macro hides it, or the empty string."""
        return f"what '{self.callee(place)}' reads" if self.callee(place) else ""

    def callee(self, place: Place) -> str:
        """The name of the function called there, or the empty string."""
        return expressions.callee_at(self._line(place), place.column)

    def _line(self, place: Place) -> str:
        lines = self.texts.get(self.file(place), ())
        return lines[place.line - 1] if place.column and place.line <= len(lines) else ""
