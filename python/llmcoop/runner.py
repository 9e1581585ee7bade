"""Run untrusted executables again and again in one sandbox, each run like the first, and measure each.

The other half is cpp/runner: main.c there documents the protocol and what a run can see.
"""

from __future__ import annotations

import hashlib
import math
import os
import secrets
import shutil
import signal
import struct
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import Self

import llmcoop
from llmcoop.errors import ToolchainError, UsageError
from llmcoop.process import Child, ChildDied, ChildTimedOut
from llmcoop.sandbox import ENVIRONMENT, Limits, Sandbox
from llmcoop.values import Invocation

OUT = "/out"  # where a candidate sees the folder that outlives its run
_NOT_PINNED = 2**64 - 1
_NOBODY = 65534
_START_S = 30.0
_GRACE_S = 30.0  # for what a run does besides the program: copies, cleaning up, a busy machine
_MIB = 1 << 20


class RunnerDied(ToolchainError):  # noqa: N818 - it says what happened
    """The runner itself ended or hangs: no statement about the candidate."""


class _Ending(IntEnum):
    """As `Ending` in runner.h."""

    EXITED = 0
    SIGNALLED = 1
    TIMED_OUT = 2
    OUT_OF_MEMORY = 3
    NOT_EXECUTABLE = 4


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
    stdout_sha256: str
    stderr: bytes  # at most the last 64 KiB
    status: str  # "exit 0", "signal SIGSEGV", "time-out after 10 s", …


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
        self._user = _user_of_candidates() if sandbox.as_root else 0
        self._folder: Path | None = None
        self._child: Child | None = None

    def __enter__(self) -> Self:
        """Start it. Raises RunnerDied, or UsageError for a CPU or an executable that is not there."""
        if self._cpu is not None and self._cpu not in os.sched_getaffinity(0):
            raise UsageError(f"CPU {self._cpu} is not available", f"use one of {sorted(os.sched_getaffinity(0))}")
        contents = [_contents(path) for path in self._executables]
        self._child = Child(self._command())
        try:
            self._ask([self._settings(), *_blobs(contents)])
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
                *_blobs([b"program", *(os.fsencode(argument) for argument in invocation.args)]),
                *_named_blobs(invocation.files),
                _number(len(invocation.stdin)),
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
            exit_code=code if ending == _Ending.EXITED else None,
            signal=code if ending == _Ending.SIGNALLED else None,
            timed_out=ending == _Ending.TIMED_OUT,
            stdout=stdout,
            stdout_sha256=hashlib.sha256(stdout).hexdigest(),
            stderr=stderr,
            status=_status(_Ending(ending), code, self._limits, wall_s),
        )

    def _command(self) -> list[str]:
        program = _native_runner()
        if not self._sandbox.enabled:
            self._folder = Path(tempfile.mkdtemp(prefix="llmcoop-"))
            return [str(program), "plain"]
        options = ["--ro-bind", str(program), "/llmcoop-runner", "--dir", "/exe", "--dir", "/tmp"]
        options += ["--symlink", "/tmp/shm", "/dev/shm", "--as-pid-1"]
        # SYS_ADMIN inside the sandbox: to mount a fresh /tmp for each run, and to choose process numbers.
        options += ["--cap-drop", "ALL", "--cap-add", "CAP_SYS_ADMIN"]
        if self._user:
            options += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_KILL"]
        if self._writable is not None:
            options += ["--bind", str(self._writable.absolute()), OUT]
            if self._user:
                _give(self._writable, self._user)
        return self._sandbox.wrap(["/llmcoop-runner", "isolated"], options)

    def _settings(self) -> bytes:
        limits = self._limits
        numbers = struct.pack(
            "=7Q",
            _NOT_PINNED if self._cpu is None else self._cpu,
            self._user,
            math.ceil(limits.cpu_s),
            limits.memory_bytes or 0,
            limits.file_bytes,
            limits.processes + 1,  # without a user id of its own, the runner counts
            limits.stack_bytes,
        )
        environment = (f"{name}={self._placed(value)}" for name, value in self._environment.items())
        variables = [os.fsencode(variable) for variable in environment]
        folder = os.fsencode(self._folder or "")
        return b"".join([_number(len(folder)), folder, numbers, *_blobs(variables)])

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


def _native_runner() -> Path:
    for folder in llmcoop.__path__:
        program = Path(folder, "llmcoop-runner")
        if program.is_file():
            return program
    raise ToolchainError("llmcoop-runner is not installed beside the package", "install again: pip install .")


def _user_of_candidates() -> int:
    """A user id that nobody has, so that the process limit counts one sandbox only."""
    mapped = Path("/proc/self/uid_map").read_text().split()
    all_mapped = mapped == ["0", "0", "4294967295"]
    return 0x7000_0000 + secrets.randbelow(1 << 24) if all_mapped else _NOBODY


def _give(folder: Path, user: int) -> None:
    """Make `folder` and all in it belong to `user`; links that a candidate made are not followed."""
    for path in (folder, *folder.rglob("*")):
        os.lchown(path, user, user)


def _contents(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"can't read {path}: {error.strerror}") from error


def _number(number: int) -> bytes:
    return struct.pack("=Q", number)


def _blobs(contents: Sequence[bytes]) -> Iterable[bytes]:
    yield _number(len(contents))
    for content in contents:
        yield _number(len(content))
        yield content


def _named_blobs(files: Sequence[Path]) -> Iterable[bytes]:
    yield _number(len(files))
    for path in files:
        for content in (os.fsencode(path.name), _contents(path)):
            yield _number(len(content))
            yield content


def _status(ending: _Ending, code: int, limits: Limits, wall_s: float) -> str:
    match ending:
        case _Ending.EXITED:
            return f"exit {code}"
        case _Ending.TIMED_OUT:
            return f"time-out after {wall_s:g} s"
        case _Ending.OUT_OF_MEMORY:
            allowed = f"{limits.memory_bytes // _MIB} MiB" if limits.memory_bytes else "half of the machine's"
            return f"memory over {allowed}"
        case _Ending.NOT_EXECUTABLE:
            return f"not executable: {os.strerror(code)}"
        case _Ending.SIGNALLED:
            name = next((known.name for known in signal.Signals if known == code), str(code))
            reasons = {
                "SIGXFSZ": f": a file or output over {limits.file_bytes // _MIB} MiB",
                "SIGXCPU": f": CPU time over {limits.cpu_s:g} s",
            }
            return f"signal {name}{reasons.get(name, '')}"
