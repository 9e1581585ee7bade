"""The guided loop: propose inputs, run them on the original and a candidate, keep what shows something new."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from itertools import cycle
from typing import Protocol

from llmcoop.testing.builds import Instrumentation
from llmcoop.testing.corpus import Entry
from llmcoop.testing.inputs import Generator, Proposal
from llmcoop.testing.patience import Patience
from llmcoop.testing.servers import Answer, ForkServers
from llmcoop.values import Invocation

_BATCH, _LEAST_BATCH = 64, 8
_BATCH_S = 0.4  # a batch becomes smaller where inputs take long
_SANITIZED_SLOWER = 6  # how many times the limit a run under sanitizers may take
_GUIDED_TURNS = 4  # batches that are compared by the guiding build, between two by a sanitized one
_CATCHING_SHARE = 0.5  # of the time: for running inputs on mutants
_FORK_S = 0.0003  # what a run takes besides the program
_REMEMBERED = 400_000  # inputs that are not run again

_CLEANERS = (Instrumentation.ADDRESS, Instrumentation.MEMORY)  # the original's: what they dislike proves nothing
GUIDE_AND_CLEANERS = (Instrumentation.COVERAGE, *_CLEANERS)

Builds = Mapping[Instrumentation, int]  # the builds of one program, as targets of fork servers


class Rejection(StrEnum):
    """Why an input proves nothing."""

    SLOW = "too slow"
    CRASHED = "the original crashes"
    UNCLEAN = "the original is not clean under sanitizers"
    UNSTABLE = "the original does not always answer the same"


class Catcher(Protocol):
    """Deliberately broken versions of the original that no kept input has caught yet."""

    @property
    def remaining(self) -> int:
        """How many are left."""
        ...

    def catch(self, invocation: Invocation, expected: Answer) -> AbstractSet[int]:
        """Those that answer otherwise than `expected`; they are left out from now on."""
        ...


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An input on which a build of the candidate does not do what the clean original does."""

    invocation: Invocation
    build: Instrumentation


@dataclass(frozen=True, slots=True)
class _Interest:
    """An input that seems worth a closer look, and why."""

    proposal: Proposal
    answer: Answer
    disagrees: bool
    novel: bool


