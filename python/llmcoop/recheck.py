"""Check the executable that a run left once more, from nothing but the spec: does it do what the original does?"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from llmcoop import clang, export, reference
from llmcoop.function_mode import as_program
from llmcoop.reference import Discarded, Reference
from llmcoop.report import Run
from llmcoop.runner import Runner, RunResult
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.spec import Spec
from llmcoop.testing import corpus
from llmcoop.toolchain import Toolchain
from llmcoop.values import Invocation, TestCase

_LIMIT_S = 60.0  # of one run
_BASELINE, _BEST = 0, 2  # in the runner; 1 is the -O0 build
_TESTS = "tests"  # in the output folder of a run


@dataclass(frozen=True, slots=True)
class Recheck:
    """How many inputs proved something, and what the executable does otherwise on them."""

    inputs: int
    wrong: tuple[str, ...]


def recheck(spec: Spec, run: Run, out: Path) -> Recheck:
    """Compare `best` in the folder `out` with the original on workload, variants, tests and made-up inputs.

    An input on which the original's answer depends on the optimization level, or is not clean under sanitizers, proves
    nothing, as in the run itself.

    Raises:
        UsageError: files that the spec or the folder's tests name are gone.
        ProgramError: the original does not build.
        ToolchainError: a tool or the sandbox failed.
    """
    best = out / "best"
    if export.sha256(best) not in [file.sha256 for file in run.timed if file.role == "best"]:
        return Recheck(0, (f"{best} is not the file that was timed",))
    spec = replace(as_program(spec, out), program=run.program)
    toolchain, sandbox = Toolchain.find(), Sandbox.find(spec.sandbox)
    limits = Limits(cpu_s=_LIMIT_S, wall_s=_LIMIT_S)
    with tempfile.TemporaryDirectory() as name:
        baseline, unoptimized, sanitized = (Path(name, build) for build in ("baseline", "reference", "sanitized"))
        clang.build_baseline(toolchain, spec.program, baseline)
        clang.build_reference(toolchain, spec.program, unoptimized)
        with Runner(sandbox, [baseline, unoptimized, best], limits=limits) as runner:
            cases = list(_answered(runner, spec, corpus.load(out / _TESTS)))
            asked = [(case, runner.run(_BEST, case.invocation, timeout_s=_LIMIT_S)) for case in cases]
        failed = [(case, result) for case, result in asked if not result.passes(case)]
        if failed and clang.build_sanitized(toolchain, spec.program, sanitized):
            failed = _clean(failed, sanitized, sandbox, limits)
    return Recheck(len(cases), tuple(_described(case, result) for case, result in failed))


def _answered(runner: Runner, spec: Spec, made_up: Sequence[Invocation]) -> Iterator[TestCase]:
    """The inputs that prove something, with the original's answers."""
    timed = spec.workload.timed
    yield TestCase(timed, runner.run(_BASELINE, timed).stdout, spec.workload.exit_code, "workload")
    inputs = [("variant", variant) for variant in spec.workload.variants]
    inputs += [("user", test.invocation) for test in spec.tests]
    inputs += [("made-up", invocation) for invocation in made_up]
    for origin, invocation in inputs:
        answer = reference.answer(runner, invocation, origin, limit_s=_LIMIT_S)
        if not isinstance(answer, Discarded):
            yield answer


def _clean(
    failed: Sequence[tuple[TestCase, RunResult]], sanitized: Path, sandbox: Sandbox, limits: Limits
) -> list[tuple[TestCase, RunResult]]:
    """Those on whose input the original is clean; the workload is what counts, clean or not."""
    answers = reference.sanitized_answers(
        sanitized,
        [case.invocation for case, _ in failed],
        open_runner=lambda executables: Runner(
            sandbox, executables, limits=replace(limits, memory_bytes=None), env=reference.SANITIZER_ENVIRONMENT
        ),
        limit_s=_LIMIT_S,
    )
    cases = tuple(case for case, _ in failed)
    kept = reference.without_unclean(Reference(cases[0], cases, (), (), 0), answers).cases
    return [(case, result) for case, result in failed if case in kept or case.origin == "workload"]


def _described(case: TestCase, result: RunResult) -> str:
    args = " ".join(case.invocation.args)
    if result.exit_code != case.exit_code:
        return f"{result.status} on a {case.origin} input (args: {args}), and the original: exit {case.exit_code}"
    return f"another output on a {case.origin} input (args: {args})"
