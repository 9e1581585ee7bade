"""Decide what a run does next: which candidate gets the next piece of the budget, at which level, or that it is enough.

The run describes where it stands as a `State`; a policy answers with one of the actions that are possible then.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from llmcoop.values import Level, Outcome

GAIN = math.log(1.01)  # a step that gains less than this gained nothing: estimates differ by as much


class ActionKind(StrEnum):
    """What a run can do next."""

    SOURCE = "source"  # a model rewrites the source of a candidate
    IR = "ir"  # a model rewrites its IR
    ASM = "asm"  # a model rewrites its assembly
    RECIPES = "recipes"  # one round of recipes over a source-level candidate: passes, parameters, code generation
    FUNCTIONS = "functions"  # further passes on single hot functions, inside opt
    TESTS = "tests"  # a model writes tests
    STOP = "stop"

    @property
    def asks_model(self) -> bool:
        """Whether it costs model calls."""
        return self in (ActionKind.SOURCE, ActionKind.IR, ActionKind.ASM, ActionKind.TESTS)


@dataclass(frozen=True, slots=True)
class Option:
    """Something that can be done."""

    kind: ActionKind
    parent: str = ""  # key of the candidate to go on from; empty for the program itself


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do, and why."""

    kind: ActionKind
    parent: str = ""  # as of the option that it takes
    reason: str = ""

    @staticmethod
    def of(option: Option, reason: str) -> Action:
        """The action that takes an option."""
        return Action(option.kind, option.parent, reason)


@dataclass(frozen=True, slots=True)
class Spent:
    """What something took, or would take."""

    seconds: float = 0.0
    calls: float = 0
    tokens: float = 0
    usd: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.seconds + other.seconds,
            self.calls + other.calls,
            self.tokens + other.tokens,
            self.usd + other.usd,
        )

    def __truediv__(self, parts: float) -> Spent:
        return Spent(self.seconds / parts, self.calls / parts, self.tokens / parts, self.usd / parts)


@dataclass(frozen=True, slots=True)
class Step:
    """An action that was taken, and what came of it."""

    action: Action
    gain: float  # natural logarithm of the best speedup after / before
    spent: Spent
    note: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """A candidate that can be expanded or tells something."""

    key: str
    parent: str
    level: Level
    origin: str
    outcome: Outcome
    log_speedup: float | None  # natural logarithm, over the baseline; None if it was not timed
    message: str = ""


@dataclass(frozen=True, slots=True)
class Remaining:
    """What is left of the budget; None is no limit of that kind."""

    seconds: float  # what confirming the winner needs is already taken off
    candidates: int | None = None
    calls: int | None = None
    tokens: int | None = None
    usd: float | None = None

    def share(self, cost: Spent) -> float:
        """The largest part of anything that is left that `cost` takes; over 1 where it does not suffice."""
        parts = (
            (cost.seconds, self.seconds),
            (cost.calls, self.calls),
            (cost.tokens, self.tokens),
            (cost.usd, self.usd),
        )
        return max(_part(amount, left) for amount, left in parts if left is not None)

    def before(self, spent: Spent) -> Remaining:
        """What was left before `spent` was spent."""
        return Remaining(
            self.seconds + spent.seconds,
            self.candidates,
            None if self.calls is None else self.calls + round(spent.calls),
            None if self.tokens is None else self.tokens + round(spent.tokens),
            None if self.usd is None else self.usd + spent.usd,
        )


@dataclass(frozen=True, slots=True)
class State:
    """All that a policy may base its decision on."""

    remaining: Remaining
    round_s: float  # what a round of recipes takes at least
    call_s: float  # what a call of a model takes, what comes of it included: the mean so far, or an estimate
    nodes: tuple[Node, ...] = ()
    steps: tuple[Step, ...] = ()  # from the first
    options: tuple[Option, ...] = ()  # what is possible now, to stop left out; what is exhausted is not among them

    @property
    def best(self) -> float:
        """Natural logarithm of the best speedup so far, 0 for the program itself."""
        return max(
            (node.log_speedup for node in self.nodes if node.outcome is Outcome.ACCEPTED and node.log_speedup),
            default=0.0,
        )

    @property
    def affordable(self) -> tuple[Option, ...]:
        """The options for whose beginning the budget suffices."""
        if self.remaining.candidates is not None and self.remaining.candidates <= 0:
            return ()
        kinds = {option.kind for option in self.options}
        paid = {kind for kind in kinds if self.remaining.share(self._beginning(kind)) <= 1}
        return tuple(option for option in self.options if option.kind in paid)

    def fastest(self, kind: ActionKind) -> Option | None:
        """The affordable option of a kind whose candidate is the fastest."""
        options = [option for option in self.affordable if option.kind is kind]
        return max(options, key=lambda option: self.log_speedup(option.parent), default=None)

    def log_speedup(self, key: str) -> float:
        """Of a candidate; 0 for the program itself, and for what was not timed."""
        return next((node.log_speedup or 0.0 for node in self.nodes if node.key == key), 0.0)

    def taken(self, kind: ActionKind, parent: str | None = None) -> list[Step]:
        """The steps of a kind so far, of all parents or of one."""
        return [
            step for step in self.steps if step.action.kind is kind and (parent is None or step.action.parent == parent)
        ]

    def cost(self, kind: ActionKind) -> Spent:
        """What an action of a kind will take: the mean so far, or an estimate."""
        taken = self.taken(kind)
        return total(taken) / len(taken) if taken else self._beginning(kind)

    def _beginning(self, kind: ActionKind) -> Spent:
        """What an action takes at least: a round, or one call of a model and what comes of it."""
        if not kind.asks_model:
            return Spent(seconds=self.round_s)
        spent = total(self.steps)
        call = spent / spent.calls if spent.calls else Spent()
        return Spent(self.call_s, 1, call.tokens, call.usd)


class Policy(Protocol):
    """Decides. A policy without a model depends on nothing but the state: a killed run goes on as it would have."""

    def next(self, state: State) -> Action:
        """One of the affordable options, with a reason, or STOP."""
        ...


def total(steps: Iterable[Step]) -> Spent:
    """What steps took together."""
    return sum((step.spent for step in steps), Spent())


def quiet(steps: Iterable[Step]) -> int:
    """How many steps at the end gained nothing."""
    count = 0
    for step in steps:
        count = 0 if step.gain >= GAIN else count + 1
    return count


def _part(amount: float, whole: float) -> float:
    if amount <= 0:
        return 0.0
    return amount / whole if whole > 0 else math.inf
