"""Find out what speaks for a candidate that somebody wrote: tests that would notice a wrong one, and attacks."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from llmcoop import reference
from llmcoop.answers import precomputed
from llmcoop.clang import Confinement
from llmcoop.errors import LLMCoopError
from llmcoop.ir.worker import Worker
from llmcoop.report import Rejected, Testing
from llmcoop.runner import Runner
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.spec import Spec
from llmcoop.testing import corpus, coverage, mutants
from llmcoop.testing.agent import TestingAgent, TestSet
from llmcoop.testing.mutants import MutantPool, MutationScore
from llmcoop.testing.suspects import Suspect, build_suspect
from llmcoop.testing.trial import run_in_time
from llmcoop.toolchain import Toolchain
from llmcoop.values import (
    Adequacy,
    Counterexample,
    Evidence,
    EvidenceKind,
    Expectation,
    Program,
    TestCase,
)

_GROW_SHARE = 0.75  # of the time for preparing; the rest is for measuring how good the tests are
_LIMIT_S = 10.0  # what one run of the original may take here

Announce = Callable[[str], None]


class Examiner:
    """Tests for the program of one spec, and what they say of candidates for it."""

    def __init__(
        self, spec: Spec, toolchain: Toolchain, sandbox: Sandbox, folder: Path, scratch: Path, *, limits: Limits
    ) -> None:
        """Tests are kept in `folder`; `scratch` is for builds."""
        self._toolchain, self._sandbox, self._limits = toolchain, sandbox, limits
        self._program, self._workload, self._scratch = spec.program, spec.workload, scratch
        kept = corpus.load(spec.kept_tests) if spec.kept_tests else ()
        self._tests = (*spec.tests, *(Expectation(invocation) for invocation in kept))
        self._agent = TestingAgent(
            toolchain, sandbox, spec.program, spec.workload, self._tests, folder, limits=limits, scratch=scratch
        )
        self._cases: tuple[TestCase, ...] = ()
        self.testing: Testing | None = None

    @property
    def adequacy(self) -> Adequacy | None:
        """How good the tests are; None as long as there are none, or where it can't be measured."""
        return self.testing.adequacy if self.testing else None

    def prepare(self, seconds: float, announce: Announce) -> Testing:
        """Grow tests and measure them; takes about `seconds`.

        Raises:
            ProgramError: the program does not build, or not with instrumentation.
            ToolchainError: a tool or the sandbox failed.
        """
        started = time.monotonic()
        original = self._agent.original(announce)
        with tempfile.TemporaryDirectory(dir=self._scratch) as name, Worker(self._sandbox) as worker:
            build = _mutants(self._toolchain, worker, self._program, Path(name), announce)
            with contextlib.ExitStack() as stack:
                pool = build and stack.enter_context(MutantPool(self._sandbox, build, limits=self._limits))
                left_s = seconds * _GROW_SHARE - (time.monotonic() - started)
                grown = self._agent.grow(left_s, announce, pool)
            with Runner(self._sandbox, [original.baseline, original.unoptimized], limits=self._limits) as runner:
                self._cases = (*self._given(runner), *grown.cases)
            announce("measuring what the tests would notice")
            score = self._score(build, worker, seconds * (1 - _GROW_SHARE)) if build else None
            adequacy = self._adequacy(score, Path(name), seconds * (1 - _GROW_SHARE)) if score else None
        self.testing = _testing(grown, adequacy, time.monotonic() - started)
        return self.testing

    def examine(self, candidate: Program, seconds: float, announce: Announce) -> Evidence:
        """Run the tests on a candidate, then look for further inputs on which it is wrong, for `seconds`.

        Raises ProgramError when the candidate does not build.
        """
        deadline = time.monotonic() + seconds
        confinement = Confinement.of(self._sandbox, self._toolchain, self._program)
        with tempfile.TemporaryDirectory(dir=self._scratch) as name:
            suspect = build_suspect(self._toolchain, candidate, Path(name), confinement)
            failure = self._failed_test(suspect) or self._literals(suspect)
            if failure is not None:
                return Evidence(EvidenceKind.REFUTED, counterexample=failure)
            attack = self._agent.attack(suspect, deadline - time.monotonic(), announce)
        hidden = sum(case.hidden for case in self._cases)
        checks = tuple(check for check in attack.checks if check != "coverage")
        kind = EvidenceKind.TESTED if attack.counterexample is None else EvidenceKind.REFUTED
        return Evidence(kind, len(self._cases), hidden, attack.counterexample, attack.pairs, checks)

    # Tests

    def _given(self, runner: Runner) -> Iterator[TestCase]:
        """The workload, its variants and the user's tests, with the original's answers."""
        inputs = [("workload", self._workload.timed), *(("variant", each) for each in self._workload.variants)]
        inputs += [("user", test.invocation) for test in self._tests]
        for origin, invocation in inputs:
            answer = reference.answer(runner, invocation, origin, limit_s=_LIMIT_S)
            if isinstance(answer, TestCase):
                yield answer

    def _failed_test(self, suspect: Suspect) -> Counterexample | None:
        original = self._agent.original(_silent)
        with Runner(self._sandbox, [original.baseline, suspect.executable], limits=self._limits) as runner:
            for case in self._cases:
                result = run_in_time(runner, 1, case.invocation)
                if not result.passes(case):
                    return Counterexample(case, result.stdout, result.status)
        return None

    def _literals(self, suspect: Suspect) -> Counterexample | None:
        """A candidate that has the answers to the workload in it did not compute them."""
        original = self._agent.original(_silent).baseline.read_bytes()
        content = suspect.executable.read_bytes()
        for case in self._cases:
            if case.origin == "fuzz":
                continue
            given = "\0".join(case.invocation.args).encode(errors="surrogateescape") + b"\0" + case.invocation.stdin
            found = precomputed(case.stdout, given, original, content)
            if found:
                return Counterexample(case, case.stdout, f"precomputed: {found}")
        return None

    # Adequacy

    def _score(self, build: mutants.MutantBuild, worker: Worker, seconds: float) -> MutationScore:
        equivalence = mutants.trivially_equivalent(worker, build)
        invocations = [case.invocation for case in self._cases]
        return mutants.measure(self._sandbox, build, invocations, equivalence, limits=self._limits, seconds=seconds)

    def _adequacy(self, score: MutationScore, folder: Path, seconds: float) -> Adequacy | None:
        invocations = [case.invocation for case in self._cases]
        try:
            covered = coverage.measure(
                self._toolchain,
                self._sandbox,
                self._program,
                invocations,
                folder,
                limits=self._limits,
                seconds=seconds,
            )
        except LLMCoopError:
            return None  # a program that leaves no counters
        wrong = len(score.mutants) - len(score.equivalent)
        return Adequacy(covered.lines, covered.branches, covered.conditions, wrong, len(score.caught), score.missed)


def _mutants(
    toolchain: Toolchain, worker: Worker, program: Program, folder: Path, announce: Announce
) -> mutants.MutantBuild | None:
    try:
        return mutants.build(toolchain, worker, program, folder)
    except LLMCoopError as error:
        announce(f"no mutants: {error.message}")
        return None


def _testing(grown: TestSet, adequacy: Adequacy | None, seconds: float) -> Testing:
    rejected: Sequence[Rejected] = [Rejected(reason, count) for reason, count in grown.rejected.items() if count]
    hidden = sum(case.hidden for case in grown.cases)
    return Testing(len(grown.cases), hidden, grown.tried, tuple(rejected), seconds, adequacy)


def _silent(_: str) -> None:
    pass
