"""Say whether rewrites of a program are equal to it: grow tests, try to break each rewrite, decide."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from llmcoop import user_rewrites, workspace
from llmcoop.errors import ProgramError
from llmcoop.examiner import Examiner
from llmcoop.function_mode import as_program
from llmcoop.report import Event, Listener, Testing
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.spec import Spec
from llmcoop.toolchain import Toolchain
from llmcoop.values import Candidate, Counterexample, Program, Refutation
from llmcoop.verdict import Ruling, decide

SCHEMA_VERSION = 1
FILE_NAME = "check.json"
TESTS, COUNTEREXAMPLES = "tests", "counterexamples"  # in the output folder
_PREPARE_SHARE, _MOST_PREPARE_S = 0.4, 30.0  # of the time, for growing and measuring tests; they serve all rewrites
_LEAST_ATTACK_S = 1.0


@dataclass(frozen=True, slots=True)
class CheckedRewrite:
    """What is to be thought of one rewrite."""

    rewrite: Path
    ruling: Ruling | None  # None: it does not compile
    reason: str
    cases_passed: int
    inputs_compared: int
    sanitizers: tuple[str, ...]
    refuted_by: Refutation | None
    counterexample: Path | None  # a folder with the input, what the original answers and what the rewrite does
    seconds: float


@dataclass(frozen=True, slots=True)
class Examination:
    """The tests that were grown for a program, and what they say of rewrites."""

    program: Program
    testing: Testing
    rewrites: tuple[CheckedRewrite, ...]
    out: Path
    seconds: float

    @property
    def accepted(self) -> bool:
        """Whether every rewrite was."""
        return all(each.ruling is Ruling.ACCEPTED for each in self.rewrites)


def check(spec: Spec, *, out: Path, listener: Listener = lambda _: None) -> Examination:
    """Grow tests for the program of `spec` and try to break its rewrites; what is found goes to the folder `out`.

    `spec.budget.seconds` is the time for all; without rewrites, tests are all that is made.

    Raises:
        UsageError: a rewrite fits none of the sources, or `out` can't be written.
        ProgramError: the program does not build.
        ToolchainError: a tool or the sandbox failed.
    """
    started = time.monotonic()
    candidates = [user_rewrites.as_candidate(spec.program, path) for path in spec.rewrites]
    seconds = spec.budget.seconds
    workspace.make(out)
    spec = as_program(spec, out)
    toolchain, sandbox = Toolchain.find(), Sandbox.find(spec.sandbox)

    def say(message: str) -> None:
        listener(Event(time.monotonic() - started, "check", message))

    with workspace.work_folder(out) as folder:
        examiner = Examiner(spec, toolchain, sandbox, out / TESTS, folder / TESTS, limits=Limits())
        prepare_s = min(seconds * _PREPARE_SHARE, _MOST_PREPARE_S) if candidates else seconds
        testing = examiner.prepare(prepare_s, say)
        checked = []
        for number, (path, candidate) in enumerate(zip(spec.rewrites, candidates, strict=True)):
            left_s = max(_LEAST_ATTACK_S, (started + seconds - time.monotonic()) / (len(candidates) - number))
            checked.append(_Check(spec, examiner, out, say).of(path, candidate, left_s))
            say(f"{path.name}: {checked[-1].ruling or 'does not compile'}: {checked[-1].reason}")
    result = Examination(spec.program, testing, tuple(checked), out, time.monotonic() - started)
    (out / FILE_NAME).write_text(to_json(result))
    return result


def to_json(result: Examination) -> str:
    """The content of check.json."""
    return json.dumps({"schema": SCHEMA_VERSION, **asdict(result)}, indent=2, default=str) + "\n"


def summary(result: Examination) -> str:
    """A few lines for a terminal."""
    testing = result.testing
    lines = [
        f"tests: {testing.cases} kept ({testing.hidden} hidden) of {testing.inputs_tried} inputs tried, "
        f"{testing.seconds:.0f} s"
    ]
    adequacy = testing.adequacy
    if adequacy is None:
        lines.append("  how good they are could not be measured")
    else:
        shares = {"lines": adequacy.lines, "branches": adequacy.branches, "MC/DC conditions": adequacy.conditions}
        covered = ", ".join(f"{share.covered} of {share.total} {name}" for name, share in shares.items())
        lines.append(f"  they run {covered}")
        lines.append(
            f"  they notice {adequacy.caught} of {adequacy.mutants} deliberately broken versions "
            f"(mutation score {adequacy.mutation_score:.2f})"
        )
        if adequacy.missed:
            lines.append(f"  missed in {', '.join(adequacy.missed[:5])}")
    for each in result.rewrites:
        lines.append(f"{each.rewrite.name}: {each.ruling or 'does not compile'}: {each.reason}")
        if each.counterexample:
            lines.append(f"  counterexample: {each.counterexample}")
    lines.append(f"results: {result.out}")
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class _Check:
    """Examines rewrites and leaves what refutes them in the folder `out`."""

    spec: Spec
    examiner: Examiner
    out: Path
    announce: Callable[[str], None]

    def of(self, rewrite: Path, candidate: Candidate, seconds: float) -> CheckedRewrite:
        started = time.monotonic()
        shown = self.out / COUNTEREXAMPLES / rewrite.stem
        shutil.rmtree(shown, ignore_errors=True)
        try:
            evidence = self.examiner.examine({candidate.source: candidate.text}, seconds, self.announce)
        except ProgramError as error:
            return CheckedRewrite(rewrite, None, error.message, 0, 0, (), None, None, time.monotonic() - started)
        verdict = decide(evidence, self.spec.accept, self.examiner.adequacy)
        failure = evidence.counterexample
        return CheckedRewrite(
            rewrite,
            verdict.ruling,
            verdict.reason,
            evidence.cases_passed,
            evidence.inputs_compared,
            evidence.sanitizers,
            failure.kind if failure else None,
            _write(failure, shown) if failure else None,
            time.monotonic() - started,
        )


def _write(counterexample: Counterexample, folder: Path) -> Path:
    """The counterexample as files."""
    case = counterexample.case
    folder.mkdir(parents=True)
    (folder / "args").write_text("\n".join(case.invocation.args), errors="surrogateescape")
    (folder / "stdin").write_bytes(case.invocation.stdin)
    (folder / "expected.stdout").write_bytes(case.stdout)
    (folder / "actual.stdout").write_bytes(counterexample.stdout)
    (folder / "status").write_text(f"expected: exit {case.exit_code}\nactual: {counterexample.status}\n")
    return folder
