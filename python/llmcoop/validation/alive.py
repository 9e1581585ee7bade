"""Ask alive-tv, the validator of the Alive2 project, where it is installed."""

from __future__ import annotations

import functools
import re
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from llmcoop import process
from llmcoop.ir.refining import Answer
from llmcoop.process import Completed
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.validation.values import CounterexampleArgument, CounterexampleArguments, Validation

TOOL = "alive-tv"
_MEMORY_BYTES = 3 << 30
_SOLVER_MB = 2048
_OUTPUT_BYTES = 4 << 20
_QUERIES = 4  # in a row for one function: undefined behaviour, poison, value, memory
_COUNTS = {
    Answer.CORRECT: "correct transformations",
    Answer.INCORRECT: "incorrect transformations",
    Answer.UNPROVED: "failed-to-prove transformations",
    Answer.UNSUPPORTED: "Alive2 errors",
}
_UNKNOWN_TO_IT = ("Signature mismatch", "Unsupported")


@dataclass(frozen=True, slots=True)
class AliveTv:
    """The tool, and the libraries that it needs from outside of the system's folders."""

    executable: Path
    libraries: tuple[Path, ...]

    @staticmethod
    def find() -> AliveTv | None:
        """The one on PATH; None if there is none."""
        found = shutil.which(TOOL)
        if found is None:
            return None
        return AliveTv(Path(found).absolute(), _libraries(Path(found).absolute()))

    def validate(
        self, old_ir: str, new_ir: str, function: str, *, sandbox: Sandbox, seconds: float, unroll: int | None
    ) -> Validation:
        """Whether `function` of `new_ir` refines that of `old_ir`; `unroll` must be given if there are loops."""
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="llmcoop-alive-") as name:
            folder = Path(name)
            folder.chmod(0o755)  # the sandbox may have another user
            old, new = folder / "old.ll", folder / "new.ll"
            old.write_text(old_ir)
            new.write_text(new_ir)
            bound = [] if unroll is None else [f"--src-unroll={unroll}", f"--tgt-unroll={unroll}"]
            options = [f"--smt-to={max(1, int(seconds * 1000 / _QUERIES))}", f"--smt-max-mem={_SOLVER_MB}", *bound]
            command = sandbox.command(
                [self.executable, *options, f"--func={function}", old, new],
                readonly=[self.executable, *self.libraries, folder],
                limits=Limits(cpu_s=seconds + 1, memory_bytes=_MEMORY_BYTES),
            )
            completed = process.run(command, timeout_s=seconds, output_limit=_OUTPUT_BYTES)
        return understood(completed, unroll, time.monotonic() - started)


@functools.cache
def _libraries(executable: Path) -> tuple[Path, ...]:
    """The shared libraries that it loads from elsewhere than the system's folders."""
    listed = process.run(["ldd", executable], timeout_s=20).stdout.decode(errors="replace")
    found = [Path(path) for path in re.findall(r"=> (/\S+)", listed)]
    return tuple(
        path for path in found if not any(path.is_relative_to(folder) for folder in ("/usr", "/lib", "/lib64"))
    )


def understood(completed: Completed, unroll: int | None, seconds: float) -> Validation:
    """What a run of alive-tv says. `unroll` is the bound it was given; None: none, as there are no loops."""
    said = completed.stdout.decode(errors="replace")
    answer, detail = _answer(completed, said, unroll, seconds)
    bound = None if answer is Answer.CORRECT else unroll
    counterexample = _counterexample(said) if answer is Answer.INCORRECT else None
    return Validation(answer, TOOL, detail, seconds, bound, counterexample)


def _answer(completed: Completed, said: str, unroll: int | None, seconds: float) -> tuple[Answer, str]:
    counts = _counts(said)
    if counts is None:
        return _without_summary(completed, seconds)
    if not any(counts.values()):
        return Answer.UNSUPPORTED, "alive-tv finds no such function in both modules"
    reason = _reason(said)
    if counts[Answer.UNPROVED] and any(phrase in reason for phrase in _UNKNOWN_TO_IT):
        return Answer.UNSUPPORTED, reason
    for answer in (Answer.INCORRECT, Answer.UNSUPPORTED, Answer.UNPROVED):
        if counts[answer]:
            return answer, reason
    if unroll is not None and "(syntactically equal)" not in said:
        return Answer.BOUNDED, f"no counterexample with up to {unroll} iterations of each loop"
    always = " because the old function is always undefined" if "Source function is always UB" in said else ""
    return Answer.CORRECT, f"proved{always}"


def _without_summary(completed: Completed, seconds: float) -> tuple[Answer, str]:
    """It did not come to an end: it was stopped, could not read the modules (exit status 1 or 255), or crashed."""
    if completed.timed_out:
        return Answer.UNPROVED, f"no answer within {seconds:.0f} s"
    if completed.output_exceeded:
        return Answer.UNPROVED, f"more than {_OUTPUT_BYTES >> 20} MiB of output"
    words = (completed.stderr or completed.stdout).decode(errors="replace").strip()
    last = words.splitlines()[-1] if words else f"exit status {completed.returncode}"
    if completed.returncode in (1, 255):
        return Answer.UNSUPPORTED, f"alive-tv: {last}"
    return Answer.UNPROVED, f"alive-tv crashed: {last}"


def _counts(said: str) -> dict[Answer, int] | None:
    """How many functions it says this or that of; None without its summary."""
    found = {answer: re.search(rf"^  (\d+) {words}$", said, re.MULTILINE) for answer, words in _COUNTS.items()}
    return {answer: int(match[1]) for answer, match in found.items() if match} if all(found.values()) else None


def _reason(said: str) -> str:
    """Its first error that has a reason in it, in one line."""
    errors = re.findall(r"^ERROR: (.+(?:\n.+)*)", said, re.MULTILINE)
    reason = " ".join(errors[0].split("\nERROR:")[0].split()) if errors else ""
    approximated = re.findall(r"^ - (.+)$", said, re.MULTILINE)
    return f"{reason} {'; '.join(approximated)}" if approximated else reason


def _counterexample(said: str) -> CounterexampleArguments:
    """The lines behind "Example:", such as `i32 %x = #x80000000 (2147483648, -2147483648)`."""
    example = re.search(r"^Example:\n((?:.+\n)*)", said, re.MULTILINE)
    arguments = []
    for line in example[1].splitlines() if example else []:
        target, _, value = line.partition(" = ")
        arguments.append(CounterexampleArgument(target.rsplit(" ", 1)[-1].removeprefix("%"), value, _lanes(value)))
    return CounterexampleArguments(tuple(arguments))


def _lanes(value: str) -> tuple[int, ...]:
    """The bits of each lane; none if a part of it is no number, or not a fixed one."""
    plain = value.strip("<>{} ")
    parts = re.findall(r"(?:^|, )(#[xb]\w+ \([^)]*\)|#[xb]\w+|\w+(?:\([^)]*\))?)", plain)
    if "based on undef" in value or not parts or not all(part.startswith("#") for part in parts):
        return ()
    return tuple(int(f"0{part.split()[0][1:]}", 0) for part in parts)
