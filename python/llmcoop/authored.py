"""Evaluate candidates that a person or a model wrote: build, test and time each, try to break what is faster."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from llmcoop import measure
from llmcoop.errors import ProgramError
from llmcoop.evaluate import THRESHOLD, Evaluator
from llmcoop.examiner import Examiner
from llmcoop.functions.evidence import Finding, examined
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
_PROOF_AGAIN_S = 60.0  # the same where it is known that there is a proof
_ATTACK_AGAIN_S = 2.0  # for attacking what was attacked before: nothing but our trust in the recording depends on it

_OUTCOMES = {Ruling.ACCEPTED: Outcome.ACCEPTED, Ruling.WEAK: Outcome.WEAK, Ruling.REFUTED: Outcome.REFUTED}


@dataclass(frozen=True, slots=True)
class Known:
    """What a recorded run found out about a candidate."""

    outcome: Outcome
    evidence: Evidence | None
    speedup: float | None  # over the baseline

    @property
    def inputs(self) -> tuple[Invocation, ...]:
        """On which it was wrong."""
        failure = self.evidence.counterexample if self.evidence else None
        return (failure.case.invocation,) if failure else ()

    @property
    def proof_s(self) -> float:
        """How long to look for what is known of a function by itself; nothing if nothing was found."""
        if self.evidence is None or self.evidence.kind is EvidenceKind.TESTED or self.inputs:
            return 0.0
        return _PROOF_AGAIN_S


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
        known: Callable[[Candidate], Known | None] | None = None,
    ) -> None:
        """`prepare` makes up tests in so many seconds, once it is clear that they are needed.

        `known` says what the recorded run that this one follows found out about a candidate.
        """
        self._evaluator, self._lowering, self._examiner = evaluator, lowering, examiner
        self._history, self._baseline, self._accept = history, baseline, accept
        self._budget_s, self._announce = budget_s, announce
        self._prepare, self._recorded = prepare, known

    def evaluate(self, candidate: Candidate, attack_s: float) -> Evaluation:
        """What a candidate is worth; one that seems faster than its parent is attacked for `attack_s` seconds."""
        evaluation = self._evaluated(candidate, attack_s)
        self._evaluator.learn(evaluation)
        return evaluation

    def beyond_recording(self, candidate: Candidate) -> bool:
        """Whether this run follows a recorded one that was over before it came to this candidate."""
        return self._recorded is not None and self._recorded(candidate) is None

    def told(self, evaluation: Evaluation) -> Evaluation:
        """What the author of a candidate hears: the speedup of the recorded run, for that led to the next proposals."""
        known = self._known(evaluation.candidate)
        if known is None or known.speedup is None or evaluation.measurement is None:
            return evaluation
        return replace(evaluation, measurement=replace(evaluation.measurement, speedup=known.speedup))

    def _known(self, candidate: Candidate) -> Known | None:
        return self._recorded(candidate) if self._recorded else None

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
        over_baseline = self._over_baseline(candidate, measured)
        slow = measure.verdict(measured, THRESHOLD) is not Verdict.FASTER
        if known.outcome is Outcome.NOT_FASTER if known else slow:
            return self._not_faster(candidate, checked.lowered, over_baseline)
        return self._examined(candidate, checked.lowered, over_baseline, attack_s, known)

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
        known: Known | None,
    ) -> Evaluation:
        if self._examiner.testing is None:
            self._prepare(min(_MOST_TESTS_S, _TESTS_SHARE * self._budget_s))
        started = time.monotonic()
        finding = self._finding(candidate, known.proof_s if known else _PROOF_S)
        if finding is not None and finding.kind is EvidenceKind.REFUTED:
            evidence = Evidence(EvidenceKind.REFUTED)
            return Evaluation(candidate, Outcome.REFUTED, evidence, None, finding.message, lowered.sha256)
        left_s = _ATTACK_AGAIN_S if known else max(1.0, seconds - (time.monotonic() - started))
        try:
            evidence = self._attacked(candidate, lowered, left_s, known.inputs if known else ())
        except ProgramError as error:
            return Evaluation(candidate, Outcome.DOES_NOT_COMPILE, message=error.message)
        evidence = self._together(candidate, evidence, finding)
        if known and known.evidence:
            evidence = self._as_recorded(evidence, known.evidence)
        verdict = decide(evidence, self._accept, self._examiner.adequacy)
        kept = None if evidence.kind is EvidenceKind.REFUTED else measured
        return Evaluation(candidate, _OUTCOMES[verdict.ruling], evidence, kept, verdict.reason, lowered.sha256)

    def _as_recorded(self, found: Evidence, recorded: Evidence) -> Evidence:
        """What a long attack showed is more than a short one shows; but what is refuted here is refuted."""
        if recorded.kind is not EvidenceKind.REFUTED:
            return found if found.kind is EvidenceKind.REFUTED else replace(recorded, kind=found.kind)
        if found.kind is not EvidenceKind.REFUTED:
            self._announce("the recorded counterexample does not show here; it counts nevertheless")
        return recorded

    def _finding(self, candidate: Candidate, seconds: float) -> Finding | None:
        """What speaks for or against a function that was rewritten in IR, beside running the whole program."""
        if candidate.level is not Level.IR or not seconds:
            return None
        _, parent = itertools.islice(self._lowering.lineage(candidate), 2)
        (before,), worker = self._lowering.optimized(parent), self._lowering.worker
        [function] = [each.name for each in worker.functions(candidate.text) if each.defined]
        after = worker.replace(before, candidate.text)
        return examined(worker, worker.text(before), worker.text(after), function, accept=self._accept, seconds=seconds)

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
        if evidence.kind is EvidenceKind.REFUTED:
            return evidence
        proved = finding is not None and finding.kind is EvidenceKind.PROVED
        parents = list(self._lowering.lineage(candidate))[1:]
        if proved and not any(each.authored for each in parents):
            return replace(evidence, kind=EvidenceKind.PROVED)
        return evidence
