"""Checks of the harness itself, for the report of a run."""

from __future__ import annotations

from collections.abc import Iterator

from llmcoop.evaluate import THRESHOLD, Evaluator
from llmcoop.lowering import Lowered
from llmcoop.measure import Misrun, Plan, verdict
from llmcoop.prepare import Prepared
from llmcoop.report import Check, CheckStatus
from llmcoop.statistics import Verdict

_SHORT_NS = 5_000_000  # a workload that takes less is mostly process start


def identity(program: Prepared, evaluator: Evaluator, seconds: float) -> Check:
    """The program through our own lowering, unchanged, must time like the user's own build."""
    name = "identity"
    if program.same_code:
        return Check(name, CheckStatus.PASSED, "our lowering gives the machine code of the user's own build")
    plan = Plan(max_seconds=seconds, threshold=THRESHOLD)
    baseline = Lowered(program.baseline, "")
    measured = evaluator.compare_on_workload(program.identity, plan, against=baseline)
    if isinstance(measured, Misrun):
        return Check(name, CheckStatus.FAILED, f"our lowering breaks the program: {measured.status}")
    shown = f"{measured.speedup:.3f}x [{measured.low:.3f}, {measured.high:.3f}] of the user's own build"
    if verdict(measured, THRESHOLD) in (Verdict.FASTER, Verdict.SLOWER):
        return Check(name, CheckStatus.FAILED, f"our lowering alone makes a difference: {shown}")
    return Check(name, CheckStatus.PASSED, f"no difference between our lowering and the user's own build: {shown}")


def inputs(program: Prepared) -> Iterator[Check]:
    """What is to be known about workload, variants and tests."""
    examined = program.reference
    for warning in examined.warnings:
        yield Check("reference", CheckStatus.WARNING, warning)
    for discarded in examined.discarded:
        args = " ".join(discarded.invocation.args)
        left_out = f"{discarded.origin} input ({args}) left out: {discarded.reason}"
        yield Check("reference", CheckStatus.WARNING, left_out)
    if examined.baseline_ns < _SHORT_NS:
        taken = f"too short: it takes {examined.baseline_ns / 1e6:.1f} ms, mostly process start"
        yield Check("workload", CheckStatus.WARNING, f"{taken}; choose a larger one")
    if not examined.variants:
        absent = "the workload has no variants: gains on it may not carry over"
        yield Check("variants", CheckStatus.SKIPPED, absent)
