"""Confirm with real executables that a candidate is wrong on an input, and find a small such input."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from llmcoop import reference
from llmcoop.answers import same_output
from llmcoop.runner import Runner, RunResult
from llmcoop.testing.builds import Instrumentation
from llmcoop.testing.reduction import reduced
from llmcoop.testing.search import Builds, Disagreement, differs
from llmcoop.testing.servers import ForkServers
from llmcoop.values import Counterexample, Invocation, TestCase, on_processor

CANDIDATE = 2  # among the runner's executables, after the baseline and the -O0 build
_LONGEST_S = 10.0  # that a run of the original takes
_LIMIT_S = 2.0  # what a run of the original may take here
_SLOWER = 20  # how many times the original's time a candidate may take, at least
_LEAST_LIMIT_S = 1.0
_SECOND_CHANCE = 4  # times the limit: the machine may have been busy
_SANITIZED_S = 2.0
_BATCH = 8  # inputs of which nothing is known, such as those that a model wrote
_REPORT = re.compile(
    rb"runtime error: [^\n]*"
    rb"|AddressSanitizer: (?!requested allocation|allocator is|out of memory|stack-overflow|failed to)[^\n]*"
    rb"|MemorySanitizer: use-of-uninitialized[^\n]*"
    rb"|ThreadSanitizer: (?!thread leak)[^\n]*"
)
_ADDRESSES = re.compile(r"\s*(\(pid=\d+\)|on address 0x[0-9a-f]+.*|at pc 0x.*|on unknown address.*)$")


def run_in_time(runner: Runner, candidate: int, invocation: Invocation) -> RunResult:
    """Run a candidate for as long as one may take that is equal to the baseline, the runner's first executable."""
    baseline_s = runner.run(0, invocation, timeout_s=_LONGEST_S).wall_ns / 1e9
    limit_s = max(_LEAST_LIMIT_S, _SLOWER * baseline_s)
    result = runner.run(candidate, invocation, timeout_s=limit_s)
    return runner.run(candidate, invocation, timeout_s=_SECOND_CHANCE * limit_s) if result.timed_out else result


def clean_inputs(
    servers: ForkServers, original: Builds, invocations: Sequence[Invocation], *, timeout_s: float, deadline: float
) -> Iterator[Invocation]:
    """Those inputs on which all builds of the original end, each within `timeout_s`, and do the same.

    After `deadline` (time.monotonic) no more are run; the first few always are.
    """
    for start in range(0, len(invocations), _BATCH):
        if start and time.monotonic() > deadline:
            return
        batch = invocations[start : start + _BATCH]
        answers = servers.run(batch, list(original.values()), timeout_s=timeout_s)
        for invocation, (first, *others) in zip(batch, answers, strict=True):
            if first.exit_code is not None and all(other.same_as(first) for other in others):
                yield invocation


