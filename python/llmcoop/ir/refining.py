"""The job of a worker that decides whether one function refines another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from llmcoop.ir.body import Body

if TYPE_CHECKING:
    from llmcoop.ir import Module


class Answer(StrEnum):
    """What a validator says of an old and a new function."""

    CORRECT = "correct"  # proved: whatever the new function does, the old one allows
    INCORRECT = "incorrect"  # there is a counterexample
    BOUNDED = "bounded"  # no counterexample while no loop runs more often than the bound; not a proof
    UNPROVED = "unproved"  # out of time or memory, or the validator gave up
    UNSUPPORTED = "unsupported"  # the validator does not know what the code means


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a counterexample, by lane: an integer has one, a vector one for each element."""

    widths: tuple[int, ...]  # bits of each lane
    values: tuple[int, ...]  # unsigned
    poison: tuple[bool, ...]
    undef: tuple[int, ...]  # which bits are undef

    @property
    def defined(self) -> bool:
        """Whether it is plain integers."""
        return not any(self.poison) and not any(self.undef)

    @property
    def text(self) -> str:
        """As in IR: `7`, `undef`, `<1, poison>`."""
        lanes = [_lane(*lane) for lane in zip(self.values, self.poison, self.undef, self.widths, strict=True)]
        return lanes[0] if len(lanes) == 1 else f"<{', '.join(lanes)}>"


def _lane(value: int, poison: bool, undef: int, width: int) -> str:
    if poison:
        return "poison"
    if undef == (1 << width) - 1:
        return "undef"
    return f"{value} with the bits {undef:#x} undef" if undef else str(value)


@dataclass(frozen=True, slots=True)
class Refined:
    """What the validator of our own found out."""

    answer: Answer  # anything but bounded
    detail: str
    arguments: tuple[Argument, ...] = ()  # of the counterexample
    names: tuple[str, ...] = ()  # of the parameters; %0 and so on where they have none
    cyclic: bool = False  # whether one of the functions has a loop


@dataclass(frozen=True, slots=True)
class Refine:
    """Decide whether a function of `new` (text or bitcode) refines that of `old`; gives `Refined`.

    With 0 seconds it only looks: is it the same code, is it supported, does it have loops?
    """

    old: bytes
    new: bytes
    function: str
    seconds: float

    def run(self) -> Refined:
        modules = [_verified(ir) for ir in (self.old, self.new)]
        old, new = (module.read(self.function) for module in modules)
        refined = (
            Refined(Answer.CORRECT, "the same code")
            if modules[0].canonical_text == modules[1].canonical_text
            else _refined(old, new, self.seconds)
        )
        names = tuple(parameter.name or f"%{number}" for number, parameter in enumerate(old.parameters))
        return replace(refined, names=names, cyclic=old.cyclic or new.cyclic)


def _refined(old: Body, new: Body, seconds: float) -> Refined:
    try:
        from llmcoop.validation.refinement import refine  # noqa: PLC0415 - loads z3, which no other job needs
    except ImportError as error:
        return Refined(Answer.UNSUPPORTED, f"z3 can't be imported ({error}): pip install z3-solver")
    return refine(old, new, seconds)


def _verified(ir: bytes) -> Module:
    from llmcoop.ir import Module  # noqa: PLC0415 - loads LLVM, which who only asks a worker does not need

    module = Module.parse(ir)
    module.verify()
    return module
