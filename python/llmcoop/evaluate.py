"""Decide what a candidate is worth: lower it, test it, time it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from llmcoop import measure
from llmcoop.errors import ProgramError
from llmcoop.ir import CompilerFailed, IRError
from llmcoop.lowering import Lowered, Lowering
from llmcoop.measure import Misrun, Plan, Sample, ScreenPlan, Timing
from llmcoop.reference import Reference
from llmcoop.runner import Runner, RunnerDied
from llmcoop.statistics import Verdict
from llmcoop.values import (
    Candidate,
    Counterexample,
    Evaluation,
    Evidence,
    EvidenceKind,
    Measurement,
    Outcome,
    TestCase,
)

THRESHOLD = 0.01  # a speedup of less than this is none
_HOPELESS = 3.0  # a timed run is stopped when it takes this many times the baseline's time
_LEAST_LIMIT_S = 1.0
_VARIANT_SHARE = 0.4  # of the time for confirming a winner, what its variants get together

T = TypeVar("T")
OpenRunner = Callable[[Sequence[Path]], Runner]


@dataclass(frozen=True, slots=True)
class Checked:
    """A candidate that was lowered and tested: an executable to time, or the evaluation that ended it."""

    candidate: Candidate
    lowered: Lowered | None
    evaluation: Evaluation | None


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A winner, measured again from scratch, on the workload and on the variants that no proposer saw."""

    evaluation: Evaluation
    variants: tuple[Measurement, ...]


