"""Start other programs: the one module that does so, because every one of them needs a deadline."""

from __future__ import annotations

import contextlib
import os
import select
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from llmcoop.errors import ToolchainError

_CHUNK = 1 << 16
_STDERR_TAIL = 1 << 14
_GRACE_S = 5.0  # how long the kernel may take to end a killed process


@dataclass(frozen=True, slots=True)
class Completed:
    """How a program ended; `returncode` is the negative signal number when a signal ended it."""

    argv: tuple[str, ...]
    returncode: int
    stdout: bytes
    stderr: bytes
    timed_out: bool
    seconds: float
    output_exceeded: bool = False  # killed because it wrote more than `output_limit` bytes
    busy_ns: int = 0  # how long its first thread had a CPU; 0 where the system does not say
    queued_ns: int = 0  # how long that thread was ready but had none


class ChildDied(ToolchainError):  # noqa: N818 - it says what happened
    """A persistent child ended while it was still needed."""

    def __init__(self, argv: Sequence[str], returncode: int | None, stderr_tail: str) -> None:
        last_words = f": {stderr_tail.strip()}" if stderr_tail.strip() else ""
        super().__init__(f"{Path(argv[0]).name} ended unexpectedly (exit status {returncode}){last_words}")
        self.returncode = returncode
        self.stderr_tail = stderr_tail


class ChildTimedOut(ToolchainError):  # noqa: N818
    """A persistent child did not read or answer in time."""

    def __init__(self, argv: Sequence[str], timeout_s: float) -> None:
        super().__init__(f"{Path(argv[0]).name} did not answer within {timeout_s:g} s")


def run(
    argv: Sequence[str | os.PathLike[str]],
    *,
    stdin: bytes = b"",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float,
    output_limit: int = 64 << 20,
) -> Completed:
    """Run a program to its end, or to its time-out, in a session of its own.

    At the time-out, or when stdout and stderr together exceed `output_limit` bytes, the whole process
    group is killed; what was written until then is returned. `env=None` inherits the environment.

    Raises ToolchainError if the program can't be started.
    """
    started = time.monotonic()
    process = _start(argv, cwd=cwd, env=env, stderr=subprocess.PIPE)
    exchange = _Exchange(process, stdin, output_limit)
    try:
        drained = exchange.until(started + timeout_s)
        ended = drained and _exited(process, started + timeout_s - time.monotonic())
        seconds = time.monotonic() - started
        busy_ns, queued_ns = _scheduled(process.pid)
    finally:
        _end(process)
    return Completed(
        argv=tuple(os.fspath(part) for part in argv),
        returncode=process.returncode,
        stdout=bytes(exchange.stdout),
        stderr=bytes(exchange.stderr),
        timed_out=not ended and not exchange.exceeded,
        seconds=seconds,
        output_exceeded=exchange.exceeded,
        busy_ns=busy_ns,
        queued_ns=queued_ns,
    )


def dying_with_us(argv: Sequence[str | os.PathLike[str]]) -> list[str]:
    """`argv` such that the kernel kills it when the thread that starts it ends, even by `kill -9`.

    For programs outside of the sandbox; inside, bwrap sees to it.
    """
    return ["/usr/bin/setpriv", "--pdeathsig", "KILL", "--", *(os.fspath(part) for part in argv)]


class Child:
    """A program that stays alive and talks over binary pipes; killed at the end of the `with` block.

    A child started with `--die-with-parent` ends with the *thread* that made it (a rule of Linux).
    """

    def __init__(self, argv: Sequence[str | os.PathLike[str]], *, env: Mapping[str, str] | None = None) -> None:
        """Start it. `env=None` inherits the environment. Raises ToolchainError if it can't be started."""
        self.argv = tuple(os.fspath(part) for part in argv)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by kill(); a pipe that nobody reads would block
        try:
            self._process = _start(argv, cwd=None, env=env, stderr=self._errors)
        except ToolchainError:
            self._errors.close()
            raise
        self._input, self._output = _pipes(self._process)
        os.set_blocking(self._input.fileno(), False)

    def send(self, data: bytes, timeout_s: float = 60.0) -> None:
        """Write all of `data`. Raises ChildDied if it closed its stdin, ChildTimedOut if it does not read."""
        deadline = time.monotonic() + timeout_s
        remaining = memoryview(data)
        while remaining:
            self._await(self._input, selectors.EVENT_WRITE, deadline, timeout_s)
            try:
                remaining = remaining[os.write(self._input.fileno(), remaining) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise self._died() from None

    def receive(self, n_bytes: int, timeout_s: float) -> bytes:
        """Read exactly `n_bytes`. Raises ChildDied at end of file, ChildTimedOut if they come too late."""
        deadline = time.monotonic() + timeout_s
        received = bytearray()
        while len(received) < n_bytes:
            self._await(self._output, selectors.EVENT_READ, deadline, timeout_s)
            chunk = os.read(self._output.fileno(), min(n_bytes - len(received), 1 << 20))
            if not chunk:
                raise self._died()
            received += chunk
        return bytes(received)

    def close(self, grace_s: float = 1.0) -> None:
        """Close its stdin and give it `grace_s` to end by itself before it is killed.

        A sandbox that ends by itself is reaped by its own parent: containers often have nobody else to do so.
        """
        if not self._errors.closed:
            self._input.close()
            _exited(self._process, grace_s)
            self.kill()

    def kill(self) -> None:
        """Kill the process group and release the pipes; harmless when it has ended already."""
        if self._errors.closed:
            return
        _end(self._process)
        self._errors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _await(self, pipe: IO[bytes], event: int, deadline: float, timeout_s: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, event)
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise ChildTimedOut(self.argv, timeout_s)

    def _died(self) -> ChildDied:
        _exited(self._process, _GRACE_S)
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - _STDERR_TAIL))
        tail = self._errors.read().decode(errors="replace")
        self.kill()
        return ChildDied(self.argv, self._process.returncode, tail)


