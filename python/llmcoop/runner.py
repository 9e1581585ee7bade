"""Run untrusted executables again and again in one sandbox, each run like the first, and measure each.

The other half is cpp/runner: main.c there documents the protocol and what a run can see.
"""

from __future__ import annotations

import os
import secrets
import shutil
import struct
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from llmcoop import native
from llmcoop.answers import same_output
from llmcoop.errors import ToolchainError, UsageError
from llmcoop.native import Ending
from llmcoop.process import Child, ChildDied, ChildTimedOut
from llmcoop.sandbox import ENVIRONMENT, Limits, Sandbox
from llmcoop.values import Invocation, TestCase

OUT = "/out"  # where a candidate sees the folder that outlives its run
_START_S = 30.0
_GRACE_S = 30.0  # for what a run does besides the program: copies, cleaning up, a busy machine


class RunnerDied(ToolchainError):  # noqa: N818 - it says what happened
    """The runner itself ended or hangs: no statement about the candidate."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """One run of one program. Whatever the program did is data here, never an exception."""

    wall_ns: int  # from execve to the end of the first process
    queued_ns: int  # of wall_ns, ready but without a CPU; 0 with threads or children, or where unknown
    cpu_ns: int  # user and system time of all processes of the run
    peak_rss_bytes: int
    exit_code: int | None
    signal: int | None
    timed_out: bool
    stdout: bytes
    stderr: bytes  # at most the last 64 KiB
    status: str  # "exit 0", "signal SIGSEGV", "time-out after 10 s", …

    def passes(self, case: TestCase) -> bool:
        """Whether the run did what the test case expects."""
        return self.exit_code == case.exit_code and same_output(case.stdout, self.stdout)


class Runner:
    """A running sandbox that holds copies of some executables; use it in a `with` block.

    Every run starts in an empty working directory with the same argv[0], environment and process number,
    so that a candidate can't tell a test from a timed run, nor remember the one before. One runner serves
    one thread, and ends with the thread that entered it.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        executables: Sequence[Path],
        *,
        limits: Limits,
        cpu: int | None = None,
        env: Mapping[str, str] | None = None,
        writable: Path | None = None,
    ) -> None:
        """`cpu` pins runner and candidates to one CPU. `writable` is a host folder seen as /out, never wiped;
        as root it is given to the candidates' user id.

        `env` is added to a minimal environment. A value in it that starts with "/out/" also works without
        a sandbox, where it is replaced by the folder's own path.
        """
        self._sandbox = sandbox
        self._executables = tuple(executables)
        self._limits = limits
        self._cpu = cpu
        self._environment = {**ENVIRONMENT, **(env or {})}
        self._writable = writable
        self._user = native.user_of_candidates(sandbox)
        self._folder: Path | None = None
        self._child: Child | None = None

    def __enter__(self) -> Self:
        """Start it. Raises RunnerDied, or UsageError for a CPU or an executable that is not there."""
        native.require_cpu(self._cpu)
        contents = [native.contents(path) for path in self._executables]
        self._child = Child(self._command())
        try:
            self._ask([self._settings(), *native.blobs(contents)])
            self._numbers(1, _START_S)
        except RunnerDied:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the sandbox with everything in it; harmless when it has ended already."""
        if self._child is not None:
            self._child.close()
            self._child = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def run(self, executable: int, invocation: Invocation, *, timeout_s: float | None = None) -> RunResult:
        """Run `executables[executable]` once. `timeout_s` is wall time, `limits.wall_s` by default.

        Raises RunnerDied if the runner ended or does not answer, UsageError if an input file can't be read.
        """
        if not 0 <= executable < len(self._executables):
            raise UsageError(f"no executable number {executable} in this runner")
        wall_s = self._limits.wall_s if timeout_s is None else timeout_s
        self._ask(
            [
                struct.pack("=QQ", executable, int(wall_s * 1e9)),
                *native.blobs([b"program", *(os.fsencode(argument) for argument in invocation.args)]),
                *_named_blobs(invocation.files),
                native.number(len(invocation.stdin)),
                invocation.stdin,
            ]
        )
        ending, code, wall_ns, queued_ns, cpu_ns, peak = self._numbers(6, wall_s + _GRACE_S)
        stdout, stderr = self._blob(), self._blob()
        self._discard_work()
        return RunResult(
            wall_ns=wall_ns,
            queued_ns=queued_ns,
            cpu_ns=cpu_ns,
            peak_rss_bytes=peak,
            exit_code=code if ending == Ending.EXITED else None,
            signal=code if ending == Ending.SIGNALLED else None,
            timed_out=ending == Ending.TIMED_OUT,
            stdout=stdout,
            stderr=stderr,
            status=native.status(Ending(ending), code, self._limits, wall_s),
        )

    def _command(self) -> list[str]:
        program = native.installed("llmcoop-runner")
        if not self._sandbox.enabled:
            self._folder = Path(tempfile.mkdtemp(prefix="llmcoop-"))
            return [str(program), "plain"]
        command, options = native.isolated(program, self._user)
        if self._writable is not None:
            options += ["--bind", str(self._writable.absolute()), OUT]
            if self._user:
                _give(self._writable, self._user)
        return self._sandbox.wrap(command, options)

    def _settings(self) -> bytes:
        limits = self._limits
        processes = limits.processes + 1  # without a user id of its own, the runner counts
        environment = {name: self._placed(value) for name, value in self._environment.items()}
        return native.settings(self._folder, self._cpu, self._user, limits, processes, environment)

    def _placed(self, value: str) -> str:
        """An environment value with the path at which /out really is."""
        if self._sandbox.enabled or self._writable is None or not value.startswith(f"{OUT}/"):
            return value
        return f"{self._writable.absolute()}{value.removeprefix(OUT)}"

    def _discard_work(self) -> None:
        """Without a sandbox: remove what the run left, so that the runner can make the folder afresh."""
        if self._folder is None:
            return
        work = self._folder / "work"
        shutil.rmtree(work, ignore_errors=True)
        if work.exists():  # the program made parts of it unreadable
            work.rename(self._folder / f"left-{secrets.token_hex(8)}")

    def _ask(self, parts: Iterable[bytes]) -> None:
        try:
            self._running().send(b"".join(parts), _GRACE_S)
        except (ChildDied, ChildTimedOut) as error:
            raise self._died(error) from error

    def _numbers(self, count: int, timeout_s: float) -> tuple[int, ...]:
        return struct.unpack(f"={count}Q", self._receive(8 * count, timeout_s))

    def _blob(self) -> bytes:
        (size,) = self._numbers(1, _GRACE_S)
        return self._receive(size, _GRACE_S)

    def _receive(self, n_bytes: int, timeout_s: float) -> bytes:
        try:
            return self._running().receive(n_bytes, timeout_s)
        except (ChildDied, ChildTimedOut) as error:
            raise self._died(error) from error

    def _running(self) -> Child:
        if self._child is None:
            raise RunnerDied("the runner is not running", "use it inside its `with` block")
        return self._child

    def _died(self, error: ToolchainError) -> RunnerDied:
        self.close()
        return RunnerDied(
            f"the runner of {', '.join(path.name for path in self._executables)} failed: {error.message}",
            "`llmcoop doctor` checks the sandbox; a machine without free memory is another possible cause",
        )


def _give(folder: Path, user: int) -> None:
    """Make `folder` and all in it belong to `user`; links that a candidate made are not followed."""
    for path in (folder, *folder.rglob("*")):
        os.lchown(path, user, user)


def _named_blobs(files: Sequence[Path]) -> Iterable[bytes]:
    yield native.number(len(files))
    for path in files:
        yield native.blob(os.fsencode(path.name))
        yield native.blob(native.contents(path))
