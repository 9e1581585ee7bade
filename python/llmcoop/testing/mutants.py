"""The mutation score: which deliberately broken versions of a program its tests catch."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

from llmcoop import clang
from llmcoop.errors import ProgramError
from llmcoop.ir.mutants import MUTANT_LIMIT, Mutant, Mutated
from llmcoop.ir.worker import PassRequest, Worker
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.testing.builds import link_objects
from llmcoop.testing.servers import Answer, ForkServers, Target
from llmcoop.toolchain import Toolchain
from llmcoop.values import Invocation, Program

_FRONT_END = ("-O1", "-gline-tables-only")  # at -O0 nothing may be optimized; lines are for the report
# A pass would make anything of what a mutant leaves uninitialised, even the original.
_PLAIN = PassRequest(pipeline="verify")
_SANITIZED = PassRequest(pipeline="forceattrs,asan", options=("-force-attribute=sanitize_address",))
_MUTANTS, _SANITIZED_MUTANTS = 0, 1  # targets
_SANITIZED_TRIES = 20  # inputs on which a mutant is run under the sanitizer, which is slow
_SLOWER = 10.0  # times as long as the original: then a mutant is taken to hang
_LEAST_LIMIT_S = 0.02
_ORIGINAL_LIMIT_S = 2.0
_PATIENCE = 3
_EQUIVALENT_AT_ONCE = 50  # in one job, which has a limited time

# Says which of the mutants are the original in other words.
Equivalence = Callable[[Sequence[Mutant]], AbstractSet[int]]


@dataclass(frozen=True, slots=True)
class MutantBuild:
    """One executable that is a program and all of its mutants."""

    executable: Path
    sanitized: Path | None  # the same under AddressSanitizer; None where it does not build so
    mutated: Mutated


@dataclass(frozen=True, slots=True)
class MutationScore:
    """What tests did to the mutants of a program."""

    mutants: tuple[Mutant, ...]
    caught: frozenset[int]  # their numbers
    equivalent: frozenset[int]  # shown to be the original in other words
    reached: frozenset[int]  # whose place was executed
    untried: frozenset[int] = frozenset()  # reached, but there was no time to run them

    @property
    def wrong(self) -> tuple[Mutant, ...]:
        """Those that tests should catch: not equivalent, as far as is known, and tried if tests reach them."""
        return tuple(each for each in self.mutants if each.number not in self.equivalent | self.untried)

    @property
    def survived(self) -> tuple[Mutant, ...]:
        """Those that no test caught, although nothing shows that they are equivalent."""
        return tuple(each for each in self.wrong if each.number not in self.caught)

    @property
    def unreached(self) -> int:
        """How many of the survivors were never executed."""
        return sum(mutant.number not in self.reached for mutant in self.survived)

    @property
    def score(self) -> float:
        """The share of the wrong ones that are caught, from 0 to 1."""
        return len(self.caught) / len(self.wrong) if self.wrong else 1.0

    @property
    def missed(self) -> tuple[str, ...]:
        """Functions with survivors, those with the most first: "parse: 5 of 12"."""
        wrong = Counter(mutant.function for mutant in self.wrong)
        missed = Counter(mutant.function for mutant in self.survived)
        return tuple(f"{function}: {count} of {wrong[function]}" for function, count in missed.most_common())


def build(
    toolchain: Toolchain, worker: Worker, program: Program, folder: Path, limit: int = MUTANT_LIMIT
) -> MutantBuild:
    """Build the program with at most `limit` mutants in it, as files in `folder`.

    Raises:
        ProgramError: it does not compile or link so.
        IRError, CompilerFailed: LLVM fails on it.
        ToolchainError: the fork server's runtime is not installed.
    """
    front_end = clang.front_end(toolchain, replace(program, cflags=(*program.cflags, *_FRONT_END)), folder)
    mutated = worker.mutate(worker.link(front_end.modules), limit)

    def link(name: str, request: PassRequest, program: Program) -> Path:
        request = replace(request, tuning=front_end.tuning, codegen=front_end.codegen)
        object_file, executable = folder / f"{name}.o", folder / name
        object_file.write_bytes(worker.build(mutated.bitcode, request).object)
        link_objects(toolchain, program, [object_file], executable)
        return executable

    executable = link("mutants", _PLAIN, program)
    try:
        under_sanitizer = replace(program, cflags=(*program.cflags, "-fsanitize=address"))
        sanitized = link("sanitized-mutants", _SANITIZED, under_sanitizer)
    except ProgramError:
        sanitized = None
    return MutantBuild(executable, sanitized, mutated)


def trivially_equivalent(worker: Worker, build: MutantBuild) -> Equivalence:
    """Asks the compiler: what it makes the same code of is the same program."""

    def find(mutants: Sequence[Mutant]) -> frozenset[int]:
        parts = [mutants[at : at + _EQUIVALENT_AT_ONCE] for at in range(0, len(mutants), _EQUIVALENT_AT_ONCE)]
        return frozenset().union(*(worker.find_equivalent(build.mutated.bitcode, part) for part in parts))

    return find


class MutantPool:
    """The mutants that nothing has caught yet, running; use it in a `with` block, in one thread."""

    def __init__(self, sandbox: Sandbox, build: MutantBuild, *, limits: Limits, cpu: int | None = None) -> None:
        self._mutants = {mutant.number: mutant for mutant in build.mutated.mutants}
        targets = [Target(build.executable)]
        if build.sanitized is not None:
            targets.append(Target(build.sanitized, limited_memory=False))
        self._has_sanitizer = len(targets) > 1
        self._servers = ForkServers(sandbox, targets, limits=limits, cpu=cpu)
        self._left = set(self._mutants)
        self._caught: set[int] = set()
        self._reached: set[int] = set()
        self._tried: set[int] = set()

    def __enter__(self) -> Self:
        """Start the fork server. Raises NotServing or ServersDied."""
        self._servers.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._servers.close()

    @property
    def remaining(self) -> int:
        """How many are neither caught nor known to be equivalent."""
        return len(self._left)

    @property
    def score(self) -> MutationScore:
        """The state of things."""
        return MutationScore(
            tuple(self._mutants.values()),
            frozenset(self._caught),
            frozenset(self._mutants) - self._caught - self._left,
            frozenset(self._reached),
            self.untried,
        )

    @property
    def untried(self) -> frozenset[int]:
        """Those that are left and were reached, but never run for lack of time."""
        return frozenset((self._reached & self._left) - self._tried)

    def quick_first(self, invocations: Sequence[Invocation]) -> list[Invocation]:
        """In the order of how long the original takes. Raises NotServing or ServersDied."""
        answers = self._servers.run(invocations, [_MUTANTS], timeout_s=_ORIGINAL_LIMIT_S)
        order = sorted(range(len(invocations)), key=lambda at: answers[at][0].ns)
        return [invocations[at] for at in order]

    def catch(
        self,
        invocation: Invocation,
        expected: Answer | None = None,
        deadline: float = math.inf,
        latest: float = math.inf,
    ) -> frozenset[int]:
        """Run those that are left and whose place is reached; gives those that answer otherwise, crash or hang.

        None is started after `latest` (time.monotonic), and after `deadline` none that ran before.

        They are out from now on. Where the build itself does not give the `expected` answer, nothing is caught.
        Raises NotServing or ServersDied.
        """
        ((original,),) = self._servers.run([invocation], [_MUTANTS], timeout_s=_ORIGINAL_LIMIT_S)
        if original.exit_code is None or not (expected is None or original.same_as(expected)):
            return frozenset()
        return self._catch(_MUTANTS, self._reached_by(invocation), invocation, original, deadline, latest)

    def catch_faults(self, invocations: Iterable[Invocation], deadline: float = math.inf) -> frozenset[int]:
        """Run those that are left under AddressSanitizer, each on a few inputs; gives those that it stops.

        What it says of the original itself is no fault of a mutant. Raises NotServing or ServersDied.
        """
        caught: set[int] = set()
        tries: Counter[int] = Counter()
        for invocation in invocations if self._has_sanitizer else ():
            if time.monotonic() > deadline:
                break
            ((plain, original),) = self._servers.run(
                [invocation], [_MUTANTS, _SANITIZED_MUTANTS], timeout_s=_ORIGINAL_LIMIT_S
            )
            if original.same_as(plain):
                numbers = {each for each in self._reached_by(invocation) if tries[each] < _SANITIZED_TRIES}
                tries.update(numbers)
                caught |= self._catch(_SANITIZED_MUTANTS, numbers, invocation, original, deadline, deadline)
        return frozenset(caught)

    def leave_out(self, equivalence: Equivalence) -> None:
        """Leave out those that are equivalent."""
        self._left -= equivalence([self._mutants[number] for number in sorted(self._left)])

    def _reached_by(self, invocation: Invocation) -> frozenset[int]:
        """Those that are left and whose place the original executes."""
        reached = self._servers.reached(invocation, _MUTANTS, timeout_s=_ORIGINAL_LIMIT_S)
        self._reached |= reached
        return reached & self._left

    def _catch(
        self,
        target: int,
        numbers: AbstractSet[int],
        invocation: Invocation,
        original: Answer,
        deadline: float,
        latest: float,
    ) -> frozenset[int]:
        limit_s = max(_LEAST_LIMIT_S, _SLOWER * original.ns / 1e9)

        def answer(number: int, limit_s: float) -> Answer:
            return self._servers.run([invocation], [target], timeout_s=limit_s, variant=number)[0][0]

        def differs(number: int) -> bool:
            found = answer(number, limit_s)
            # Once more after a time-out: the machine may have been busy.
            return not (answer(number, 2 * limit_s) if found.timed_out else found).same_as(original)

        def catches(number: int) -> bool:
            if time.monotonic() > (deadline if number in self._tried else latest):
                return False
            self._tried.add(number)
            return differs(number)

        # In an order that says nothing of where they are: there may be time for a part of them only.
        order = Random(0).sample(sorted(numbers), len(numbers))
        caught = frozenset(number for number in order if catches(number))
        self._left -= caught
        self._caught |= caught
        return caught


def measure(
    sandbox: Sandbox,
    build: MutantBuild,
    invocations: Sequence[Invocation],
    equivalence: Equivalence,
    *,
    limits: Limits,
    seconds: float = math.inf,
) -> MutationScore:
    """The score of a set of inputs; what stops a mutant under AddressSanitizer counts. Raises as `MutantPool.catch`.

    After `seconds` nothing more is run, and what is left has survived; the dear inputs come last. What was never run by
    then is left out, but up to three times as long is spent to run each once: on a busy machine it takes longer.
    """
    started = time.monotonic()
    deadline, latest = started + seconds, started + _PATIENCE * seconds
    with MutantPool(sandbox, build, limits=limits) as pool:
        invocations = pool.quick_first(invocations)
        for invocation in invocations:
            if time.monotonic() > deadline and not pool.untried:
                break
            pool.catch(invocation, deadline=deadline, latest=latest)
        pool.leave_out(equivalence)
        pool.catch_faults(invocations, deadline)
        return pool.score
