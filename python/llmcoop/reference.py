"""Ask the original program what is right: expected outputs, and whether they can be trusted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from llmcoop.errors import ProgramError
from llmcoop.runner import Runner, RunResult
from llmcoop.values import Expectation, Invocation, TestCase, Workload

CLOCK_STEP_S = 1.1  # two runs this far apart differ if the program prints the time of day
_BASELINE, _REFERENCE = 0, 1
_SLOWER_UNOPTIMIZED = 2  # how many times the baseline's limit an -O0 run may take
_SANITIZER_EXIT = 86
_ALL_SANITIZED = 2  # what all inputs together may take under sanitizers, as a multiple of the limit of one
_ALL_CASES = 3  # the same for variants and tests, without sanitizers

# Any report ends the run with a code of its own; leaks are no reason to distrust an output.
SANITIZER_ENVIRONMENT = {
    "ASAN_OPTIONS": f"detect_leaks=0:exitcode={_SANITIZER_EXIT}",
    "UBSAN_OPTIONS": f"halt_on_error=1:print_stacktrace=0:exitcode={_SANITIZER_EXIT}",
}


OpenRunner = Callable[[Sequence[Path]], Runner]
Answers = Mapping[Invocation, RunResult]


@dataclass(frozen=True, slots=True)
class Discarded:
    """An input that proves nothing, and why."""

    invocation: Invocation
    origin: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reference:
    """What the original program does on the workload, its variants and the user's tests."""

    workload: TestCase
    cases: tuple[TestCase, ...]  # variants (hidden) and tests, without the workload
    discarded: tuple[Discarded, ...]
    warnings: tuple[str, ...]
    baseline_ns: int  # one run of the baseline on the workload
    variants_ns: int = 0  # one run of the baseline on each variant, together

    @property
    def variants(self) -> tuple[TestCase, ...]:
        """The hidden variants of the workload that are usable."""
        return tuple(case for case in self.cases if case.origin == "variant")


@dataclass(frozen=True, slots=True)
class Builds:
    """The original program, built three ways."""

    baseline: Path  # by the user's own flags
    reference: Path  # -O0
    sanitized: Path | None  # AddressSanitizer and UndefinedBehaviorSanitizer; None where they don't build


def establish(
    builds: Builds,
    workload: Workload,
    tests: Sequence[Expectation],
    *,
    open_runner: OpenRunner,
    limit_s: float,
) -> Reference:
    """Run the original on every input; what the sanitizers say comes later (`without_unclean`).

    `limit_s` is how long one run of the baseline on the workload may take.

    Raises:
        ProgramError: the workload crashes, takes too long, ends with another exit code than the spec says, is not
            deterministic or depends on the optimization level; or the program fails one of the user's own tests.
    """
    with open_runner([builds.baseline, builds.reference]) as runner:
        started = time.monotonic()
        first = runner.run(_BASELINE, workload.timed, timeout_s=limit_s)
        _require_success(first, workload, limit_s)
        oracle = _Oracle(runner, limit_s)
        warnings = tuple(oracle.check_workload(workload, first))
        cases, discarded = oracle.cases(workload, tests)
        variants_ns = sum(oracle.times_ns[variant] for variant in workload.variants)
        time.sleep(max(0.0, CLOCK_STEP_S - (time.monotonic() - started)))
        _require_same(first, runner.run(_BASELINE, workload.timed, timeout_s=limit_s))
    timed = TestCase(workload.timed, first.stdout, workload.exit_code, "workload")
    return Reference(timed, cases, discarded, warnings, first.wall_ns, variants_ns)


def answer(runner: Runner, invocation: Invocation, origin: str, *, limit_s: float) -> TestCase | Discarded:
    """What the original answers to an input, or why that proves nothing; whether it is clean is not asked here.

    `runner` has the baseline first and the -O0 build second. `limit_s` is how long the baseline may take.
    """
    baseline = runner.run(_BASELINE, invocation, timeout_s=limit_s)
    reference = runner.run(_REFERENCE, invocation, timeout_s=limit_s * _SLOWER_UNOPTIMIZED)
    return _agreed(invocation, origin, baseline, reference)


def sanitized_answers(
    sanitized: Path, invocations: Sequence[Invocation], *, open_runner: OpenRunner, limit_s: float
) -> Answers:
    """Run the sanitized build on inputs, each for at most `limit_s`, all of them for twice that.

    What takes longer has no answer.
    """
    answers: dict[Invocation, RunResult] = {}
    deadline = time.monotonic() + _ALL_SANITIZED * limit_s
    with open_runner([sanitized]) as runner:
        for invocation in invocations:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                break
            result = runner.run(0, invocation, timeout_s=min(limit_s, left_s))
            if not result.timed_out:
                answers[invocation] = result
    return answers


def without_unclean(reference: Reference, answers: Answers | None) -> Reference:
    """Leave out the cases on which a sanitizer complained; `None` says that there is no sanitized build.

    The workload stays, with a warning: it is what is timed, clean or not.
    """
    if answers is None:
        warning = "the program does not build with sanitizers: undefined behaviour was not looked for"
        return replace(reference, warnings=(*reference.warnings, warning))
    reports = [(case, _sanitizer_report(case, answers)) for case in reference.cases]
    warnings = list(reference.warnings)
    report = _sanitizer_report(reference.workload, answers)
    if report:
        warnings.append(f"the workload itself is not clean, so its output proves little: {report}")
    slow = sum(case.invocation not in answers for case in (reference.workload, *reference.cases))
    if slow:
        warnings.append(f"{slow} inputs, the workload or its variants, take too long under the sanitizers")
    return replace(
        reference,
        cases=tuple(case for case, report in reports if not report),
        discarded=reference.discarded
        + tuple(Discarded(case.invocation, case.origin, report) for case, report in reports if report),
        warnings=tuple(warnings),
    )


