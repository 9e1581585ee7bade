"""What an agent is told before it writes C."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from llmcoop.facts import Facts
from llmcoop.values import Candidate, Evaluation, Invocation, Program


@dataclass(frozen=True, slots=True)
class SourceBrief:
    """One version of the program, for which faster ones are wanted."""

    parent: Candidate | None  # None: the program as the user has it
    program: Program
    texts: Mapping[str, str]  # the whole text of each source file at the parent, by file name
    facts: Facts  # of the parent
    workload: Invocation
    baseline_s: float  # what the workload takes the program as the user builds it
    parent_speedup: float  # of the parent over that
    tried: tuple[Evaluation, ...]  # earlier candidates at source level, whatever they were made from
    rounds: int
    samples: int  # proposals a round
    headers: Mapping[str, str] = field(default_factory=dict)  # the program's own, by name; they can't be changed
    facts_of: Callable[[Candidate], Facts | None] = lambda _: None  # of what is made of the parent