class Evaluator:
    """Judges candidates of one program against its reference and its baseline."""

    def __init__(
        self,
        lowering: Lowering,
        reference: Reference,
        baseline: Path,
        open_runner: OpenRunner,
        limit_s: float,
    ) -> None:
        self._lowering = lowering
        self._reference = reference
        self._baseline = baseline
        self._open_runner = open_runner
        self._limit_s = limit_s
        self._believed: dict[str, Evidence] = {}

    def believe(self, candidate: Candidate, evidence: Evidence) -> None:
        """Note what speaks for a candidate that somebody wrote; it speaks for all that is made from it, too."""
        self._believed[candidate.key] = evidence

    def learn(self, evaluation: Evaluation) -> None:
        """Believe an accepted candidate that somebody wrote, for what its evaluation says."""
        if evaluation.outcome is Outcome.ACCEPTED and evaluation.candidate.authored and evaluation.evidence:
            self.believe(evaluation.candidate, evaluation.evidence)

    def add(self, variants: Sequence[TestCase]) -> None:
        """Test and measure winners on further variants of the workload."""
        self._reference = replace(self._reference, cases=(*self._reference.cases, *variants))

    def evidence(self, candidate: Candidate, cases_passed: int = 0, cases_hidden: int = 0) -> Evidence:
        """Why a candidate would be believed that passes so many test cases now."""
        known = (self._believed.get(each.key) for each in self._lowering.lineage(candidate) if each.authored)
        weakest = next((evidence for evidence in known if evidence is not None), None)
        if weakest is None:
            authored = self._lowering.authored(candidate)
            kind = EvidenceKind.TESTED if authored else EvidenceKind.BY_CONSTRUCTION
            return Evidence(kind, cases_passed, cases_hidden)
        return replace(
            weakest,
            cases_passed=weakest.cases_passed + cases_passed,
            cases_hidden=weakest.cases_hidden + cases_hidden,
        )

    def check(self, candidates: Sequence[Candidate], pool: ThreadPoolExecutor) -> Iterator[Checked]:
        """Lower and test, several at a time; the answers come in the order of the candidates."""
        return pool.map(self.check_one, candidates)

    def check_one(self, candidate: Candidate) -> Checked:
        """Lower one candidate and run every test case that is not a variant of the workload."""
        try:
            lowered = self._lowering.lower(candidate)
        except CompilerFailed as error:
            return _ended(candidate, Outcome.COMPILER_FAILED, str(error))
        except (IRError, ProgramError) as error:
            return _ended(candidate, Outcome.DOES_NOT_COMPILE, error.message)
        cases = [case for case in self._reference.cases if case.origin != "variant"]
        failure = self.test(lowered, cases)
        if failure is not None:
            return Checked(candidate, None, _refutation(candidate, lowered, failure))
        return Checked(candidate, lowered, None)

    def test(self, lowered: Lowered, cases: Sequence[TestCase]) -> Counterexample | None:
        """Run test cases until one fails; gives that one."""
        return _once_more(lambda: self._test(lowered, cases))

    def _test(self, lowered: Lowered, cases: Sequence[TestCase]) -> Counterexample | None:
        if not cases:
            return None
        with self._open_runner([lowered.executable]) as runner:
            for case in cases:
                result = runner.run(0, case.invocation, timeout_s=self._limit_s)
                if not result.passes(case):
                    return Counterexample(case, result.stdout, result.status)
        return None

    def screen(self, entrants: Sequence[Lowered], plan: ScreenPlan) -> list[measure.Screened]:
        """Race executables on the workload; the results come in the order of `entrants`."""
        return _once_more(lambda: self._screen(entrants, plan))

    def _screen(self, entrants: Sequence[Lowered], plan: ScreenPlan) -> list[measure.Screened]:
        limit_s = max(_LEAST_LIMIT_S, _HOPELESS * self._reference.baseline_ns / 1e9)
        with self._open_runner([self._baseline, *(entrant.executable for entrant in entrants)]) as runner:
            workload = self._reference.workload
            baseline = measure.checked_sample(runner, 0, workload, timeout_s=self._limit_s)
            samples = [_bounded_sample(runner, number, workload, limit_s) for number in range(1, len(entrants) + 1)]
            return sorted(measure.screen(baseline, samples, plan), key=lambda screened: screened.candidate)

    def lower(self, candidate: Candidate) -> Lowered:
        """The candidate's executable, untested."""
        return self._lowering.lower(candidate)

    def refuted(self, candidate: Candidate, lowered: Lowered, misrun: Misrun) -> Evaluation:
        """The evaluation of a candidate that went wrong on the workload."""
        return _refuted(candidate, lowered, self._reference.workload, misrun)

    def compare_on_workload(self, lowered: Lowered, plan: Plan, *, against: Lowered) -> Measurement | Misrun:
        """Measure one executable against another on the workload, from scratch."""
        return self._compare(against.executable, lowered.executable, self._reference.workload, plan)

    def _compare(self, baseline: Path, entrant: Path, case: TestCase, plan: Plan) -> Measurement | Misrun:
        return _once_more(lambda: measure.confirm(lambda: self._fresh_samples(baseline, entrant, case), plan))

    def confirm(self, candidate: Candidate, lowered: Lowered, seconds: float) -> Confirmed:
        """Test the candidate on everything, measure it again from scratch, then on each variant.

        Accepted only if it is faster on the workload and slower on no variant.
        """
        cases = self._reference.cases
        failure = self.test(lowered, cases)
        if failure is not None:
            return Confirmed(_refutation(candidate, lowered, failure), ())
        variants = self._reference.variants
        share = seconds * _VARIANT_SHARE / len(variants) if variants else 0.0
        plan = Plan(max_seconds=seconds - share * len(variants), threshold=THRESHOLD)
        measured = self._compare(self._baseline, lowered.executable, self._reference.workload, plan)
        if isinstance(measured, Misrun):
            return Confirmed(self.refuted(candidate, lowered, measured), ())
        evaluation = Evaluation(
            candidate,
            Outcome.NOT_FASTER,
            self.evidence(candidate, len(cases) + 1, sum(case.hidden for case in cases)),
            measured,
            executable_sha256=lowered.sha256,
        )
        if measure.verdict(measured, THRESHOLD) is not Verdict.FASTER:
            return Confirmed(evaluation, ())
        return self._on_variants(evaluation, lowered, Plan(max_seconds=share, threshold=THRESHOLD))

    def _on_variants(self, evaluation: Evaluation, lowered: Lowered, plan: Plan) -> Confirmed:
        measurements: list[Measurement] = []
        for number, case in enumerate(self._reference.variants, 1):
            measured = self._compare(self._baseline, lowered.executable, case, plan)
            if isinstance(measured, Misrun):
                return Confirmed(_refuted(evaluation.candidate, lowered, case, measured), ())
            measurements.append(measured)
            if measure.verdict(measured, THRESHOLD) is Verdict.SLOWER:
                message = f"slower on hidden variant {number} of the workload ({measured.speedup:.3f}x)"
                return Confirmed(replace(evaluation, outcome=Outcome.NOT_FASTER, message=message), tuple(measurements))
        return Confirmed(replace(evaluation, outcome=Outcome.ACCEPTED), tuple(measurements))

    @contextlib.contextmanager
    def _fresh_samples(self, baseline: Path, entrant: Path, case: TestCase) -> Iterator[tuple[Sample, Sample]]:
        """Samples over a new runner, which makes copies of its own of both executables."""
        with self._open_runner([baseline, entrant]) as runner:
            yield (
                measure.checked_sample(runner, 0, case, timeout_s=self._limit_s),
                measure.checked_sample(runner, 1, case, timeout_s=self._limit_s),
            )


def _once_more(ask: Callable[[], T]) -> T:
    """The answer of `ask`, asked again if a runner died on the way: that says nothing about the candidate."""
    try:
        return ask()
    except RunnerDied:
        return ask()


def _refuted(candidate: Candidate, lowered: Lowered, case: TestCase, misrun: Misrun) -> Evaluation:
    return _refutation(candidate, lowered, Counterexample(case, misrun.stdout, misrun.status))


def _refutation(candidate: Candidate, lowered: Lowered, failure: Counterexample) -> Evaluation:
    evidence = Evidence(EvidenceKind.REFUTED, counterexample=failure)
    return Evaluation(candidate, Outcome.REFUTED, evidence, executable_sha256=lowered.sha256)


def _ended(candidate: Candidate, outcome: Outcome, message: str) -> Checked:
    return Checked(candidate, None, Evaluation(candidate, outcome, message=message))


def _bounded_sample(runner: Runner, executable: int, case: TestCase, limit_s: float) -> Sample:
    """A sample in a race: a run that takes hopelessly long counts with the time that it had, as a slow one."""

    def sample() -> Timing | Misrun:
        result = runner.run(executable, case.invocation, timeout_s=limit_s)
        if result.timed_out:
            return Timing.of(result)
        return Timing.of(result) if result.passes(case) else Misrun(result.status, result.stdout)

    return sample
