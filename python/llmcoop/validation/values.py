"""What validation says: plain values."""

from __future__ import annotations

from dataclasses import dataclass

from llmcoop.ir.refining import Answer


@dataclass(frozen=True, slots=True)
class CounterexampleArgument:
    """One argument for which the new function does what the old one would not."""

    name: str
    text: str  # in the words of the tool: `7`, `undef`, `<1, poison>`, `pointer(non-local, …)`
    lanes: tuple[int, ...] = ()  # unsigned bits of each lane; empty if there is poison, undef or a pointer in it


@dataclass(frozen=True, slots=True)
class CounterexampleArguments:
    """One argument for each parameter."""

    arguments: tuple[CounterexampleArgument, ...]

    @property
    def integers(self) -> tuple[int, ...] | None:
        """An unsigned integer for each parameter, to call both functions with; None if they are not all that."""
        if any(len(argument.lanes) != 1 for argument in self.arguments):
            return None
        return tuple(argument.lanes[0] for argument in self.arguments)

    def __str__(self) -> str:
        return ", ".join(f"{argument.name} = {argument.text}" for argument in self.arguments) or "no arguments"


@dataclass(frozen=True, slots=True)
class Validation:
    """Whether a new function refines an old one, and who says so."""

    answer: Answer
    tool: str  # "alive-tv" or "llmcoop"
    detail: str  # how it was proved, what happens for the counterexample, or why there is no answer
    seconds: float
    unroll: int | None = None  # how many iterations of each loop were looked at; None: there is no loop, or all
    counterexample: CounterexampleArguments | None = None  # comes with INCORRECT