@dataclass(frozen=True, slots=True)
class _Oracle:
    """Baseline and -O0 build side by side: an answer counts only where they agree."""

    runner: Runner
    limit_s: float
    times_ns: dict[Invocation, int] = field(default_factory=dict)  # of the baseline, as they are run

    def check_workload(self, workload: Workload, baseline: RunResult) -> Iterator[str]:
        reference = self.runner.run(_REFERENCE, workload.timed, timeout_s=self.limit_s * _SLOWER_UNOPTIMIZED)
        if reference.timed_out:
            yield "the -O0 build takes too long on the workload: its expected output is the baseline's"
            return
        if _answer(reference) == _answer(baseline):
            return
        _require_same(baseline, self.runner.run(_BASELINE, workload.timed, timeout_s=self.limit_s))
        raise ProgramError(
            "the program's output on the workload depends on the optimization level: "
            f"-O0 gives {_shown(reference)}, the baseline {_shown(baseline)}",
            "look for undefined behaviour (clang -fsanitize=address,undefined) or relaxed floating point flags",
        )

    def cases(
        self, workload: Workload, tests: Sequence[Expectation]
    ) -> tuple[tuple[TestCase, ...], tuple[Discarded, ...]]:
        cases: list[TestCase] = []
        discarded: list[Discarded] = []
        deadline = time.monotonic() + _ALL_CASES * self.limit_s
        asked = [("variant", Expectation(variant)) for variant in workload.variants]
        asked += [("user", test) for test in tests]
        for number, (origin, expectation) in enumerate(asked):
            if time.monotonic() > deadline:
                late = "the inputs together take too long for the budget"
                discarded.append(Discarded(expectation.invocation, origin, late))
                continue
            answer = self._ask(expectation, origin, number - len(workload.variants) + 1)
            (cases if isinstance(answer, TestCase) else discarded).append(answer)  # type: ignore[arg-type]
        return tuple(cases), tuple(discarded)

    def _ask(self, expectation: Expectation, origin: str, number: int) -> TestCase | Discarded:
        invocation = expectation.invocation
        baseline = self.runner.run(_BASELINE, invocation, timeout_s=self.limit_s)
        self.times_ns[invocation] = baseline.wall_ns
        reference = self.runner.run(_REFERENCE, invocation, timeout_s=self.limit_s * _SLOWER_UNOPTIMIZED)
        failure = _contradiction(expectation, baseline)
        if failure:
            raise ProgramError(
                f"the original program fails [[test]] number {number}: {failure}",
                "correct the test or the program",
            )
        return _agreed(invocation, origin, baseline, reference)


def _agreed(invocation: Invocation, origin: str, baseline: RunResult, reference: RunResult) -> TestCase | Discarded:
    if baseline.exit_code is None:
        return Discarded(invocation, origin, f"the original ends with {baseline.status}")
    if reference.exit_code is None or _answer(reference) != _answer(baseline):
        return Discarded(invocation, origin, f"-O0 gives {_shown(reference)}, the baseline {_shown(baseline)}")
    return TestCase(invocation, baseline.stdout, baseline.exit_code, origin, hidden=origin == "variant")


def _contradiction(expectation: Expectation, result: RunResult) -> str:
    """How the original differs from what the user states, or an empty string."""
    if expectation.exit_code is not None and result.exit_code != expectation.exit_code:
        return f"it ends with {result.status}, not exit code {expectation.exit_code}"
    if expectation.stdout is not None and result.stdout != expectation.stdout:
        return f"it prints {_excerpt(result.stdout)}, not {_excerpt(expectation.stdout)}"
    return ""


def _require_success(result: RunResult, workload: Workload, limit_s: float) -> None:
    args = " ".join(workload.timed.args)
    run = f"the workload run (args: {args!r})" if args else "the workload run (no args)"
    if result.timed_out:
        raise ProgramError(
            f"{run} takes longer than {limit_s:.3g} s",
            "choose a smaller workload, or raise --budget seconds=… (a run may take a tenth of it)",
        )
    if result.exit_code == workload.exit_code:
        return
    said = result.stderr.decode(errors="replace").strip().splitlines()
    detail = f"; it says: {said[-1][:300]}" if said else ""
    hint = "does it need --args, --stdin or files? See the [workload] table of llmcoop.toml"
    if result.exit_code is not None:
        hint += f"; if {result.exit_code} is right, say exit_code = {result.exit_code} there"
    raise ProgramError(f"{run} ends with {result.status}{detail}", hint)


def _require_same(first: RunResult, second: RunResult) -> None:
    if _answer(first) != _answer(second):
        raise ProgramError(
            f"the program is not deterministic: two runs on the workload give {_shown(first)} and {_shown(second)}",
            "take times, addresses, random seeds and thread races out of its output, or give it a fixed seed",
        )


def _sanitizer_report(case: TestCase, answers: Answers) -> str:
    """The line in which a sanitizer says what is wrong on this input, or an empty string."""
    result = answers.get(case.invocation)
    if result is None or result.passes(case):
        return ""
    for line in result.stderr.decode(errors="replace").splitlines():
        if "runtime error" in line or "ERROR: AddressSanitizer" in line:
            return line.strip()[:300]
    return f"the sanitized build gives {_shown(result)}"


def _answer(result: RunResult) -> tuple[int | None, bytes]:
    return result.exit_code, result.stdout


def _shown(result: RunResult) -> str:
    return f"{result.status} with output {_excerpt(result.stdout)}"


def _excerpt(data: bytes) -> str:
    text = data[:60].decode(errors="backslashreplace")
    return repr(text) + ("…" if len(data) > 60 else "")
