"""The testing agent, search form: grow tests for a program, and look for an input on which a candidate is wrong."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from llmcoop import reference
from llmcoop.clang import Confinement
from llmcoop.runner import Runner
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.testing import corpus
from llmcoop.testing.builds import Instrumentation
from llmcoop.testing.corpus import Entry
from llmcoop.testing.inputs import Mutator, shortened
from llmcoop.testing.patience import Patience
from llmcoop.testing.search import GUIDE_AND_CLEANERS, Builds, Catcher, Rejection, Search
from llmcoop.testing.servers import Answer, ForkServers, Target
from llmcoop.testing.suspects import Original, Suspect, build_original, build_suspect
from llmcoop.testing.trial import Trial
from llmcoop.testing.vocabulary import Vocabulary
from llmcoop.toolchain import Toolchain
from llmcoop.values import Counterexample, Expectation, Invocation, Program, Refutation, TestCase, Workload

_ESTABLISH_SHARE = 0.15  # of the time of `grow`: for asking the real executables what is right
_LEAST_ESTABLISHING_S = 3.0
_REDUCTION_SHARE = 0.1  # of the time of `attack`: for making a counterexample smaller
_MOST_REDUCTION_S = 3.0
_MOST_UNCONFIRMED = 25  # disagreements that nothing confirmed, before only some are looked at
_LIMIT_S = 2.0
_ASKED, _ASKED_S = 12, 0.05  # inputs that show whether a sanitizer can judge the program, and what one may take

Announce = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TestSet:
    """The tests that are kept for a program, and what it took to find them."""

    __test__ = False  # not a pytest class

    cases: tuple[TestCase, ...]  # clean, deterministic and quick; some of them hidden
    features: int  # of the original's coverage, values of comparisons included
    tried: int
    rejected: Mapping[Rejection, int]  # inputs that prove nothing, by reason
    seconds: float


@dataclass(frozen=True, slots=True)
class Attack:
    """What came of looking for an input on which a candidate is wrong."""

    passed: int  # test cases that the candidate's real executable passed
    pairs: int  # inputs on which original and candidate were compared
    counterexample: Counterexample | None
    checks: tuple[str, ...]  # the builds of the candidate that were run: "coverage", "address", …
    rejected: Mapping[Rejection, int]
    seconds: float


class TestingAgent:
    """Tests for one program. What it finds is kept in `folder`, and where a later one starts."""

    __test__ = False  # not a pytest class

    def __init__(
        self,
        toolchain: Toolchain,
        sandbox: Sandbox,
        program: Program,
        workload: Workload,
        tests: Sequence[Expectation],
        folder: Path,
        *,
        limits: Limits,
        seed: int = 0,
        scratch: Path | None = None,
    ) -> None:
        """Nothing is built yet. `limits` are those of the runs that confirm; single runs are much shorter.

        `scratch` is the folder for builds, "builds" in `folder` unless told otherwise.
        """
        self._toolchain = toolchain
        self._sandbox = sandbox
        self._program = program
        self._folder = folder
        self._scratch = scratch or folder / "builds"
        self._limits = limits
        self._seed = seed
        self._entries: list[Entry] = []
        self._seeds = list(
            dict.fromkeys(
                seed
                for given in (workload.timed, *workload.variants, *(test.invocation for test in tests))
                for seed in shortened(given)
            )
        )
        self._patience = Patience()
        self._vocabulary = Vocabulary.of_sources(program.sources)
        self._original: Original | None = None
        self._cases: dict[Invocation, TestCase] = {}

    def grow(self, seconds: float, announce: Announce, catcher: Catcher | None = None) -> TestSet:
        """Look for inputs that show more of the program, and keep the fewest that show all of it.

        Called again, it goes on from there. With a `catcher`, an input that catches one more mutant is kept too.

        Raises:
            ProgramError: the program does not build, or not with instrumentation.
            ToolchainError: a tool or the sandbox failed.
        """
        started = time.monotonic()
        deadline = started + seconds * (1 - _ESTABLISH_SHARE)
        original = self.original(announce)
        kinds = [kind for kind in original.builds if kind in GUIDE_AND_CLEANERS]
        announce("growing tests: coverage, comparisons, typed mutation of inputs")
        with self._fork_servers([(kind, original.builds[kind]) for kind in kinds]) as servers:
            builds = self._trusted(servers, dict(zip(kinds, range(len(kinds)), strict=True)))
            search = self._search(servers, builds, {}, self._vocabulary, catcher)
            for _ in chain(search.begin(self._given(), deadline), search.until(deadline)):
                pass  # without a candidate nothing can disagree
        self._entries = corpus.minimised(self._entries)
        announce(f"{len(self._entries)} inputs of {search.tried} kept; asking the real program for its answers")
        cases = self._established(original, started + seconds)
        corpus.save(self._folder, cases)
        features = frozenset().union(*(entry.features for entry in self._entries))
        return TestSet(cases, len(features), search.tried, dict(search.rejected), time.monotonic() - started)

    def attack(self, candidate: Program, seconds: float, announce: Announce, given: Sequence[TestCase] = ()) -> Attack:
        """Look for an input on which the candidate differs from the program, for `seconds` or until one is found.

        First it must pass the `given` cases, without their answers as literals in it, and the tests that were kept.

        Raises:
            ProgramError: the program or the candidate does not build.
            ToolchainError: a tool or the sandbox failed.
        """
        started = time.monotonic()
        deadline = started + seconds
        original = self.original(announce)
        with contextlib.ExitStack() as stack:
            suspect = self._built(candidate, stack, announce)
            announce("attacking the candidate with inputs that its and the program's coverage lead to")
            executables = [original.baseline, original.unoptimized, suspect.executable]
            kinds = [kind for kind in original.builds if kind in GUIDE_AND_CLEANERS or kind in suspect.builds]
            shared = [kind for kind in kinds if kind in suspect.builds]
            targets = [(kind, original.builds[kind]) for kind in kinds]
            targets += [(kind, suspect.builds[kind]) for kind in shared]
            runner = stack.enter_context(Runner(self._sandbox, executables, limits=self._limits))
            servers = stack.enter_context(self._fork_servers(targets))
            builds = self._trusted(servers, dict(zip(kinds, range(len(kinds)), strict=True)))
            numbers = dict(zip(shared, range(len(kinds), len(targets)), strict=True))
            candidate_builds = {kind: number for kind, number in numbers.items() if kind in builds}
            vocabulary = self._vocabulary.with_sources(suspect.sources)
            search = self._search(servers, builds, candidate_builds, vocabulary, None)
            trial = Trial(servers, runner, builds, candidate_builds)
            cases = (*given, *self._cases.values())
            counterexample = suspect.literals(original, given) or trial.failed(cases)
            if counterexample is None:
                counterexample = self._first_confirmed(search, trial, deadline, seconds)
            elif counterexample.kind is not Refutation.PRECOMPUTED:
                counterexample = trial.smaller(counterexample, _reduction_s(seconds))
        return Attack(
            len(cases) if counterexample is None else 0,
            search.tried,
            counterexample,
            tuple(kind.name.lower() for kind in candidate_builds),
            dict(search.rejected),
            time.monotonic() - started,
        )

    def _first_confirmed(self, search: Search, trial: Trial, deadline: float, seconds: float) -> Counterexample | None:
        unconfirmed = 0
        for number, disagreement in enumerate(chain(search.begin(self._given(), deadline), search.until(deadline))):
            if unconfirmed > _MOST_UNCONFIRMED and number % _MOST_UNCONFIRMED:
                continue
            counterexample = trial.counterexample(disagreement, _reduction_s(seconds))
            if counterexample is not None:
                return counterexample
            unconfirmed += 1
        return None

    # Builds

    def original(self, announce: Announce) -> Original:
        """The builds of the program; made at the first call. Raises ProgramError when it does not build."""
        if self._original is None:
            announce("building the program with instrumentation and sanitizers")
            self._folder.mkdir(parents=True, exist_ok=True)
            self._scratch.mkdir(exist_ok=True)
            self._original = build_original(self._toolchain, self._program, self._scratch)
        return self._original

    def _built(self, candidate: Program, stack: contextlib.ExitStack, announce: Announce) -> Suspect:
        announce("building the candidate with instrumentation and sanitizers")
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir=self._scratch))
        confinement = Confinement.of(self._sandbox, self._toolchain, self._program)
        return build_suspect(self._toolchain, candidate, Path(folder), confinement)

    def _fork_servers(self, builds: Sequence[tuple[Instrumentation, Path]]) -> ForkServers:
        targets = [Target(executable, kind.limited_memory) for kind, executable in builds]
        return ForkServers(self._sandbox, targets, limits=self._limits)

    def _trusted(self, servers: ForkServers, builds: Builds) -> Builds:
        """The builds of the original that agree on some input; a sanitizer that always complains can't judge."""
        inputs = [entry.invocation for entry in self._entries[:_ASKED]]
        if not inputs:
            made = Mutator(self._vocabulary).propose(self._seeds, [1.0] * len(self._seeds), _ASKED)
            inputs = [*self._seeds, *(proposal.invocation for proposal in made)]
        answers = servers.run(inputs, list(builds.values()), timeout_s=_ASKED_S)
        return {kind: target for at, (kind, target) in enumerate(builds.items()) if at == 0 or _can_judge(answers, at)}

    # Searching

    def _search(
        self,
        servers: ForkServers,
        original: Builds,
        candidate: Builds,
        vocabulary: Vocabulary,
        catcher: Catcher | None,
    ) -> Search:
        self._seed += 1
        mutator = Mutator(vocabulary, self._seed)
        return Search(servers, original, candidate, self._entries, self._seeds, mutator, self._patience, catcher)

    def _given(self) -> list[Invocation]:
        """What a search starts with besides the entries: the user's own inputs, and those of an earlier run."""
        return [*self._seeds, *corpus.load(self._folder)]

    def _established(self, original: Original, deadline: float) -> tuple[TestCase, ...]:
        """The entries with the real program's answers; one that gets none is forgotten, one not yet asked left out."""
        deadline = max(deadline, time.monotonic() + _LEAST_ESTABLISHING_S)
        with Runner(self._sandbox, [original.baseline, original.unoptimized], limits=self._limits) as runner:
            for entry in list(self._entries):
                if time.monotonic() > deadline:
                    break
                if entry.invocation in self._cases:
                    continue
                answer = reference.answer(runner, entry.invocation, "fuzz", limit_s=_LIMIT_S)
                if isinstance(answer, TestCase):
                    self._cases[entry.invocation] = answer
                else:
                    self._entries.remove(entry)
        known = (self._cases.get(entry.invocation) for entry in self._entries)
        return corpus.split(case for case in known if case is not None)


def _can_judge(answers: Sequence[Sequence[Answer]], at: int) -> bool:
    """Whether a sanitized build ever agrees with the first one, if they both end at all."""
    ended = [row for row in answers if row[0].exit_code is not None and not row[at].timed_out]
    return not ended or any(row[at].same_as(row[0]) for row in ended)


def _reduction_s(seconds: float) -> float:
    """How long an attack of so many seconds may make a counterexample smaller."""
    return min(_MOST_REDUCTION_S, seconds * _REDUCTION_SHARE)
