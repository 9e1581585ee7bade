"""Inputs that somebody writes who reads the program: a model, or a person. They are judged as any others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from llmcoop.values import Invocation


@dataclass(frozen=True, slots=True)
class Inputs:
    """What was written."""

    cases: tuple[Invocation, ...] = ()  # on which a wrong rewrite may fail
    workloads: tuple[Invocation, ...] = ()  # like the timed run, but of other sizes and seeds
    dropped: int = 0  # further ones that no input can be made of


class InputWriter(Protocol):
    """Writes inputs for one program. Every method may raise ModelError."""

    def for_program(self, missed: Sequence[str]) -> Inputs:
        """Inputs on which a plausible wrong rewrite would fail.

        `missed` names functions in which known tests do not notice deliberate mistakes, as in `Adequacy`.
        """
        ...

    def for_change(self, diff: str) -> Inputs:
        """Inputs on which a rewrite would fail if it were wrong; `diff` is what it changes in the sources."""
        ...
