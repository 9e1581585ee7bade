"""Candidates that somebody wrote: build, test and time each, and try to break those that are faster."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from llmcoop import clang, measure
from llmcoop.errors import ProgramError
from llmcoop.evaluate import THRESHOLD, Evaluator
from llmcoop.examiner import Examiner
from llmcoop.history import History
from llmcoop.lowering import Lowered
from llmcoop.measure import Misrun, Plan
from llmcoop.report import Check, CheckStatus
from llmcoop.spec import Spec
from llmcoop.statistics import Verdict
from llmcoop.values import Candidate, Evaluation, EvidenceKind, Level, Measurement, Outcome, Program
from llmcoop.verdict import Ruling, decide

_TIMING_SHARE = 0.05  # of the budget, for one rewrite
_TESTS_SHARE = 0.2  # of the budget, for growing and measuring tests; once, for all rewrites
_ATTACKS_SHARE = 0.3  # of the budget, for all attacks together

_OUTCOMES = {Ruling.ACCEPTED: Outcome.ACCEPTED, Ruling.WEAK: Outcome.WEAK, Ruling.REFUTED: Outcome.REFUTED}


class Rewrites:
    """The rewrites that a user names, each a candidate at source level."""

    def __init__(
        self,
        spec: Spec,
        candidates: Sequence[Candidate],
        evaluator: Evaluator,
        examiner: Examiner,
        history: History,
        *,
        baseline: Lowered,
        keep: Callable[[Evaluation, float], None],
        announce: Callable[[str], None],
    ) -> None:
        self._spec, self._candidates, self._history = spec, candidates, history
        self._evaluator, self._examiner = evaluator, examiner
        self._baseline, self._keep = baseline, keep
        self._announce = announce
        self._evaluations: list[Evaluation] = []

    def best(self) -> Candidate | None:
        """Evaluate every rewrite; gives the fastest of those that are accepted, if there is one."""
        self._evaluations = [self._known_or_evaluated(rewrite) for rewrite in self._candidates]
        accepted = [each for each in self._evaluations if each.outcome is Outcome.ACCEPTED and each.measurement]
        for each in accepted:
            assert each.evidence is not None
            self._evaluator.believe(each.candidate, each.evidence)
        if not accepted:
            return None
        return max(accepted, key=lambda each: each.measurement.speedup if each.measurement else 0.0).candidate

    def checks(self) -> Iterator[Check]:
        """What came of each rewrite, for the report."""
        for each in self._evaluations:
            accepted = each.outcome is Outcome.ACCEPTED
            status = CheckStatus.PASSED if accepted else CheckStatus.WARNING
            yield Check(each.candidate.origin, status, f"{each.outcome}: {self._reason(each)}")

    def _reason(self, evaluation: Evaluation) -> str:
        if evaluation.outcome is Outcome.NOT_FASTER and evaluation.measurement:
            measured = evaluation.measurement
            return f"{measured.speedup:.3f}x [{measured.low:.3f}, {measured.high:.3f}]"
        if evaluation.message or evaluation.evidence is None:
            return evaluation.message
        return decide(evaluation.evidence, self._spec.accept).reason

    def _known_or_evaluated(self, rewrite: Candidate) -> Evaluation:
        known = self._history.find(rewrite)
        if known is not None:
            return known
        started = time.monotonic()
        self._announce(f"{rewrite.origin}: building, testing and timing it")
        evaluation = self._evaluated(rewrite)
        self._announce(f"{rewrite.origin}: {evaluation.outcome}: {self._reason(evaluation)}")
        self._keep(evaluation, time.monotonic() - started)
        self._history.add(evaluation)
        return evaluation

    def _evaluated(self, rewrite: Candidate) -> Evaluation:
        checked = self._evaluator.check_one(rewrite)
        if checked.lowered is None:
            assert checked.evaluation is not None
            return checked.evaluation
        plan = Plan(max_seconds=_TIMING_SHARE * self._spec.budget.seconds, threshold=THRESHOLD)
        measured = self._evaluator.compare_on_workload(checked.lowered, plan, against=self._baseline)
        if isinstance(measured, Misrun):
            return self._evaluator.refuted(rewrite, checked.lowered, measured)
        if measure.verdict(measured, THRESHOLD) is not Verdict.FASTER:
            evidence = self._evaluator.evidence(rewrite, 1)
            return Evaluation(rewrite, Outcome.NOT_FASTER, evidence, measured, executable_sha256=checked.lowered.sha256)
        return self._examined(rewrite, checked.lowered, measured)

    def _examined(self, rewrite: Candidate, lowered: Lowered, measured: Measurement) -> Evaluation:
        """A rewrite that is faster and passes the given tests: the dear part."""
        budget_s = self._spec.budget.seconds
        if self._examiner.testing is None:
            self._examiner.prepare(_TESTS_SHARE * budget_s, self._announce)
        seconds = _ATTACKS_SHARE * budget_s / len(self._candidates)
        try:
            evidence = self._examiner.examine(rewrite, seconds, self._announce)
        except ProgramError as error:
            return Evaluation(rewrite, Outcome.DOES_NOT_COMPILE, message=error.message)
        verdict = decide(evidence, self._spec.accept, self._examiner.adequacy)
        kept = None if evidence.kind is EvidenceKind.REFUTED else measured
        outcome = _OUTCOMES[verdict.ruling]
        return Evaluation(rewrite, outcome, evidence, kept, verdict.reason, lowered.sha256)


def as_candidate(program: Program, rewrite: Path) -> Candidate:
    """The candidate in which the text of the file `rewrite` replaces the source of that name, or the only one.

    Raises UsageError when it fits none.
    """
    text = rewrite.read_text(errors="surrogateescape")
    name = clang.replaced_source(program, rewrite.name)
    return Candidate(Level.SOURCE, f"rewrite {rewrite.name}", text=text, source=name, authored=True)
