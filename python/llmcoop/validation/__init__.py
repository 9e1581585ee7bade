"""Translation validation: a proof that a rewritten function does only what the old one allows, or a counterexample."""

from __future__ import annotations

from llmcoop.ir.refining import Answer
from llmcoop.validation.validator import validate
from llmcoop.validation.values import CounterexampleArgument, CounterexampleArguments, Validation

__all__ = ["Answer", "CounterexampleArgument", "CounterexampleArguments", "Validation", "validate"]