@dataclass(frozen=True, slots=True)
class Trial:
    """Original and candidate, instrumented in fork servers and as they are in a runner.

    A candidate without builds for fork servers is judged by its real executable alone.
    """

    servers: ForkServers
    runner: Runner  # baseline, -O0 build, candidate
    original: Builds
    candidate: Builds

    def failed(self, cases: Iterable[TestCase]) -> Counterexample | None:
        """The first known case that the real candidate fails: fully optimized, it may do what no other build does."""
        for case in cases:
            result = run_in_time(self.runner, CANDIDATE, case.invocation)
            if not result.passes(case):
                return Counterexample(case, result.stdout, result.status)
        return None

    def refuted_by(self, invocations: Sequence[Invocation], origin: str, deadline: float) -> Counterexample | None:
        """What is wrong on the first of these inputs that shows it; whether they prove anything is found out first.

        After `deadline` (time.monotonic) no more are tried; the first few always are.
        """
        for invocation in clean_inputs(
            self.servers, self.original, invocations, timeout_s=_SANITIZED_S, deadline=deadline
        ):
            found = self._failure(invocation, tuple(self.candidate), origin)
            if found is not None:
                return found
        return None

    def smaller(self, known: Counterexample, seconds: float) -> Counterexample:
        """The same failure on the smallest input found in `seconds`; what is made of a hidden case is hidden too."""
        if not self.candidate:
            return known
        found = self.counterexample(Disagreement(known.case.invocation, Instrumentation.COVERAGE), seconds)
        if found is None:
            return known
        return replace(found, case=replace(found.case, origin=known.case.origin, hidden=known.case.hidden))

    def counterexample(self, disagreement: Disagreement, seconds: float) -> Counterexample | None:
        """What is wrong, on the smallest input found in `seconds`; None where it does not show in earnest.

        The real executables have to differ, or a sanitizer has to complain of the candidate where it does not
        complain of the original.
        """
        found = self._confirmed(disagreement)
        if found is None:
            return None
        smaller = reduced(disagreement.invocation, lambda batch: self._differ(batch, disagreement.build), seconds)
        return self._confirmed(Disagreement(smaller, disagreement.build)) or found

    def _confirmed(self, disagreement: Disagreement) -> Counterexample | None:
        invocation, build = disagreement.invocation, disagreement.build
        if build is not Instrumentation.COVERAGE:
            return self._failure(invocation, (build,), "fuzz")
        return None if self._same_but_for_nan(invocation) else self._failure(invocation, tuple(self.candidate), "fuzz")

    def _failure(self, invocation: Invocation, builds: Iterable[Instrumentation], origin: str) -> Counterexample | None:
        """What the real candidate does wrong on an input, or a sanitizer says of one of these builds of it."""
        case = reference.answer(self.runner, invocation, origin, limit_s=_LIMIT_S)
        if not isinstance(case, TestCase):
            return None
        result = run_in_time(self.runner, CANDIDATE, invocation)
        if not result.passes(case):
            return Counterexample(case, result.stdout, result.status)
        for kind in builds:
            if kind.processor:
                found = self._wrong_on(kind, case)
                if found:
                    return found
            elif report := self._report(invocation, kind):
                return Counterexample(case, result.stdout, report)
        return None

    def _wrong_on(self, kind: Instrumentation, case: TestCase) -> Counterexample | None:
        """What the candidate does on another processor, where that is wrong."""
        for seconds in (_SANITIZED_S, _SECOND_CHANCE * _SANITIZED_S):
            found = self.servers.output(case.invocation, self.candidate[kind], timeout_s=seconds)
            if found.answer.exit_code == case.exit_code and same_output(case.stdout, found.stdout):
                return None
            if not found.answer.timed_out:
                break
        return Counterexample(case, found.stdout, on_processor(found.status, kind.processor))

    def _same_but_for_nan(self, invocation: Invocation) -> bool:
        original, candidate = (
            self.servers.output(invocation, builds[Instrumentation.COVERAGE], timeout_s=_SANITIZED_S)
            for builds in (self.original, self.candidate)
        )
        return original.status == candidate.status and same_output(original.stdout, candidate.stdout)

    def _report(self, invocation: Invocation, kind: Instrumentation) -> str:
        """What a sanitizer says of the candidate but not of the original; empty if nothing."""
        if not kind.sanitizes or kind not in self.original:
            return ""
        complaint = _REPORT.search(self.servers.output(invocation, self.candidate[kind], timeout_s=_SANITIZED_S).stderr)
        if complaint is None:
            return ""
        original = self.servers.output(invocation, self.original[kind], timeout_s=_SANITIZED_S)
        if _REPORT.search(original.stderr) is not None:
            return ""
        return _ADDRESSES.sub("", complaint[0].decode(errors="replace").strip())[:300]

    def _differ(self, batch: Sequence[Invocation], build: Instrumentation) -> list[bool]:
        """On which inputs the original is clean and the candidate does something else."""
        originals = list(self.original.values())
        answers = self.servers.run(batch, [*originals, self.candidate[build]], timeout_s=_SANITIZED_S / 4)
        return [
            first.exit_code is not None
            and all(other.same_as(first) for other in others)
            and not candidate.timed_out
            and differs(first, candidate, build)
            for first, *others, candidate in answers
        ]
