"""A project's own benchmark: whether it can be relied on, and how one run of it is timed."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from dataclasses import dataclass

from llmcoop.errors import ProgramError
from llmcoop.measure import Misrun, Sample, Timing
from llmcoop.process import Completed
from llmcoop.project.tree import Tree, ending

FIRST_TIMEOUT_S = 1800.0
_PATIENCE, _LEAST_TIMEOUT_S = 10.0, 20.0  # how much longer than the baseline a run may take
_ALL = 0.98  # of the CPU time of a run


class Stopped(Exception):  # noqa: N818 - it says what happened
    """The user wants the run to end: raised between two runs of the benchmark."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """The benchmark as the baseline ran it."""

    seconds: float  # of one run
    alone: bool  # one process with one thread: it is kept on one CPU, and time that others had that does not count
    stdout: bytes | None  # what it prints; None where two runs print different things, such as times
    stop: Callable[[], bool] = lambda: False

    def sample(self, tree: Tree) -> Sample:
        """Run it in `tree` and time it; raises Stopped where `stop` says so."""
        timeout_s = max(_LEAST_TIMEOUT_S, _PATIENCE * self.seconds)
        cpu = max(os.sched_getaffinity(0)) if self.alone else None

        def sample() -> Timing | Misrun:
            if self.stop():
                raise Stopped
            done = tree.benchmark(timeout_s, cpu)
            if done.returncode != 0:
                return Misrun(f"the benchmark {ending(done)}", done.stdout)
            if self.stdout is not None and done.stdout != self.stdout:
                return Misrun("the benchmark prints something else", done.stdout)
            return Timing(round(done.seconds * 1e9), 0, done.queued_ns if self.alone else 0)

        return sample


def observe(tree: Tree, stop: Callable[[], bool]) -> Benchmark:
    """Run the benchmark of the baseline twice. Raises ProgramError when it fails."""
    first, _ = _observed(tree)
    second, all_ns = _observed(tree)
    alone = second.busy_ns >= _ALL * all_ns
    return Benchmark(
        seconds=second.seconds - (second.queued_ns / 1e9 if alone else 0.0),
        alone=alone,
        stdout=first.stdout if first.stdout == second.stdout else None,
        stop=stop,
    )


def _observed(tree: Tree) -> tuple[Completed, int]:
    done, all_ns = _counted(lambda: tree.benchmark(FIRST_TIMEOUT_S))
    if done.returncode != 0:
        raise ProgramError(
            f"the benchmark command `{tree.spec.benchmark}` {ending(done)}",
            "it must end with 0 for the project as it is",
        )
    return done, all_ns


def _counted(run: Callable[[], Completed]) -> tuple[Completed, int]:
    """How a command ended, and the CPU time in nanoseconds of it and of all that it started and waited for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = run()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done, round((after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1e9)
