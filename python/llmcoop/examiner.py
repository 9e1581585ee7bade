"""Find out what speaks for a candidate that somebody wrote: tests that would notice a wrong one, and attacks."""

from __future__ import annotations

import contextlib
import difflib
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from llmcoop import clang, reference
from llmcoop.errors import LLMCoopError, ProgramError
from llmcoop.ir.worker import Worker
from llmcoop.models import ModelError
from llmcoop.report import Rejected, Testing
from llmcoop.runner import Runner
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.spec import Spec
from llmcoop.testing import corpus, coverage, mutants, workloads
from llmcoop.testing.agent import Attack, Leads, TestingAgent, TestSet
from llmcoop.testing.mutants import MutantBuild, MutantPool
from llmcoop.testing.suspects import Linked
from llmcoop.testing.written import Inputs, InputWriter
from llmcoop.toolchain import Toolchain
from llmcoop.values import (
    Adequacy,
    Evidence,
    EvidenceKind,
    Expectation,
    Invocation,
    Program,
    TestCase,
)

_GROW_SHARE = 0.75  # of the time for preparing; the rest is for measuring how good the tests are
_UNAIDED_SHARE = 0.6  # of the time for growing: before somebody is asked what is missing
_LIMIT_S = 10.0  # what one run of the original may take here

Announce = Callable[[str], None]


