"""A function's body as plain data, for what reasons about code: `Module.read` makes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Type:
    """A type of LLVM's; `text` says it in full."""

    text: str
    width: int  # bits of an integer, or of one element of a vector of integers; 0 for every other type
    lanes: int  # elements of a fixed vector; 0: it is none
    fields: tuple[Type, ...]  # of a struct

    @property
    def lane_widths(self) -> tuple[int, ...]:
        """The bits of each scalar in a value of this type, in order; 0 for one that is no integer."""
        if self.fields:
            return tuple(width for part in self.fields for width in part.lane_widths)
        return () if self.text == "void" else (self.width,) * (self.lanes or 1)

    def part(self, indices: Sequence[int]) -> slice:
        """Which of those scalars are in the field that the indices of an extractvalue lead to."""
        start, type_ = 0, self
        for index in indices:
            start += sum(len(before.lane_widths) for before in type_.fields[:index])
            type_ = type_.fields[index]
        return slice(start, start + len(type_.lane_widths))


@dataclass(frozen=True, slots=True)
class Attributes:
    """What is promised of a value, or of a function."""

    noundef: bool = False
    ranges: tuple[tuple[int, int], ...] = ()  # unsigned [low, high), wrapping around if high <= low
    others: tuple[str, ...] = ()  # as LLVM prints them, without those that are strings


@dataclass(frozen=True, slots=True)
class Local:
    """An argument or the result of an instruction."""

    number: int


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant that is made of integers; elements are unsigned, in the order of `Type.lane_widths`."""

    type: Type
    elements: tuple[int | Literal["undef", "poison"], ...]


@dataclass(frozen=True, slots=True)
class Other:
    """Any other operand: a global, a constant expression, metadata, …"""

    text: str


Operand = Local | Constant | Other


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction; fields that its kind has no use for are empty."""

    number: int  # arguments come first, then instructions in the order of the blocks
    opcode: str
    type: Type
    operands: tuple[Operand, ...]  # of a call: its arguments; of a switch: the condition, then the case values
    flags: frozenset[str]  # nuw, nsw, exact, disjoint, nneg, samesign
    predicate: str  # of a comparison: eq, ult, sge, …
    indices: tuple[int, ...]  # of extractvalue and insertvalue; the mask of shufflevector, -1 for poison
    blocks: tuple[int, ...]  # successors (the default of a switch first), or where the operands of a phi come from
    metadata: tuple[str, ...]  # kinds, without debug locations and a call's single range
    callee: str = ""  # an intrinsic's base name ("llvm.umax"), or "@name"; empty if it is not known
    attributes: Attributes = Attributes()  # of a call's result, its !range included
    operand_attributes: tuple[Attributes, ...] = ()
    bundles: int = 0


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a function takes."""

    name: str  # empty if it has none
    type: Type
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Body:
    """A defined function; block 0 is its entry."""

    name: str
    signature: str  # types and calling convention
    parameters: tuple[Parameter, ...]
    returns: Type
    return_attributes: Attributes
    attributes: Attributes
    blocks: tuple[tuple[Instruction, ...], ...]

    @property
    def cyclic(self) -> bool:
        """Whether a path from the entry comes back to a block."""
        return self.order() is None

    def order(self) -> tuple[int, ...] | None:
        """The blocks that the entry reaches, each after all that lead to it; None if there is a cycle."""
        finished: list[int] = []
        begun: set[int] = {0}
        path = [(0, iter(self.blocks[0][-1].blocks))]
        while path:
            block, successors = path[-1]
            following = next(successors, None)
            if following is None:
                finished.append(block)
                path.pop()
            elif following not in begun:
                begun.add(following)
                path.append((following, iter(self.blocks[following][-1].blocks)))
            elif following not in finished:
                return None
        return tuple(reversed(finished))
