"""The testing agent, search form: grow tests for a program, and look for an input on which a candidate is wrong."""

from __future__ import annotations

import contextlib
import math
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from llmcoop import reference
from llmcoop.answers import same_output
from llmcoop.clang import Confinement
from llmcoop.errors import ProgramError
from llmcoop.runner import Runner
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.testing import corpus
from llmcoop.testing.builds import Instrumentation
from llmcoop.testing.corpus import Entry
from llmcoop.testing.inputs import Mutator, shortened
from llmcoop.testing.patience import Patience
from llmcoop.testing.search import GUIDE_AND_CLEANERS, Builds, Catcher, Rejection, Search
from llmcoop.testing.servers import Answer, ForkServers, Target
from llmcoop.testing.suspects import Linked, Original, Suspect, build_original, build_suspect, link_suspect
from llmcoop.testing.trial import Trial, clean_inputs
from llmcoop.testing.vocabulary import Vocabulary
from llmcoop.toolchain import Toolchain
from llmcoop.values import Counterexample, Expectation, Invocation, Program, TestCase, Workload
from llmcoop.verdict import LEAST_INPUTS

_FUZZ, _MODEL = "fuzz", "model"  # origins of test cases
_ESTABLISH_SHARE = 0.15  # of the time of `grow`: for asking the real executables what is right
_LEAST_ESTABLISHING_S = 3.0
_REDUCTION_SHARE = 0.1  # of the time of `attack`: for making a counterexample smaller
_MOST_REDUCTION_S = 3.0
_MOST_UNCONFIRMED = 25  # disagreements that nothing confirmed, before only some are looked at
_WRITTEN_SHARE = 0.5  # of the time of `attack`, at most: for inputs that a model wrote about the candidate
_PATIENCE = 3  # times the time of `attack`, at most, where it does not suffice for enough inputs
_LIMIT_S, _WRITTEN_LIMIT_S = 2.0, 0.5
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
    sanitizers: tuple[str, ...]  # under which the candidate was run: "address", "memory", …
    rejected: Mapping[Rejection, int]
    seconds: float


@dataclass(frozen=True, slots=True)
class Leads:
    """What is tried on a candidate before anything is made up for it."""

    given: Sequence[TestCase] = ()  # the user's own
    first: Sequence[Invocation] = ()  # such as what was a counterexample in an earlier run
    written: Sequence[Invocation] = ()  # by a model that has seen the candidate


