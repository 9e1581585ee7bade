"""Decide whether a rewritten function is better than the compiler's: by cost model, or by asking a run."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol

from llmcoop.connection import Connection
from llmcoop.ir import CompilerFailed, IRError
from llmcoop.ir.worker import Worker

MARGIN = 0.03  # a cost model that promises less than this promises nothing
PRICE_OF_SIZE = 0.10  # how much more it must promise for each time that the code gets longer by its length


@dataclass(frozen=True, slots=True)
class Function:
    """A function that may be rewritten; `ir` is a module in which only this function is defined."""

    name: str
    ir: str
    instructions: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """Another version of a function. `pipeline` says in a few words where it comes from."""

    pipeline: str
    ir: str
    cost: float | None = None  # by LLVM's cost model, if it is known already
    believable: float = math.inf  # largest speedup that can be believed when it is only estimated
    authored: bool = True  # by a person or a model; otherwise it comes from LLVM's own passes alone


@dataclass(frozen=True, slots=True)
class Verdict:
    """`speedup` is over the function as the compiler has it; None when it was not measured."""

    accepted: bool
    speedup: float | None
    message: str
    cost: float | None = None  # by LLVM's cost model, when that is what judged


class Judge(Protocol):
    """Says which proposals are worth having; a later accepted one is better than an earlier one."""

    @property
    def budget_s(self) -> float:
        """Seconds that the search may take."""
        ...

    def wants(self, function: str) -> bool:
        """Whether it is worth proposing anything for `function`."""
        ...

    def verdict(self, function: Function, proposal: Proposal) -> Verdict | None:
        """None when the budget is spent: propose nothing more."""
        ...

    def keep(self, function: str, verdict: Verdict) -> None:
        """The proposal of that verdict is the best version of `function` from now on."""
        ...


@dataclass(slots=True)
class CostModelJudge:
    """Accepts what LLVM's cost model thinks cheaper, weighted by how often blocks run.

    It must be 3% better, 13% if its code is twice as long, 23% if it is three times as long, and so on.
    """

    worker: Worker
    budget_s: float
    _original: dict[str, float] = field(default_factory=dict)
    _best: dict[str, float] = field(default_factory=dict)

    def wants(self, function: str) -> bool:
        """Every function can be estimated."""
        return True

    def verdict(self, function: Function, proposal: Proposal) -> Verdict:
        """Compare with the cheapest version so far."""
        if function.name not in self._original:
            self._original[function.name] = self.worker.cost(function.ir).total
        before = self._original[function.name]
        try:
            cost = self.worker.cost(proposal.ir).total if proposal.cost is None else proposal.cost
        except (CompilerFailed, IRError) as failure:
            return Verdict(False, None, failure.message)
        message = f"cost {before:.1f} -> {cost:.1f}"
        if before > cost * proposal.believable:
            return Verdict(False, None, f"{message}: too good to be true")
        growth = max(0.0, proposal.ir.count("\n") / function.ir.count("\n") - 1)
        needed = before / (1 + MARGIN + PRICE_OF_SIZE * growth)
        accepted = cost < min(needed, self._best.get(function.name, needed))
        return Verdict(accepted, before / cost if cost > 0 else None, message, cost)

    def keep(self, function: str, verdict: Verdict) -> None:
        """Later versions must be cheaper than this one."""
        assert verdict.cost is not None, "an accepted version has a cost"
        self._best[function] = verdict.cost


class RunJudge:
    """Asks the run, which builds, tests and measures."""

    def __init__(self, run: Connection) -> None:
        """The run says what it wants in its opening message."""
        self._run = run
        self._functions = frozenset(run.opening["functions"])
        self.budget_s = float(run.opening["budget_s"])

    def wants(self, function: str) -> bool:
        """Only functions that are hot in the run's profile."""
        return function in self._functions

    def verdict(self, function: Function, proposal: Proposal) -> Verdict | None:
        """Wait for as long as the run takes to build, test and measure."""
        answer = self._run.request(
            {
                "function": function.name,
                "pipeline": proposal.pipeline,
                "ir": proposal.ir,
                "authored": proposal.authored,
            }
        )
        if answer.get("stop"):
            return None
        return Verdict(answer["accepted"], answer["speedup"], answer["message"])

    def keep(self, function: str, verdict: Verdict) -> None:
        """The run knows what it accepted."""
