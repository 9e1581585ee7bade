"""How good the tests are that the testing agent makes up: coverage and mutation score, and how they grow with time.

    python benchmarks/adequacy.py examples
    python benchmarks/adequacy.py examples --seconds 5,10,20,40,60 --survivors

DIR has folders with an llmcoop.toml for each program; the agent starts from the workload and tests that are there. The
time includes all builds and the runs of mutants that guide the search, not the scoring. Coverage is that of the last
tests: lines, branches, and conditions shown to decide alone (MC/DC).
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from llmcoop.errors import LLMCoopError
from llmcoop.ir.worker import Worker
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.spec import Spec, load
from llmcoop.testing import coverage, mutants
from llmcoop.testing.agent import TestingAgent, TestSet
from llmcoop.testing.coverage import Coverage
from llmcoop.testing.mutants import MutantBuild, MutantPool, MutationScore
from llmcoop.toolchain import Toolchain

_LIMITS = Limits(memory_bytes=1 << 30)
_COVERAGE_S = 60.0


@dataclass(frozen=True, slots=True)
class Stage:
    """What the tests are worth after some time."""

    seconds: float
    tests: TestSet
    score: MutationScore


def stages(
    toolchain: Toolchain, sandbox: Sandbox, worker: Worker, spec: Spec, marks: Sequence[float], folder: Path
) -> tuple[Stage, ...]:
    """Grow tests until each of `marks`, in seconds, and score them there."""
    started = time.monotonic()
    build = mutants.build(toolchain, worker, spec.program, folder)
    equivalence = mutants.trivially_equivalent(worker, build)
    agent = TestingAgent(toolchain, sandbox, spec.program, spec.workload, spec.tests, folder / "tests", limits=_LIMITS)
    found: list[Stage] = []
    spent = time.monotonic() - started
    with MutantPool(sandbox, build, limits=_LIMITS) as pool:
        for mark in marks:
            started = time.monotonic()
            tests = agent.grow(max(mark - spent, 1.0), lambda _: None, pool)
            pool.leave_out(equivalence)
            spent += time.monotonic() - started
            found.append(Stage(spent, tests, scored(sandbox, build, tests, pool.score)))
    return tuple(found)


def scored(sandbox: Sandbox, build: MutantBuild, tests: TestSet, known: MutationScore) -> MutationScore:
    """The score of the kept tests alone."""
    return mutants.measure(
        sandbox,
        build,
        [case.invocation for case in tests.cases],
        lambda mutants: known.equivalent & {mutant.number for mutant in mutants},
        limits=_LIMITS,
    )


def row(name: str, found: Sequence[Stage], covered: Coverage) -> str:
    """One program's result."""
    last = found[-1].score
    shares = " ".join(f"{share.ratio:5.2f}" for share in (covered.lines, covered.branches, covered.conditions))
    scores = " ".join(f"{stage.score.score:5.3f}" for stage in found)
    counts = f"{len(last.mutants)} mutants, {len(last.equivalent)} equivalent, {last.unreached} unreached"
    return f"{name:16} {shares}   {scores}   {len(found[-1].tests.cases):3} tests   {counts}"


def main() -> None:
    """Print a row a program and the geometric means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--seconds", default="5,10,20,40,60", help="when to score")
    parser.add_argument("--survivors", action="store_true", help="list the mutants that no test catches")
    wanted = parser.parse_args()
    marks = [float(mark) for mark in wanted.seconds.split(",")]
    toolchain, sandbox = Toolchain.find(), Sandbox.find()
    print(f"{'':16} lines branch mc/dc   " + " ".join(f"{mark:3g} s" for mark in marks))
    scores: list[list[float]] = []
    for path in sorted(path for folder in wanted.folders for path in folder.glob("**/llmcoop.toml")):
        spec = load(path)
        try:
            with tempfile.TemporaryDirectory() as name, Worker(sandbox) as worker:
                found = stages(toolchain, sandbox, worker, spec, marks, Path(name))
                inputs = [case.invocation for case in found[-1].tests.cases]
                covered = coverage.measure(
                    toolchain, sandbox, spec.program, inputs, Path(name), limits=_LIMITS, seconds=_COVERAGE_S
                )
        except LLMCoopError as error:
            print(f"{path.parent.name:16} {error.message.splitlines()[0]}", flush=True)
            continue
        scores.append([stage.score.score for stage in found])
        print(row(path.parent.name, found, covered), flush=True)
        for mutant in found[-1].score.survived if wanted.survivors else ():
            place = f"{mutant.function}:{mutant.line}"
            reached = "" if mutant.number in found[-1].score.reached else " (not reached)"
            print(f"    {place:24} {mutant.operator}: {mutant.description}{reached}", flush=True)
    if scores:
        means = (
            math.exp(statistics.fmean(math.log(max(score, 1e-3)) for score in each))
            for each in zip(*scores, strict=True)
        )
        print(f"{'geomean':35}" + " ".join(f"{mean:5.3f}" for mean in means))


if __name__ == "__main__":
    main()
