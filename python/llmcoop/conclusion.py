"""Conclude a run: what was found and confirmed, as the `Run` that is reported."""

from __future__ import annotations

import contextlib
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import llmcoop
from llmcoop import export
from llmcoop.evaluate import Confirmed
from llmcoop.prepare import Prepared
from llmcoop.report import (
    Check,
    Environment,
    KeptRewrites,
    LevelGain,
    LevelSpending,
    ModelUse,
    OutcomeCount,
    Run,
    RunOutcome,
    Testing,
    TimedFile,
    Winner,
)
from llmcoop.spec import Spec
from llmcoop.values import Evaluation, Outcome


@dataclass(frozen=True, slots=True)
class Findings:
    """What a run found out: every candidate, and those that were measured again from scratch."""

    evaluations: Sequence[Evaluation]
    confirmed: Sequence[Confirmed]
    checks: Sequence[Check]
    interrupted: bool
    tests: Testing | None
    gains: tuple[LevelGain, ...]  # of the winner, by level
    rewrites: KeptRewrites | None  # of the winner, for builds
    model: ModelUse | None
    spending: tuple[LevelSpending, ...]
    elapsed_s: float

    @property
    def winner(self) -> Confirmed | None:
        """The candidate that proved to be faster, if one did."""
        accepted = (each for each in self.confirmed if each.evaluation.outcome is Outcome.ACCEPTED)
        return next(accepted, None)

    @property
    def outcome(self) -> RunOutcome:
        """How the run ended."""
        if self.winner:
            return RunOutcome.IMPROVED
        return RunOutcome.INTERRUPTED if self.interrupted else RunOutcome.NOTHING_FASTER


def conclude(findings: Findings, spec: Spec, program: Prepared, out: Path, files: Sequence[str]) -> Run:
    """The result of a run whose `files` are written to `out`."""
    counts = Counter(evaluation.outcome for evaluation in findings.evaluations)
    winner = findings.winner
    return Run(
        outcome=findings.outcome,
        reason=reason(findings),
        spec_key=spec.key,
        program=spec.program,
        out=out,
        required_speedup=spec.require_speedup,
        elapsed_s=findings.elapsed_s,
        winner=_winner(winner) if winner else None,
        gain_by_level=findings.gains,
        rewrites=findings.rewrites,
        candidates=tuple(OutcomeCount(each, counts[each]) for each in Outcome),
        tests=findings.tests,
        model=findings.model,
        spending=findings.spending,
        checks=tuple(findings.checks),
        environment=Environment(
            llmcoop=llmcoop.__version__,
            llvm=program.toolchain.version,
            cpu=_cpu_model(),
            kernel=platform.release(),
            sandbox=program.sandbox.description,
        ),
        timed=(
            TimedFile("baseline", export.sha256(program.baseline)),
            TimedFile("best", export.sha256(out / "best")),
        ),
        files=tuple(files),
    )


def _winner(confirmed: Confirmed) -> Winner:
    evaluation = confirmed.evaluation
    assert evaluation.measurement is not None
    assert evaluation.evidence is not None
    return Winner(
        candidate=evaluation.candidate,
        measurement=evaluation.measurement,
        variants=confirmed.variants,
        evidence=evaluation.evidence.kind,
        cases_passed=evaluation.evidence.cases_passed,
        cases_hidden=evaluation.evidence.cases_hidden,
        inputs_compared=evaluation.evidence.inputs_compared,
        sanitizers=evaluation.evidence.sanitizers,
    )


def reason(findings: Findings) -> str:
    """One sentence for the user."""
    if findings.winner and findings.winner.evaluation.measurement:
        return f"{findings.winner.evaluation.measurement.speedup:.3f}x faster than the baseline"
    found = "interrupted; nothing faster found so far" if findings.interrupted else "nothing faster found"
    if not findings.evaluations:
        return f"{found}: no candidate was tried, {_idle(findings.model)}"
    if not findings.confirmed:
        return f"{found}: none of {len(findings.evaluations)} candidates seemed faster than the baseline"
    failures = "; ".join(_failure(each.evaluation) for each in findings.confirmed)
    return f"{found}: candidates that seemed faster were measured again from scratch, and none held: {failures}"


def _idle(model: ModelUse | None) -> str:
    """Why there was no candidate at all."""
    if model and model.ended:
        return f"and the model was asked no more: {model.ended}"
    return "the model proposed none" if model and model.calls else "the budget went into preparation"


def _failure(evaluation: Evaluation) -> str:
    """Why a candidate that led the search is not the winner."""
    if evaluation.message:
        return evaluation.message
    if evaluation.evidence is not None and evaluation.evidence.counterexample is not None:
        case = evaluation.evidence.counterexample
        return f"wrong on a {case.case.origin} input ({case.status})"
    assert evaluation.measurement is not None
    measured = evaluation.measurement
    return f"{measured.speedup:.3f}x [{measured.low:.3f}, {measured.high:.3f}]"


def _cpu_model() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()
