"""Evaluate candidates that a person or a model wrote: build, test and time each, try to break what is faster."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from llmcoop import measure
from llmcoop.errors import ProgramError
from llmcoop.evaluate import THRESHOLD, Evaluator
from llmcoop.examiner import Examiner
from llmcoop.functions.evidence import Finding
from llmcoop.history import IDENTITY, History
from llmcoop.lowering import Lowered, Lowering
from llmcoop.measure import Misrun, Plan
from llmcoop.statistics import Verdict
from llmcoop.values import (
    Acceptance,
    Candidate,
    Evaluation,
    Evidence,
    EvidenceKind,
    Invocation,
    Level,
    Measurement,
    Outcome,
)
from llmcoop.verdict import Ruling, decide

_TIMING_SHARE = 0.05  # of the budget, for one candidate
_MOST_TIMING_S = 15.0
_TESTS_SHARE = 0.2  # of the budget, for growing and measuring tests; once, for all candidates
_MOST_TESTS_S = 60.0
_PROOF_S = 5.0  # for proving that a function is equal to the one before

_OUTCOMES = {Ruling.ACCEPTED: Outcome.ACCEPTED, Ruling.WEAK: Outcome.WEAK, Ruling.REFUTED: Outcome.REFUTED}


@dataclass(frozen=True, slots=True)
class Known:
    """What a recorded run found out about a candidate."""

    examined: bool
    inputs: tuple[Invocation, ...]  # on which it was wrong


class Authored:
    """Evaluates such candidates of one program, at any level."""

    def __init__(
        self,
        evaluator: Evaluator,
        lowering: Lowering,
        examiner: Examiner,
        history: History,
        *,
        baseline: Lowered,
        accept: Acceptance,
        budget_s: float,
        announce: Callable[[str], None],
        prepare: Callable[[float], None],
        known: Callable[[Candidate], Known | None] = lambda _: None,
        examined: Callable[[Candidate, Evidence | None], None] = lambda _candidate, _evidence: None,
    ) -> None:
        """`prepare` makes up tests in so many seconds, once it is clear that they are needed.

        `known` is asked what a recorded run found out about a candidate; `examined` is told what this one does.
        """
        self._evaluator, self._lowering, self._examiner = evaluator, lowering, examiner
        self._history, self._baseline, self._accept = history, baseline, accept
        self._budget_s, self._announce = budget_s, announce
        self._prepare, self._known, self._examined_is = prepare, known, examined

    def evaluate(self, candidate: Candidate, attack_s: float) -> Evaluation:
        """What a candidate is worth; one that seems faster than its parent is attacked for `attack_s` seconds."""
        evaluation = self._evaluated(candidate, attack_s)
        self._evaluator.learn(evaluation)
        return evaluation

    def _evaluated(self, candidate: Candidate, attack_s: float) -> Evaluation:
        checked = self._evaluator.check_one(candidate)
        if checked.lowered is None:
            assert checked.evaluation is not None
            return checked.evaluation
        same = self._history.same_code(candidate, checked.lowered.sha256)
        if same is not None:
            return same
        measured = self._measured(candidate, checked.lowered)
        if isinstance(measured, Misrun):
            return self._evaluator.refuted(candidate, checked.lowered, measured)
        known = self._known(candidate)
        over_parent = measure.verdict(measured, THRESHOLD) is Verdict.FASTER
        over_baseline = self._over_baseline(candidate, measured)
        if not (known.examined if known else over_parent):
            self._examined_is(candidate, None)
            return self._not_faster(candidate, checked.lowered, over_baseline)
        return self._examined(candidate, checked.lowered, over_baseline, attack_s, known.inputs if known else ())

    # Timing

    def _measured(self, candidate: Candidate, lowered: Lowered) -> Measurement | Misrun:
        """Over the parent: what a candidate gains is often less than what two measurements would differ by."""
        parent = self._parent(candidate)
        against = self._baseline if parent is None else self._evaluator.lower(parent)
        plan = Plan(max_seconds=min(_MOST_TIMING_S, _TIMING_SHARE * self._budget_s), threshold=THRESHOLD)
        return self._evaluator.compare_on_workload(lowered, plan, against=against)

    def _parent(self, candidate: Candidate) -> Candidate | None:
        parent = next(iter(list(self._lowering.lineage(candidate))[1:]), IDENTITY)
        return None if parent is IDENTITY else parent

    def _over_baseline(self, candidate: Candidate, measured: Measurement) -> Measurement:
        parent = self._parent(candidate)
        return measured if parent is None else self._history.over_baseline(parent, measured)

    def _not_faster(self, candidate: Candidate, lowered: Lowered, measured: Measurement) -> Evaluation:
        evidence = self._evaluator.evidence(candidate, 1)
        return Evaluation(candidate, Outcome.NOT_FASTER, evidence, measured, executable_sha256=lowered.sha256)

    # Evidence: the dear part

    def _examined(
        self,
        candidate: Candidate,
        lowered: Lowered,
        measured: Measurement,
        seconds: float,
        first: Sequence[Invocation],
    ) -> Evaluation:
        if self._examiner.testing is None:
            self._prepare(min(_MOST_TESTS_S, _TESTS_SHARE * self._budget_s))
        started = time.monotonic()
        finding = self._finding(candidate)
        if finding is not None and finding.kind is EvidenceKind.REFUTED:
            evidence = Evidence(EvidenceKind.REFUTED)
            self._examined_is(candidate, evidence)
            return Evaluation(candidate, Outcome.REFUTED, evidence, None, finding.message, lowered.sha256)
        try:
            evidence = self._attacked(candidate, lowered, max(1.0, seconds - (time.monotonic() - started)), first)
        except ProgramError as error:
            return Evaluation(candidate, Outcome.DOES_NOT_COMPILE, message=error.message)
        self._examined_is(candidate, evidence)
        if evidence.kind is not EvidenceKind.REFUTED:
            evidence = self._together(candidate, evidence, finding)
        verdict = decide(evidence, self._accept, self._examiner.adequacy)
        kept = None if evidence.kind is EvidenceKind.REFUTED else measured
        return Evaluation(candidate, _OUTCOMES[verdict.ruling], evidence, kept, verdict.reason, lowered.sha256)

    def _finding(self, candidate: Candidate) -> Finding | None:
        """What speaks for or against a rewritten function of IR, beside the whole program."""
        if candidate.level is not Level.IR:
            return None
        return self._lowering.examine_function(candidate, self._accept, _PROOF_S)

    def _attacked(
        self, candidate: Candidate, lowered: Lowered, seconds: float, first: Sequence[Invocation]
    ) -> Evidence:
        if candidate.level is Level.SOURCE:
            texts = self._lowering.texts(candidate)
            return self._examiner.examine(texts, seconds, self._announce, first)
        with tempfile.TemporaryDirectory() as name:
            objects = self._lowering.objects(candidate, Path(name))
            return self._examiner.examine_objects(objects, lowered.executable, seconds, self._announce, first)

    def _together(self, candidate: Candidate, evidence: Evidence, finding: Finding | None) -> Evidence:
        """A proof of one function is as good as what the rest of the program is believed for."""
        proved = finding is not None and finding.kind is EvidenceKind.PROVED
        parents = list(self._lowering.lineage(candidate))[1:]
        if proved and not any(each.authored for each in parents):
            return replace(evidence, kind=EvidenceKind.PROVED)
        return evidence
