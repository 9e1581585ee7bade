"""Take a winner apart: what of it can be said of single functions of the program as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from llmcoop.history import IDENTITY
from llmcoop.ir import CompilerFailed, IRError
from llmcoop.ir.values import FunctionInfo
from llmcoop.lowering import CLONED_SHARE, Lowering
from llmcoop.report import LeftOut
from llmcoop.rewrites import foreign
from llmcoop.rewrites.keeping import target
from llmcoop.rewrites.rewrite import Rewrite, Stage
from llmcoop.toolchain import LLVM_MAJOR
from llmcoop.values import Candidate, EvidenceKind, Level, Recipe

_MOST_VERSIONS = 8  # functions of which a new version is kept, the hottest first
_HOT = 0.01  # share of the time
_CLONE = re.compile(r"\.(default|x86_64_v\d)$")  # what a clone adds to the function's name
_UNKNOWN = "not measured"  # as long as it is not


@dataclass(frozen=True, slots=True)
class Parts:
    """Rewrites that a winner comes to, and what of it is none."""

    rewrites: tuple[Rewrite, ...]
    left_out: tuple[LeftOut, ...]

    @staticmethod
    def of(found: Iterable[Rewrite | LeftOut]) -> Parts:
        """Sorted by what they are."""
        parts = tuple(found)
        return Parts(
            tuple(each for each in parts if isinstance(each, Rewrite)),
            tuple(each for each in parts if isinstance(each, LeftOut)),
        )


class Collector:
    """Makes rewrites of winners for one program."""

    def __init__(self, lowering: Lowering, sources: Sequence[Path]) -> None:
        """`sources` are those of the program, in their order."""
        self._lowering, self._worker = lowering, lowering.worker
        self._names = tuple(source.name for source in sources)

    def settings(self, winner: Candidate) -> Parts:
        """The winner's hints and clones, for the functions as the front end gives them for the user's own sources."""
        modules = self._lowering.version(IDENTITY).front_end.modules
        return Parts.of(
            part
            for name, module in zip(self._names, modules, strict=True)
            for part in self._settings(name, module, winner.recipe)
        )

    def versions(self, winner: Candidate) -> Parts:
        """The final IR of the winner's hot functions, where it is another than with its hints and clones alone.

        Raises CompilerFailed or IRError.
        """
        recipe = Recipe(clones=winner.recipe.clones, functions=winner.recipe.functions)
        below = Candidate(Level.IR, "hints and clones alone", recipe)
        here, there = self._lowering.optimized(below), self._lowering.optimized(winner)
        builds = there if len(there) == len(here) else there * len(here)
        wanted = self._wanted(here)
        return Parts.of(
            part
            for name, old, new in zip(self._names, here, builds, strict=True)
            for part in self._versions(name, old, new, wanted)
        )

    # Hints and clones

    def _settings(self, name: str, module: bytes, recipe: Recipe) -> Iterator[Rewrite | LeftOut]:
        hints = {each.function: each.hints for each in recipe.functions}
        cloned = self._cloned(module) if recipe.clones else frozenset[str]()
        for info in self._defined(module):
            if info.name not in hints and info.name not in cloned:
                continue
            if not info.eligible:
                yield LeftOut(info.name, info.not_eligible)
                continue
            before = self._worker.canonical(module, info.name)
            yield Rewrite(
                *(info.name, name, Stage.START, target(before), LLVM_MAJOR, before),
                *(EvidenceKind.BY_CONSTRUCTION, _UNKNOWN, "recipe search"),
                hints=hints.get(info.name, ()),
                clones=recipe.clones if info.name in cloned else (),
            )

    def _cloned(self, module: bytes) -> frozenset[str]:
        """What a recipe gives versions for newer processors: what is hot, or all if that is not known."""
        version = self._lowering.profiled(IDENTITY)
        hot = version.hot_functions(CLONED_SHARE) if version.hotness else ()
        return frozenset(hot or (info.name for info in self._defined(module)))

    # New versions

    def _wanted(self, modules: Sequence[bytes]) -> tuple[str, ...]:
        """The hot functions of the modules; where one was inlined, also those that may have it now."""
        shares = dict(self._lowering.profiled(IDENTITY).hotness)
        infos = [info for module in modules for info in self._defined(module) if info.eligible]
        hot = [function for function, share in shares.items() if share >= _HOT]
        inlined = not set(hot) <= {_function(info.name) for info in infos}
        worth = {info.name: shares.get(_function(info.name), 0.0) for info in infos}
        ordered = sorted(infos, key=lambda info: (-worth[info.name], -info.instructions))
        return tuple(info.name for info in ordered if inlined or worth[info.name] >= _HOT)[:_MOST_VERSIONS]

    def _versions(self, name: str, old: bytes, new: bytes, wanted: Sequence[str]) -> Iterator[Rewrite | LeftOut]:
        theirs = {info.name for info in self._defined(new)}
        here, there = self._worker.text(old), self._worker.text(new)
        for info in self._defined(old):
            if info.name not in wanted:
                continue
            if info.name not in theirs:
                yield LeftOut(info.name, "the faster program has no such function any more")
                continue
            before, after = (self._worker.canonical(module, info.name) for module in (old, new))
            if before == after:
                continue
            reason = foreign.strange(after, here, there)
            yield LeftOut(info.name, reason) if reason else self._version(name, info.name, old, before, after)

    def _version(self, name: str, function: str, module: bytes, before: str, after: str) -> Rewrite | LeftOut:
        try:
            after = self._worker.canonical_replacement(module, function, after)
            self._worker.replace(before.encode(errors="surrogateescape"), after)
        except (CompilerFailed, IRError) as refusal:
            return LeftOut(function, refusal.message)
        return Rewrite(
            *(function, name, Stage.LAST, target(before), LLVM_MAJOR, before),
            *(EvidenceKind.BY_CONSTRUCTION, _UNKNOWN, "recipe search", after),
        )

    def _defined(self, module: bytes) -> list[FunctionInfo]:
        return [info for info in self._worker.functions(module) if info.defined]


def _function(name: str) -> str:
    """The function that a clone is one of, or itself."""
    return _CLONE.sub("", name)