class _Exchange:
    """Feeds stdin and collects stdout and stderr of one process until it closes both."""

    def __init__(self, process: subprocess.Popen[bytes], stdin: bytes, output_limit: int) -> None:
        self.stdout, self.stderr = bytearray(), bytearray()
        self.exceeded = False
        self._stdin = memoryview(stdin)
        self._room = output_limit
        self._selector = selectors.DefaultSelector()
        pipe_in, pipe_out = _pipes(process)
        assert process.stderr is not None
        if stdin:
            os.set_blocking(pipe_in.fileno(), False)
            self._selector.register(pipe_in, selectors.EVENT_WRITE)
        else:
            pipe_in.close()
        self._selector.register(pipe_out, selectors.EVENT_READ, self.stdout)
        self._selector.register(process.stderr, selectors.EVENT_READ, self.stderr)

    def until(self, deadline: float) -> bool:
        """Exchange data; True when both outputs are closed, False at the deadline or over the limit."""
        with self._selector:
            while self._selector.get_map() and not self.exceeded:
                ready = self._selector.select(max(0.0, deadline - time.monotonic()))
                for key, _ in ready:
                    self._step(key)
                if time.monotonic() >= deadline:
                    return not self._selector.get_map()
        return not self.exceeded

    def _step(self, key: selectors.SelectorKey) -> None:
        pipe = key.fileobj
        assert not isinstance(pipe, int)
        finished = self._feed(key.fd) if key.data is None else self._collect(key.fd, key.data)
        if finished:
            self._selector.unregister(pipe)
            pipe.close()  # pyright: ignore[reportAttributeAccessIssue] - the pipes registered above

    def _feed(self, fd: int) -> bool:
        try:
            self._stdin = self._stdin[os.write(fd, self._stdin[:_CHUNK]) :]
        except BlockingIOError:
            return False
        except BrokenPipeError:  # it need not read its stdin
            return True
        return not self._stdin

    def _collect(self, fd: int, sink: bytearray) -> bool:
        chunk = os.read(fd, _CHUNK)
        self.exceeded = len(chunk) > self._room
        sink += chunk[: self._room]
        self._room -= min(len(chunk), self._room)
        return not chunk


def _start(
    argv: Sequence[str | os.PathLike[str]],
    *,
    cwd: Path | None,
    env: Mapping[str, str] | None,
    stderr: int | IO[bytes],
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            argv,
            cwd=cwd,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            bufsize=0,
            start_new_session=True,
        )
    except OSError as error:
        missing = shutil.which(argv[0]) is None
        hint = "install it, or put it on PATH; `llmcoop doctor` says what is needed" if missing else ""
        raise ToolchainError(f"can't start {os.fspath(argv[0])}: {error.strerror or error}", hint) from error


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


def _exited(process: subprocess.Popen[bytes], timeout_s: float) -> bool:
    """Wait for the end of the process, but leave it unreaped: its number still names its group then."""
    pidfd = os.pidfd_open(process.pid)
    try:
        return bool(select.select([pidfd], [], [], max(0.0, timeout_s))[0])
    finally:
        os.close(pidfd)


def _scheduled(pid: int) -> tuple[int, int]:
    """For how long the first thread of an unreaped process had a CPU, and waited for one, in nanoseconds."""
    try:
        busy_ns, queued_ns, _ = Path(f"/proc/{pid}/schedstat").read_text().split()
    except (OSError, ValueError):
        return 0, 0
    return int(busy_ns), int(queued_ns)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the process group, reap the leader and close the pipes."""
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