class Examiner:
    """Tests for the program of one spec, and what they say of candidates for it."""

    def __init__(
        self,
        spec: Spec,
        toolchain: Toolchain,
        sandbox: Sandbox,
        folder: Path,
        scratch: Path,
        *,
        limits: Limits,
        writer: InputWriter | None = None,
    ) -> None:
        """Tests are kept in `folder`; `scratch` is for builds. A `writer` is asked for inputs, besides the search."""
        self._toolchain, self._sandbox, self._limits = toolchain, sandbox, limits
        self._program, self._workload, self._scratch = spec.program, spec.workload, scratch
        self._writer = writer
        kept = corpus.load(spec.kept_tests) if spec.kept_tests else ()
        self._tests = (*spec.tests, *(Expectation(invocation) for invocation in kept))
        self._agent = TestingAgent(
            toolchain, sandbox, spec.program, spec.workload, self._tests, folder, limits=limits, scratch=scratch
        )
        self._given: tuple[TestCase, ...] = ()  # workload, variants and the user's tests
        self._workloads: tuple[Invocation, ...] = ()  # that the writer wrote
        self.cases: tuple[TestCase, ...] = ()  # that were grown or restored
        self.testing: Testing | None = None
        self.unanswered = 0  # how often the writer was asked and had no reply

    @property
    def adequacy(self) -> Adequacy | None:
        """How good the tests are; None as long as there are none, or where it can't be measured."""
        return self.testing.adequacy if self.testing else None

    def prepare(self, seconds: float, announce: Announce) -> Testing:
        """Grow tests and measure them; takes about `seconds`, and as long as the writer needs.

        Raises:
            ProgramError: the program does not build, or not with instrumentation.
            ToolchainError: a tool or the sandbox failed.
        """
        started = time.monotonic()
        self._answer_given(announce)
        with tempfile.TemporaryDirectory(dir=self._scratch) as name, Worker(self._sandbox) as worker:
            build = _mutants(self._toolchain, worker, self._program, Path(name), announce)
            with contextlib.ExitStack() as stack:
                pool = build and stack.enter_context(MutantPool(self._sandbox, build, limits=self._limits))
                left_s = seconds * _GROW_SHARE - (time.monotonic() - started)
                grown = self._grow(left_s, announce, pool)
            announce("measuring what the tests would notice")
            inputs = [case.invocation for case in (*self._given, *grown.cases)]
            adequacy = self._adequacy(build, worker, inputs, Path(name), seconds * (1 - _GROW_SHARE)) if build else None
        self.cases = grown.cases
        self.testing = _testing(grown, adequacy, time.monotonic() - started)
        return self.testing

    def restore(self, cases: Sequence[TestCase], adequacy: Adequacy | None, announce: Announce) -> Testing:
        """Take tests that an earlier run grew, in place of `prepare`; `adequacy` is what was measured of them then.

        What the program answers otherwise now is left out. Raises as `prepare`.
        """
        started = time.monotonic()
        self._answer_given(announce)
        self.cases = self._agent.restore(cases, announce)
        hidden = sum(case.hidden for case in self.cases)
        self.testing = Testing(len(self.cases), hidden, 0, (), time.monotonic() - started, adequacy)
        return self.testing

    def variants(self, seconds: float, announce: Announce) -> tuple[TestCase, ...]:
        """Workloads that the writer wrote and that can be timed like the user's, as hidden variants of it.

        They are looked for during about `seconds`. Raises as `prepare`.
        """
        if not self._workloads:
            return ()
        deadline = time.monotonic() + seconds
        with self._runner(announce) as runner:
            found = list(
                workloads.timeable(runner, self._workload, self._workloads, limit_s=_LIMIT_S, deadline=deadline)
            )
        clean = set(self._agent.clean([case.invocation for case in found], announce, _LIMIT_S))
        return tuple(case for case in found if case.invocation in clean)

    def examine(
        self, texts: Mapping[str, str], seconds: float, announce: Announce, first: Sequence[Invocation] = ()
    ) -> Evidence:
        """Run the tests on a source-level candidate, then look for further inputs on which it is wrong, for `seconds`.

        `texts` are the source files that it changes, by name. Inputs `first`, such as a known counterexample, are tried
        before those that are made up. There must be tests: `prepare` or `restore` comes before.
        Raises ProgramError when it does not build.
        """
        written = self._ask(lambda writer: writer.for_change(self._change(texts)), announce)
        with tempfile.TemporaryDirectory(dir=self._scratch) as name:
            program = clang.rewritten(self._program, texts, Path(name))
            leads = Leads(self._given, first, written.cases)
            attack = self._agent.attack(program, seconds, announce, leads)
        return self._evidence(attack)

    def examine_objects(
        self,
        objects: Sequence[Path],
        executable: Path,
        seconds: float,
        announce: Announce,
        first: Sequence[Invocation] = (),
    ) -> Evidence:
        """As `examine`, of a candidate at IR or assembly level: what is timed, and the objects that it was linked of.

        There is nothing that a sanitizer could be built into, and only the program's own coverage guides.
        """
        linked = Linked(executable, tuple(objects))
        attack = self._agent.attack(linked, seconds, announce, Leads(self._given, first))
        return self._evidence(attack)

    def _evidence(self, attack: Attack) -> Evidence:
        if attack.counterexample is not None:
            return Evidence(EvidenceKind.REFUTED, counterexample=attack.counterexample)
        hidden = sum(case.hidden for case in (*self._given, *self.cases))
        return Evidence(EvidenceKind.TESTED, attack.passed, hidden, None, attack.pairs, attack.sanitizers)

    # Tests

    def _grow(self, seconds: float, announce: Announce, pool: MutantPool | None) -> TestSet:
        """Tests by search alone, then with what a writer thinks of, who is told what these do not notice."""
        if self._writer is None:
            return self._agent.grow(seconds, announce, pool)
        alone = self._agent.grow(seconds * _UNAIDED_SHARE, announce, pool)
        missed = pool.score.missed if pool else ()
        inputs = self._ask(lambda writer: writer.for_program(missed), announce)
        self._workloads = inputs.workloads
        grown = self._agent.grow(seconds * (1 - _UNAIDED_SHARE), announce, pool, inputs.cases)
        rejected = Counter(alone.rejected) + Counter(grown.rejected)
        return replace(grown, tried=alone.tried + grown.tried, rejected=rejected)

    def _ask(self, question: Callable[[InputWriter], Inputs], announce: Announce) -> Inputs:
        """What the writer says; nothing when there is none or it has no reply: the search goes on without."""
        if self._writer is None:
            return Inputs()
        announce("asking for inputs on which a wrong rewrite would fail")
        try:
            inputs = question(self._writer)
        except ModelError as error:
            self.unanswered += 1
            announce(f"the search goes on by itself: {error.message}")
            return Inputs()
        announce(f"{len(inputs.cases)} inputs and {len(inputs.workloads)} workloads written, {inputs.dropped} dropped")
        return inputs

    def _change(self, texts: Mapping[str, str]) -> str:
        """What a rewrite changes in the sources, as a unified diff."""
        lines: list[str] = []
        for source in self._program.sources:
            old = source.read_text(errors="surrogateescape").splitlines(keepends=True)
            new = texts[source.name].splitlines(keepends=True) if source.name in texts else old
            lines += difflib.unified_diff(old, new, f"a/{source.name}", f"b/{source.name}")
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)

    def _runner(self, announce: Announce) -> Runner:
        """One with the baseline and the -O0 build."""
        original = self._agent.original(announce)
        return Runner(self._sandbox, [original.baseline, original.unoptimized], limits=self._limits)

    def _answer_given(self, announce: Announce) -> None:
        with self._runner(announce) as runner:
            self._given = tuple(self._answered(runner))

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
        """How good tests with these inputs are; None for a program that leaves no counters, and for lack of time."""
        limits, equivalence = self._limits, mutants.trivially_equivalent(worker, build)
        score = mutants.measure(self._sandbox, build, inputs, equivalence, limits=limits, seconds=seconds)
        if len(score.untried) > len(score.wrong):
            return None
        try:
            covered = coverage.measure(
                self._toolchain, self._sandbox, self._program, inputs, folder, limits=limits, seconds=seconds
            )
        except ProgramError:
            return None
        shares = covered.lines, covered.branches, covered.conditions
        return Adequacy(*shares, len(score.wrong), len(score.caught), score.missed)


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
