"""Find out what speaks for a candidate that somebody wrote: tests that would notice a wrong one, and attacks."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from llmcoop import clang, reference
from llmcoop.errors import LLMCoopError, ProgramError
from llmcoop.ir.worker import Worker
from llmcoop.report import Rejected, Testing
from llmcoop.runner import Runner
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.spec import Spec
from llmcoop.testing import corpus, coverage, mutants
from llmcoop.testing.agent import TestingAgent, TestSet
from llmcoop.testing.mutants import MutantBuild, MutantPool
from llmcoop.toolchain import Toolchain
from llmcoop.values import (
    Adequacy,
    Candidate,
    Evidence,
    EvidenceKind,
    Expectation,
    Invocation,
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
        self._given: tuple[TestCase, ...] = ()  # workload, variants and the user's tests
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
                self._given = tuple(self._answered(runner))
            announce("measuring what the tests would notice")
            inputs = [case.invocation for case in (*self._given, *grown.cases)]
            adequacy = self._adequacy(build, worker, inputs, Path(name), seconds * (1 - _GROW_SHARE)) if build else None
        self.testing = _testing(grown, adequacy, time.monotonic() - started)
        return self.testing

    def examine(self, rewrite: Candidate, seconds: float, announce: Announce) -> Evidence:
        """Run the tests on a source-level candidate, then look for further inputs on which it is wrong, for `seconds`.

        Raises ProgramError when it does not build.
        """
        with tempfile.TemporaryDirectory(dir=self._scratch) as name:
            program = clang.rewritten(self._program, {rewrite.source: rewrite.text}, Path(name))
            attack = self._agent.attack(program, seconds, announce, self._given)
        if attack.counterexample is not None:
            return Evidence(EvidenceKind.REFUTED, counterexample=attack.counterexample)
        sanitizers = tuple(check for check in attack.checks if check != "coverage")
        hidden = sum(case.hidden for case in self._given) + (self.testing.hidden if self.testing else 0)
        return Evidence(EvidenceKind.TESTED, attack.passed, hidden, None, attack.pairs, sanitizers)

    # Tests

    def _answered(self, runner: Runner) -> Iterator[TestCase]:
        """The workload, its variants and the user's tests, with the original's answers."""
        inputs = [("workload", self._workload.timed), *(("variant", each) for each in self._workload.variants)]
        inputs += [("user", test.invocation) for test in self._tests]
        for origin, invocation in inputs:
            answer = reference.answer(runner, invocation, origin, limit_s=_LIMIT_S)
            if isinstance(answer, TestCase):
                yield answer

    # Adequacy

    def _adequacy(
        self, build: MutantBuild, worker: Worker, inputs: Sequence[Invocation], folder: Path, seconds: float
    ) -> Adequacy | None:
        """How good tests with these inputs are; None for a program that leaves no counters."""
        limits, equivalence = self._limits, mutants.trivially_equivalent(worker, build)
        score = mutants.measure(self._sandbox, build, inputs, equivalence, limits=limits, seconds=seconds)
        try:
            covered = coverage.measure(
                self._toolchain, self._sandbox, self._program, inputs, folder, limits=limits, seconds=seconds
            )
        except ProgramError:
            return None
        wrong = len(score.mutants) - len(score.equivalent)
        return Adequacy(covered.lines, covered.branches, covered.conditions, wrong, len(score.caught), score.missed)


def _mutants(
    toolchain: Toolchain, worker: Worker, program: Program, folder: Path, announce: Announce
) -> MutantBuild | None:
    try:
        return mutants.build(toolchain, worker, program, folder)
    except LLMCoopError as error:
        announce(f"no mutants: {error.message}")
        return None


def _testing(grown: TestSet, adequacy: Adequacy | None, seconds: float) -> Testing:
    rejected: Sequence[Rejected] = [Rejected(reason, count) for reason, count in grown.rejected.items() if count]
    hidden = sum(case.hidden for case in grown.cases)
    return Testing(len(grown.cases), hidden, grown.tried, tuple(rejected), seconds, adequacy)