_NO_LEADS = Leads()


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
        self._written: set[Invocation] = set()
        self._patience = Patience()
        self._vocabulary = Vocabulary.of_sources(program.sources)
        self._original: Original | None = None
        self._cases: dict[Invocation, TestCase] = {}
        self._refuters: list[Invocation] = []  # on which earlier candidates were wrong

    def grow(
        self,
        seconds: float,
        announce: Announce,
        catcher: Catcher | None = None,
        written: Sequence[Invocation] = (),
    ) -> TestSet:
        """Look for inputs that show more of the program, and keep the fewest that show all of it.

        Called again, it goes on from there. With a `catcher`, an input that catches one more mutant is kept too.
        `written` inputs, of a model, are where this search and all later ones start too, if they prove anything.

        Raises:
            ProgramError: the program does not build, or not with instrumentation.
            ToolchainError: a tool or the sandbox failed.
        """
        started = time.monotonic()
        deadline = started + seconds * (1 - _ESTABLISH_SHARE)
        original = self.original(announce)
        announce("growing tests: coverage, comparisons, typed mutation of inputs")
        with self._running(original) as (servers, builds):
            self._note(clean_inputs(servers, builds, written, timeout_s=_WRITTEN_LIMIT_S, deadline=deadline))
            search = self._search(servers, builds, {}, self._vocabulary, catcher)
            for _ in chain(search.begin(self._given(), deadline), search.until(deadline)):
                pass  # without a candidate nothing can disagree
        self._entries = corpus.minimised(self._entries)
        announce(f"{len(self._entries)} inputs of {search.tried} kept; asking the real program for its answers")
        cases = self._established(original, started + seconds)
        corpus.save(self._folder, cases)
        features = frozenset().union(*(entry.features for entry in self._entries))
        return TestSet(cases, len(features), search.tried, dict(search.rejected), time.monotonic() - started)

    def restore(self, cases: Sequence[TestCase], announce: Announce) -> tuple[TestCase, ...]:
        """Take test cases of an earlier run in place of growing any; gives those that the program still answers so.

        Raises as `grow`.
        """
        original = self.original(announce)
        with Runner(self._sandbox, [original.baseline, original.unoptimized], limits=self._limits) as runner:
            answers = [
                reference.answer(runner, case.invocation, case.origin, limit_s=self._limits.wall_s) for case in cases
            ]
        kept = [
            case
            for case, answer in zip(cases, answers, strict=True)
            if isinstance(answer, TestCase)
            and answer.exit_code == case.exit_code
            and same_output(case.stdout, answer.stdout)
        ]
        if len(kept) < len(cases):
            announce(f"{len(cases) - len(kept)} of {len(cases)} test cases dropped: the program answers otherwise here")
        self._entries = [Entry(case.invocation) for case in kept]
        self._cases = {case.invocation: case for case in kept}
        corpus.save(self._folder, kept)
        return tuple(kept)

    def attack(
        self,
        candidate: Program | Linked,
        seconds: float,
        announce: Announce,
        leads: Leads = _NO_LEADS,
    ) -> Attack:
        """Look for an input on which the candidate differs from the program, for `seconds` or until one is found.

        Where so many seconds do not suffice for `verdict.LEAST_INPUTS` inputs, it takes up to three times as long.

        First it must not have the answers of the given cases as literals in it, nor fail on what it, or a candidate
        before it, is known for; then it must pass the given cases, and the tests that were kept. The seconds begin
        after that: building, and runs of the workload, would leave nothing of a few.

        Raises:
            ProgramError: the program or the candidate does not build.
            ToolchainError: a tool or the sandbox failed.
        """
        started = time.monotonic()
        original = self.original(announce)
        with contextlib.ExitStack() as stack:
            suspect = self._built(candidate, stack, announce)
            announce("attacking the candidate with inputs that its and the program's coverage lead to")
            search, trial = self._opened(original, suspect, stack)
            # Shown cases first: they are what its author can be told.
            cases = sorted((*leads.given, *self._cases.values()), key=lambda case: case.hidden)
            known = list(dict.fromkeys((*leads.first, *self._refuters)))
            counterexample = suspect.literals(original, leads.given) or trial.refuted_by(known, _FUZZ, math.inf)
            if counterexample is None and (failed := trial.failed(cases)):
                counterexample = trial.smaller(failed, _reduction_s(seconds))
            counterexample = counterexample or self._found(search, trial, leads, time.monotonic(), seconds)
        self._remember(counterexample)
        return Attack(
            len(cases) if counterexample is None else 0,
            search.tried,
            counterexample,
            tuple(kind.name.lower() for kind in trial.candidate if kind.sanitizes),
            dict(search.rejected),
            time.monotonic() - started,
        )

    def _remember(self, counterexample: Counterexample | None) -> None:
        """Who makes a mistake once makes it again. Given cases and kept tests are run on every candidate anyway."""
        if counterexample is None or counterexample.case.hidden:
            return
        invocation, origin = counterexample.case.invocation, counterexample.case.origin
        if origin in (_FUZZ, _MODEL) and invocation not in (*self._cases, *self._refuters):
            self._refuters.append(invocation)

    def clean(self, invocations: Sequence[Invocation], announce: Announce, limit_s: float) -> list[Invocation]:
        """Those on which the program does the same under its sanitizers, each within `limit_s`. Raises as `grow`."""
        with self._running(self.original(announce)) as (servers, builds):
            return list(clean_inputs(servers, builds, invocations, timeout_s=limit_s, deadline=math.inf))

    def _opened(self, original: Original, suspect: Suspect, stack: contextlib.ExitStack) -> tuple[Search, Trial]:
        """Everything running, until `stack` ends."""
        executables = [original.baseline, original.unoptimized, suspect.executable]
        kinds = [kind for kind in original.builds if kind in GUIDE_AND_CLEANERS or kind in suspect.builds]
        shared = [kind for kind in suspect.builds if kind in kinds or kind.processor]
        targets = [(kind, original.builds[kind]) for kind in kinds]
        targets += [(kind, suspect.builds[kind]) for kind in shared]
        runner = stack.enter_context(Runner(self._sandbox, executables, limits=self._limits))
        servers = stack.enter_context(self._fork_servers(targets))
        builds = self._trusted(servers, dict(zip(kinds, range(len(kinds)), strict=True)))
        numbers = dict(zip(shared, range(len(kinds), len(targets)), strict=True))
        candidate_builds = {kind: number for kind, number in numbers.items() if kind in builds or kind.processor}
        vocabulary = self._vocabulary.with_sources(suspect.sources)
        search = self._search(servers, builds, candidate_builds, vocabulary, None)
        return search, Trial(servers, runner, builds, candidate_builds)

    def _found(
        self, search: Search, trial: Trial, leads: Leads, started: float, seconds: float
    ) -> Counterexample | None:
        """What a candidate that passes all tests does wrong."""
        deadline = started + seconds
        counterexample = trial.refuted_by(leads.written, _MODEL, started + seconds * _WRITTEN_SHARE)
        if counterexample is not None or not trial.candidate:
            return counterexample
        given, unconfirmed = [*leads.first, *leads.written, *self._given()], 0
        latest = started + _PATIENCE * seconds
        found = chain(search.begin(given, deadline), search.until(deadline, LEAST_INPUTS, latest))
        for number, disagreement in enumerate(found):
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

    def _built(self, candidate: Program | Linked, stack: contextlib.ExitStack, announce: Announce) -> Suspect:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=self._scratch)))
        if isinstance(candidate, Program):
            announce("building the candidate with instrumentation and sanitizers")
            confinement = Confinement.of(self._sandbox, self._toolchain, self._program)
            return build_suspect(self._toolchain, candidate, folder, confinement)
        try:
            return link_suspect(self._toolchain, self._program, candidate, folder)
        except ProgramError as error:
            announce(f"the candidate is only tested, not attacked: {error.message}")
            return Suspect(candidate.executable, {}, ())

    @contextlib.contextmanager
    def _running(self, original: Original) -> Iterator[tuple[ForkServers, Builds]]:
        """The builds of the original that guide and that judge inputs."""
        kinds = [kind for kind in original.builds if kind in GUIDE_AND_CLEANERS]
        with self._fork_servers([(kind, original.builds[kind]) for kind in kinds]) as servers:
            yield servers, self._trusted(servers, dict(zip(kinds, range(len(kinds)), strict=True)))

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

    def _note(self, written: Iterable[Invocation]) -> None:
        """Make inputs that a model wrote seeds of this search and all later ones."""
        new = dict.fromkeys(written)
        self._written |= new.keys()
        self._seeds = list(dict.fromkeys((*self._seeds, *new)))

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
                origin = _MODEL if entry.invocation in self._written else _FUZZ
                answer = reference.answer(runner, entry.invocation, origin, limit_s=_LIMIT_S)
                if isinstance(answer, TestCase):
                    self._cases[entry.invocation] = replace(answer, hidden=corpus.is_hidden(entry.invocation))
                else:
                    self._entries.remove(entry)
        known = (self._cases.get(entry.invocation) for entry in self._entries)
        return tuple(case for case in known if case is not None)


def _can_judge(answers: Sequence[Sequence[Answer]], at: int) -> bool:
    """Whether a sanitized build ever agrees with the first one, if they both end at all."""
    ended = [row for row in answers if row[0].exit_code is not None and not row[at].timed_out]
    return not ended or any(row[at].same_as(row[0]) for row in ended)


def _reduction_s(seconds: float) -> float:
    """How long an attack of so many seconds may make a counterexample smaller."""
    return min(_MOST_REDUCTION_S, seconds * _REDUCTION_SHARE)