class Search:
    """A search over the fork servers of an original, and of a candidate if there is one.

    The coverage of both guides it: an input that shows something new of either one becomes a parent, provided that
    the original answers it quickly, cleanly and always in the same way.
    """

    def __init__(
        self,
        servers: ForkServers,
        original: Builds,
        candidate: Builds,
        entries: list[Entry],
        seeds: Sequence[Invocation],
        generator: Generator,
        patience: Patience,
        catcher: Catcher | None = None,
    ) -> None:
        """`entries` are known to be clean, and what is found is added to them.

        `seeds` are parents too, but may take too long to be run.
        """
        self.tried = 0
        self.rejected: Counter[Rejection] = Counter()
        self._servers = servers
        self._original = original
        self._candidate = candidate
        self._entries = entries
        self._seeds = seeds
        self._generator = generator
        self._patience = patience
        self._catcher = catcher
        self._catching_s = 0.0
        self._started = time.monotonic()
        self._queue: deque[Proposal] = deque()
        self._known: set[int] = set()
        self._features: dict[int, set[int]] = {}  # seen so far, by target
        self._by_invocation = {entry.invocation: entry for entry in entries}
        self._turns = cycle(_turns(candidate))

    def begin(self, invocations: Sequence[Invocation], deadline: float) -> Iterator[Disagreement]:
        """Run what is known: the entries on every build of the candidate, further inputs as proposals."""
        for entry in self._entries:
            entry.features = self._observe(entry.invocation)[0]
            self._known.add(hash(entry.invocation))
        for build in self._candidate:
            yield from self._compared([entry.invocation for entry in self._entries], build, deadline)
        new = [Proposal(invocation, None, ("given",)) for invocation in invocations]
        batch, build = [proposal for proposal in new if self._is_new(proposal)], next(self._turns)
        yield from self._judged(batch, self._answers(batch, build), build)
        for other in self._candidate:
            if other.processor:
                yield from self._compared([proposal.invocation for proposal in batch], other, deadline)

    def until(self, deadline: float, least: int = 0, latest: float = 0.0) -> Iterator[Disagreement]:
        """Search; a disagreement is given when it is seen, and the search goes on when it is asked to.

        It ends at `deadline` (time.monotonic), but not before `latest` as long as fewer than `least` inputs were tried:
        on a busy machine they take longer. The next inputs are made up while the fork servers run these.
        """
        with ThreadPoolExecutor(1) as thread:
            batch = self._next_batch()
            while time.monotonic() < (deadline if self.tried >= least else max(deadline, latest)):
                following = thread.submit(self._next_batch)
                build = next(self._turns)
                try:
                    answers = self._answers(batch, build)
                finally:
                    following_batch = following.result()  # before anything that it reads can change
                yield from self._judged(batch, answers, build)
                batch = following_batch

    # What is run

    def _next_batch(self) -> list[Proposal]:
        count = max(_LEAST_BATCH, min(_BATCH, int(_BATCH_S / max(self._patience.typical_s, 1e-4))))
        batch = [self._queue.popleft() for _ in range(min(count // 2, len(self._queue)))]
        parents = [*self._entries, *map(Entry, self._seeds)]
        batch += self._generator.propose(
            [entry.invocation for entry in parents], [entry.weight for entry in parents], count - len(batch)
        )
        return [each for each in batch if self._is_new(each) and not self._patience.expects_slow(each.invocation)]

    def _is_new(self, proposal: Proposal) -> bool:
        key = hash(proposal.invocation)
        if key in self._known:
            return False
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        self._known.add(key)
        return True

    def _answers(self, batch: Sequence[Proposal], build: Instrumentation) -> list[tuple[Answer, ...]]:
        """What the original and one build of the candidate do on proposals."""
        targets = [self._original[Instrumentation.COVERAGE]]
        targets += [self._candidate[build]] if self._candidate else []
        self.tried += len(batch)
        return self._servers.run([each.invocation for each in batch], targets, timeout_s=self._limit_s(build))

    def _judged(
        self, batch: Sequence[Proposal], answers: Sequence[tuple[Answer, ...]], build: Instrumentation
    ) -> Iterator[Disagreement]:
        """Look closer at those proposals whose answers are of interest."""
        judged = [self._judge(each, *found, build=build) for each, found in zip(batch, answers, strict=True)]
        yield from self._examine([interest for interest in judged if interest is not None], build)

    def _judge(
        self, proposal: Proposal, original: Answer, other: Answer | None = None, *, build: Instrumentation
    ) -> _Interest | None:
        """Why a proposal deserves a closer look, if it does."""
        parent = self._by_invocation.get(proposal.parent) if proposal.parent else None
        if parent is not None:
            parent.picked += 1
        if original.timed_out or original.ns > self._patience.limit_s * 1e9:
            self._patience.slow(proposal.invocation)
            return self._reject(proposal, Rejection.SLOW)
        if original.exit_code is None:
            return self._reject(proposal, Rejection.CRASHED)
        self._patience.quick(original.ns)
        self._generator.learn(proposal, useful=True)
        disagrees = other is not None and differs(original, other, build)
        novel = original.new_features > 0 or (other is not None and other.new_features > 0)
        interesting = disagrees or novel or self._may_catch(original.ns)
        return _Interest(proposal, original, disagrees, novel) if interesting else None

    # What is kept

    def _examine(self, interests: Sequence[_Interest], build: Instrumentation) -> Iterator[Disagreement]:
        """Ask the original again, and its sanitized builds; only what holds there counts."""
        if not interests:
            return
        cleaners = [target for kind, target in self._original.items() if kind in _CLEANERS]
        again = self._servers.run(
            [interest.proposal.invocation for interest in interests],
            [self._original[Instrumentation.COVERAGE], *cleaners],
            timeout_s=self._patience.limit_s * _SANITIZED_SLOWER,
        )
        for interest, (repeated, *cleaned) in zip(interests, again, strict=True):
            if not repeated.same_as(interest.answer):
                self._reject(interest.proposal, Rejection.UNSTABLE)
            elif not all(answer.same_as(interest.answer) for answer in cleaned):
                self._reject(interest.proposal, Rejection.UNCLEAN)
            else:
                self._keep(interest, self._catch(interest))
                if interest.disagrees:
                    yield Disagreement(interest.proposal.invocation, build)

    def _may_catch(self, ns: int) -> bool:
        """Whether there is time to run an input, which takes the original so long, on all mutants that are left."""
        if self._catcher is None or not self._catcher.remaining:
            return False
        needed_s = (_FORK_S + ns / 1e9) * self._catcher.remaining
        return self._catching_s + needed_s < _CATCHING_SHARE * (time.monotonic() - self._started)

    def _catch(self, interest: _Interest) -> frozenset[int]:
        """The mutants that an input catches first."""
        if self._catcher is None or not self._may_catch(interest.answer.ns):
            return frozenset()
        started = time.monotonic()
        caught = frozenset(self._catcher.catch(interest.proposal.invocation, interest.answer))
        self._catching_s += time.monotonic() - started
        return caught

    def _keep(self, interest: _Interest, mutants: frozenset[int]) -> None:
        """Make an input an entry if it still shows something that no entry before it does."""
        if not (interest.novel or mutants):
            return
        invocation, parent = interest.proposal.invocation, interest.proposal.parent
        features, new = self._observe(invocation)
        if not (new or mutants):
            return
        entry = Entry(invocation, features, mutants, interest.answer.ns)
        self._entries.append(entry)
        self._by_invocation[invocation] = entry
        if parent in self._by_invocation:
            self._by_invocation[parent].found += 1
        for target in self._guides():
            comparisons = self._servers.comparisons(invocation, target, timeout_s=self._patience.limit_s)
            self._queue.extend(self._generator.notice(invocation, comparisons))

    def _observe(self, invocation: Invocation) -> tuple[frozenset[int], bool]:
        """The original's coverage by an input, and whether that or the candidate's has something new."""
        coverage = [
            self._servers.keep(invocation, target, timeout_s=self._patience.limit_s) for target in self._guides()
        ]
        new = False
        for target, features in zip(self._guides(), coverage, strict=True):
            seen = self._features.setdefault(target, set())
            new = new or not features <= seen
            seen |= features
        return coverage[0], new

    def _guides(self) -> list[int]:
        """The targets whose coverage counts: the original's first."""
        return [builds[Instrumentation.COVERAGE] for builds in (self._original, self._candidate) if builds]

    def _compared(
        self, invocations: Sequence[Invocation], build: Instrumentation, deadline: float
    ) -> Iterator[Disagreement]:
        """Run inputs that are known to be clean on one build of the candidate."""
        targets = [self._original[Instrumentation.COVERAGE], self._candidate[build]]
        for start in range(0, len(invocations), _BATCH):
            if time.monotonic() > deadline:
                return
            batch = invocations[start : start + _BATCH]
            answers = self._servers.run(batch, targets, timeout_s=self._limit_s(build))
            self.tried += len(batch)
            for invocation, (original, other) in zip(batch, answers, strict=True):
                if original.exit_code is not None and differs(original, other, build):
                    yield Disagreement(invocation, build)

    def _limit_s(self, build: Instrumentation) -> float:
        return self._patience.limit_s * (_SANITIZED_SLOWER if build.sanitizes else 1)

    def _reject(self, proposal: Proposal, rejection: Rejection) -> None:
        self.rejected[rejection] += 1
        self._generator.learn(proposal, useful=False)


def differs(original: Answer, other: Answer, build: Instrumentation) -> bool:
    """Whether a candidate's answer is another one; that a sanitizer makes it slow says nothing."""
    if other.timed_out and build.sanitizes:
        return False
    return not original.same_as(other)


def _turns(candidate: Builds) -> list[Instrumentation]:
    """Which build of the candidate is compared next: mostly the one that guides, sanitized ones in between."""
    others = [build for build in candidate if build is not Instrumentation.COVERAGE]
    turns = [Instrumentation.COVERAGE] * _GUIDED_TURNS
    return [turn for other in others for turn in (*turns, other)] or turns
