"""What makes candidates: one interface for deterministic search and for model-driven agents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from llmcoop.values import Candidate, Outcome


@dataclass(frozen=True, slots=True)
class Trial:
    """What a proposer may know of an evaluated candidate."""

    candidate: Candidate
    outcome: Outcome
    log_speedup: float | None  # natural logarithm of baseline / candidate; None when it was not timed


class Proposer(Protocol):
    """Makes candidates from what was tried so far.

    A proposer keeps nothing between calls: the same trials give the same candidates, so that an interrupted
    run can be replayed from the store.
    """

    def propose(self, trials: Sequence[Trial], count: int) -> list[Candidate]:
        """At most `count` new candidates, the most promising first; empty when nothing more is likely to gain."""
        ...
