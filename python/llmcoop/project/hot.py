"""Which functions of a project have the time, by a profile of its benchmark."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from llmcoop import profiles
from llmcoop.errors import ProgramError, UsageError
from llmcoop.ir import CompilerFailed, IRError
from llmcoop.ir.jobs import PassRequest
from llmcoop.ir.worker import Worker
from llmcoop.project import compilations
from llmcoop.project.benchmark import FIRST_TIMEOUT_S
from llmcoop.project.compilations import Compilation
from llmcoop.project.tree import Tree, ending
from llmcoop.toolchain import Toolchain

LEAST_SHARE = 0.01
MOST_FUNCTIONS = 20

# Shares are of one module. A function whose cost is known, linked to each, tells how much one module weighs against
# another: cost(module) = cost(yardstick) * (1 - share of the yardstick) / (share of the yardstick).
_YARDSTICK = "llmcoop.yardstick"
_YARDSTICK_IR = f"""
define i64 @{_YARDSTICK}(i64 %a, i64 %b) !prof !0 {{
  %quotient = udiv i64 %a, %b
  ret i64 %quotient
}}
!0 = !{{!"function_entry_count", i64 1000000}}
""".encode()


@dataclass(frozen=True, slots=True)
class HotFunction:
    """A function with a share of the benchmark's time.

    A source that is compiled in several ways (for an archive and for a shared library) gives it several texts.
    """

    name: str  # as in the IR
    source: Path  # relative to the project
    share: float  # of the time of all of the project's own code, 0 to 1
    target: str  # triple
    before: tuple[str, ...]  # canonical texts as the front end gives it
    compilations: tuple[Compilation, ...]

    @property
    def module(self) -> str:
        """The name of its source file, as rewrites have it."""
        return self.source.name


@dataclass(frozen=True, slots=True)
class Profile:
    """Where the time of a benchmark goes."""

    functions: tuple[HotFunction, ...]  # those that may be changed, the hottest first
    units: int  # source files compiled
    notes: tuple[str, ...]  # what could not be looked at


def find(toolchain: Toolchain, worker: Worker, tree: Tree, scratch: Path) -> Profile:
    """Build `tree`, which nobody has built, with counters, run its benchmark and read them.

    Raises ProgramError when the project does not build so, or the benchmark does not run or leaves no counts.
    """
    raw, log = scratch / "counters", scratch / "compiled.jsonl"
    raw.mkdir()
    counting = tree.with_settings(
        LLMCOOP_CC_ADD="-fprofile-generate", LLMCOOP_CC_LOG=str(log), LLVM_PROFILE_FILE=str(scratch / "unused.profraw")
    )
    counting.prepare()
    compiled = compilations.logged(toolchain, log)
    done = counting.with_settings(LLVM_PROFILE_FILE=str(raw / "%m.profraw")).benchmark(FIRST_TIMEOUT_S)
    if done.returncode != 0:
        raise ProgramError(f"the benchmark {ending(done)}", "it was built with -fprofile-generate; it ran without")
    merged = profiles.merge(toolchain, worker.sandbox, raw)
    if merged is None:
        raise ProgramError(
            "the benchmark ran none of the code that was built", "does it run an installed copy, or end by a signal?"
        )
    return _Reading(worker, tree, merged.read_bytes(), scratch).profile(compiled)


class _Reading:
    """Puts a profile and the modules that it is of together."""

    def __init__(self, worker: Worker, tree: Tree, counts: bytes, scratch: Path) -> None:
        self._worker, self._tree = worker, tree
        self._counts, self._scratch = counts, scratch
        self._notes: list[str] = []

    def profile(self, compiled: Iterable[Compilation]) -> Profile:
        """The functions with most of the time, over all units."""
        sources: dict[Path, list[Compilation]] = {}
        for compilation in compiled:
            sources.setdefault(compilation.source, []).append(compilation)
        weights = {
            (source, name): weight
            for source, known in sources.items()
            for name, weight in self._weights(known[0]).items()
        }
        total = sum(weights.values()) or 1.0
        hottest = sorted(weights.items(), key=lambda item: -item[1])
        functions: list[HotFunction] = []
        for (source, name), weight in hottest:
            if weight / total < LEAST_SHARE or len(functions) == MOST_FUNCTIONS:
                break
            if re.search(self._tree.spec.functions, name):
                functions += self._function(name, source, weight / total, sources[source])
        return Profile(tuple(functions), len(sources), tuple(self._notes))

    def _weights(self, compilation: Compilation) -> dict[str, float]:
        """What the functions of a unit cost in the whole benchmark, in the same unit for all modules."""
        try:
            unit = compilations.front_end(compilation, self._scratch)
            if unit is None:
                return {}
            request = PassRequest(unit.tuning, unit.codegen, profile=self._counts)
            annotated = self._worker.annotate(unit.bitcode, request)
            measured = self._worker.link([annotated, _YARDSTICK_IR])
            shares = dict(self._worker.hotness(measured, PassRequest(unit.tuning, unit.codegen)))
        except (UsageError, CompilerFailed, IRError) as error:
            self._notes.append(f"{self._relative(compilation.source)} was not looked at: {error.message}")
            return {}
        yardstick = shares.pop(_YARDSTICK)
        return {name: share / yardstick for name, share in shares.items()}

    def _function(
        self, name: str, source: Path, share: float, compiled: Iterable[Compilation]
    ) -> tuple[HotFunction, ...]:
        relative = self._relative(source)
        if not (self._tree.folder / relative).is_file() or relative.is_absolute():
            self._notes.append(f"{name} has {share:.0%} of the time, but {source} is outside of the project")
            return ()
        known: dict[str, Compilation] = {}
        for compilation in compiled:
            try:
                unit = compilations.front_end(compilation, self._scratch)
                if unit is not None:
                    known.setdefault(self._worker.canonical(unit.bitcode, name), compilation)
            except (UsageError, CompilerFailed, IRError) as error:
                self._notes.append(f"{name} ({relative}) can't be changed: {error.message}")
        if not known:
            return ()
        triple = next(iter(known.values())).triple
        return (HotFunction(name, relative, share, triple, tuple(known), tuple(known.values())),)

    def _relative(self, source: Path) -> Path:
        folder = self._tree.folder
        return source.relative_to(folder) if source.is_relative_to(folder) else source
