"""What may be changed of a project's hot functions, and in which order it is tried. Nothing here runs anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from llmcoop.project.hot import HotFunction
from llmcoop.proposers.levers import V3, V4, V4_WIDE, function_levers
from llmcoop.rewrites import Rewrite, Stage
from llmcoop.toolchain import LLVM_MAJOR
from llmcoop.values import EvidenceKind, FunctionRecipe

_LEVELS: tuple[tuple[str, ...], ...] = tuple(clones for _, clones in (V3, V4, V4_WIDE))
_CLONES_PRIOR = 0.08  # logarithm of the speedup to expect of a function, as for the levers of programs


@dataclass(frozen=True, slots=True)
class Change:
    """What is changed of one function."""

    hints: tuple[tuple[str, str], ...] = ()
    clones: tuple[str, ...] = ()
    written: tuple[Rewrite, ...] = ()  # by a model; in place of hints and clones

    def __str__(self) -> str:
        if self.written:
            return f"written by {self.written[0].origin}"
        clones = [f"clone {clone}" for clone in self.clones]
        return ", ".join((*clones, *(f"{name} {value}" for name, value in self.hints)))

    def rewrites(self, function: HotFunction, measured: str) -> tuple[Rewrite, ...]:
        """What a build needs to make this change; `measured` is what it was worth, in words."""
        if self.written:
            return tuple(replace(rewrite, measured=measured) for rewrite in self.written)
        return tuple(
            Rewrite(
                function=function.name,
                module=function.module,
                stage=Stage.START,
                target=function.target,
                llvm=LLVM_MAJOR,
                before=before,
                evidence=EvidenceKind.BY_CONSTRUCTION,
                measured=measured,
                origin="llmcoop project: search",
                hints=self.hints,
                clones=self.clones,
            )
            for before in function.before
        )


# Which functions are changed, and how. In the order in which the changes were found.
Selection = Mapping[HotFunction, Change]


@dataclass(frozen=True, slots=True)
class Step:
    """A change to the best selection so far."""

    name: str
    functions: tuple[HotFunction, ...]
    change: Callable[[Change], Change]  # of what the function has so far

    def applied(self, selection: Selection) -> Selection:
        """`selection` with this step; what it changes is the newest."""
        changed = {function: self.change(selection.get(function, Change())) for function in self.functions}
        kept = {function: change for function, change in selection.items() if function not in changed}
        return kept | {function: change for function, change in changed.items() if change != Change()}


def steps(functions: Sequence[HotFunction], supported: Callable[[str], bool]) -> Iterator[Step]:
    """Steps that are correct by construction: those for all functions together first, then by what they may be worth.

    `supported` says which x86-64 levels this machine can run: for others nothing could be measured.
    """
    levels = [clones for clones in _LEVELS if all(supported(clone.partition(":")[0]) for clone in clones)]
    if len(functions) > 1:
        yield from (_cloned(tuple(functions), clones) for clones in levels)
    single = [(function.share * _CLONES_PRIOR, _cloned((function,), each)) for function in functions for each in levels]
    for function in functions:
        single += [(function.share * prior, _hinted(function, hint)) for hint, prior in _hints(function)]
    yield from (step for _, step in sorted(single, key=lambda item: -item[0]))


def without(function: HotFunction) -> Step:
    """The step that leaves a function as it was."""
    return Step(f"{function.name}: unchanged", (function,), lambda _: Change())


def written(function: HotFunction, rewrites: tuple[Rewrite, ...]) -> Step:
    """The step that takes what a model wrote."""
    return Step(f"{function.name}: {Change(written=rewrites)}", (function,), lambda _: Change(written=rewrites))


def _cloned(functions: tuple[HotFunction, ...], clones: tuple[str, ...]) -> Step:
    who = functions[0].name if len(functions) == 1 else f"all {len(functions)} hot functions"
    name = f"{who}: {Change(clones=clones)}"
    return Step(name, functions, lambda change: replace(change, clones=clones, written=()))


def _hinted(function: HotFunction, hint: tuple[str, str]) -> Step:
    def change(old: Change) -> Change:
        return replace(old, hints=tuple(sorted({**dict(old.hints), hint[0]: hint[1]}.items())), written=())

    return Step(f"{function.name}: {Change(hints=(hint,))}", (function,), change)


def _hints(function: HotFunction) -> Iterator[tuple[tuple[str, str], float]]:
    """The hints that the search tries on functions of a program, with what they may be worth."""
    for lever in function_levers([function.name]):
        for _, recipe in lever.settings:
            assert isinstance(recipe, FunctionRecipe)
            yield from ((hint, lever.prior) for hint in recipe.hints)
