"""Run instrumented programs on very many inputs: one fork server each, all in one sandbox.

The other half is cpp/fuzz: main.c there documents the protocol.
"""

from __future__ import annotations

import os
import shutil
import struct
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from llmcoop import native
from llmcoop.errors import ProgramError, ToolchainError, UsageError
from llmcoop.native import Ending
from llmcoop.process import Child, ChildDied, ChildTimedOut
from llmcoop.reference import SANITIZER_ENVIRONMENT
from llmcoop.sandbox import ENVIRONMENT, Limits, Sandbox
from llmcoop.values import Invocation

FIRST_VALUE_FEATURE = 8 << 18  # features below are an edge's: eight for each, by how often it ran
_ANSWER = struct.Struct("=6Q32s")
_COMPARISON = struct.Struct("=3B64s64s")
_FEATURE = struct.Struct("=Q")
_END = 2**64 - 1
_REACHED_BYTES = 1 << 16
_START_S = 60.0
_GRACE_S = 30.0  # for what a batch does besides the programs: copies, cleaning up, a busy machine
_RESTART_S = 1.0  # for what a run may cost besides itself, if its server has to be started again
_BATCH_BYTES = 32 << 20  # of input that the driver holds at a time
_UNLIMITED_CPU_S = float(1 << 30)  # servers live long; what limits a run is its time-out
_ENVIRONMENT = {
    **ENVIRONMENT,
    **{name: f"{value}:symbolize=0" for name, value in SANITIZER_ENVIRONMENT.items()},
    "MSAN_OPTIONS": "exitcode=86:symbolize=0",
    "TSAN_OPTIONS": "exitcode=86:symbolize=0:halt_on_error=1",
}


class ServersDied(ToolchainError):  # noqa: N818 - it says what happened
    """The driver itself ended or hangs: no statement about any program."""


class NotServing(ProgramError):  # noqa: N818
    """A program ends before its main function is reached, or was built without the fork server's runtime.

    `target` is its index.
    """

    def __init__(self, message: str, hint: str, target: int) -> None:
        super().__init__(message, hint)
        self.target = target


class _Shown(IntEnum):
    """As `Shown` in cpp/fuzz/main.c."""

    ANSWERS = 0
    OUTPUTS = 1
    FEATURES = 2
    COMPARISONS = 3
    REACHED = 4


@dataclass(frozen=True, slots=True)
class Target:
    """A program made by `llmcoop.testing.builds`."""

    executable: Path
    limited_memory: bool = True  # False for AddressSanitizer and its like, which reserve terabytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What one program did on one input. Neither exit code nor signal: timed out, or out of memory."""

    exit_code: int | None
    signal: int | None
    timed_out: bool
    digest: bytes  # SHA-256 of stdout
    size: int  # bytes of stdout
    new_features: int  # that `keep` has not seen of this program: edges by how often they ran, and compared values
    ns: int  # wall time
    new_edges: int = 0  # of `new_features`, those of edges

    def same_as(self, other: Answer) -> bool:
        """Both ended by themselves, with the same exit code and output."""
        return (
            self.exit_code is not None
            and self.exit_code == other.exit_code
            and self.size == other.size
            and self.digest == other.digest
        )


@dataclass(frozen=True, slots=True)
class Output:
    """An answer with all that it stands for."""

    answer: Answer
    stdout: bytes
    stderr: bytes  # at most the last 64 KiB
    status: str  # "exit 0", "signal SIGSEGV", "time-out after 10 s", …


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two values that a program compared."""

    left: bytes  # an integer in little-endian order (1, 2, 4 or 8 bytes), or up to 64 bytes of memory
    right: bytes
    memory: bool  # by memcmp, strcmp or the like


class ForkServers:
    """Fork servers of some programs, and their driver, in one sandbox; use it in a `with` block.

    Every run is forked from the state right before main and has an empty working directory (but for the
    invocation's files), so nothing survives from one run to the next. One object serves one thread, and
    ends with the thread that entered it.
    """

    def __init__(self, sandbox: Sandbox, targets: Sequence[Target], *, limits: Limits, cpu: int | None = None) -> None:
        """`cpu` pins everything to one CPU. Of `limits`, CPU time and wall time are each run's `timeout_s` instead."""
        self._sandbox = sandbox
        self._targets = tuple(targets)
        self._limits = limits
        self._cpu = cpu
        self._user = native.user_of_candidates(sandbox)
        self._folder: Path | None = None
        self._child: Child | None = None

    def __enter__(self) -> Self:
        """Start all servers.

        Raises:
            NotServing: a program can't be started, or ends before its main.
            ServersDied: the driver can't be started.
            UsageError: there is no such CPU, or an executable can't be read.
        """
        native.require_cpu(self._cpu)
        contents = [native.contents(target.executable) for target in self._targets]
        self._child = Child(self._command())
        try:
            self._send(b"".join([self._settings(), *native.blobs(contents), self._rest()]))
            self._reply(_START_S)
        except (ServersDied, NotServing):
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

    def run(
        self, invocations: Sequence[Invocation], targets: Sequence[int], *, timeout_s: float, variant: int = 0
    ) -> list[tuple[Answer, ...]]:
        """Run the named targets on each invocation: for each of them, one answer per target, in this order.

        `timeout_s` is wall time of one run. `variant` is the active mutant of builds that have mutants.
        The targets of one invocation run side by side. A batch of a hundred costs little more than its runs.

        Raises:
            NotServing: the server of a program died, and can't be started again.
            ServersDied: the driver ended or does not answer.
            UsageError: a file of an invocation can't be read, or arguments are longer than Linux allows.
        """
        answers: list[tuple[Answer, ...]] = []
        for runs in _batches(invocations):
            reply = self._ask(_Shown.ANSWERS, runs, targets, timeout_s, variant)
            one_by_one = (_answer(fields) for fields in _ANSWER.iter_unpack(reply))
            answers += [tuple(next(one_by_one) for _ in targets) for _ in runs]
        return answers

    def output(self, invocation: Invocation, target: int, *, timeout_s: float, variant: int = 0) -> Output:
        """One run, with everything that it printed. Raises as `run` does."""
        reply = self._ask(_Shown.OUTPUTS, [_packed(invocation)], [target], timeout_s, variant)
        fields, rest = _ANSWER.unpack_from(reply), reply[_ANSWER.size :]
        stdout, rest = _blob(rest)
        stderr, _ = _blob(rest)
        status = native.status(Ending(fields[0]), fields[1], self._limits, timeout_s)
        return Output(_answer(fields), stdout, stderr, status)

    def keep(self, invocation: Invocation, target: int, *, timeout_s: float) -> frozenset[int]:
        """Run once more and give all features that it has; they count as seen from now on. Raises as `run` does."""
        reply = self._ask(_Shown.FEATURES, [_packed(invocation)], [target], timeout_s)
        features = (feature for (feature,) in _FEATURE.iter_unpack(reply[_ANSWER.size :]))
        return frozenset(feature for feature in features if feature != _END)

    def comparisons(self, invocation: Invocation, target: int, *, timeout_s: float) -> tuple[Comparison, ...]:
        """Values that one run compares: of each place in the code the first few and the last. Raises as `run` does."""
        reply = self._ask(_Shown.COMPARISONS, [_packed(invocation)], [target], timeout_s)
        found = (
            Comparison(left[:left_bytes], right[:right_bytes], bool(memory))
            for memory, left_bytes, right_bytes, left, right in _COMPARISON.iter_unpack(reply[_ANSWER.size :])
            if left_bytes or right_bytes
        )
        return tuple(dict.fromkeys(found))

    def reached(self, invocation: Invocation, target: int, *, timeout_s: float) -> frozenset[int]:
        """Numbers of the mutants whose place one run executes; builds with mutants only. Raises as `run` does."""
        reply = self._ask(_Shown.REACHED, [_packed(invocation)], [target], timeout_s)
        return frozenset(np.flatnonzero(np.frombuffer(reply[-_REACHED_BYTES:], np.uint8)).tolist())

    def _command(self) -> list[str]:
        program = native.installed("llmcoop-fuzzer")
        if not self._sandbox.enabled:
            self._folder = Path(tempfile.mkdtemp(prefix="llmcoop-"))
            return [str(program), "plain"]
        command, options = native.isolated(program, self._user)
        return self._sandbox.wrap(command, options)

    @property
    def _parallel(self) -> int:
        return len(os.sched_getaffinity(0)) if self._cpu is None else 1

    def _settings(self) -> bytes:
        # Without a user id of its own, the driver counts; the servers always do.
        processes = self._limits.processes * self._parallel + len(self._targets) + 1
        limits = Limits(
            cpu_s=_UNLIMITED_CPU_S,
            memory_bytes=self._limits.memory_bytes,
            file_bytes=self._limits.file_bytes,
            stack_bytes=self._limits.stack_bytes,
        )
        return native.settings(self._folder, self._cpu, self._user, limits, processes, _ENVIRONMENT)

    def _rest(self) -> bytes:
        numbers = [*(target.limited_memory for target in self._targets), self._parallel]
        return b"".join(native.number(number) for number in numbers)

    def _ask(
        self, shown: _Shown, runs: Sequence[bytes], targets: Sequence[int], timeout_s: float, variant: int = 0
    ) -> bytes:
        """A request and its reply, of which nothing was decoded yet."""
        unknown = [target for target in targets if not 0 <= target < len(self._targets)]
        if unknown or len(set(targets)) < len(targets):
            raise UsageError(f"no targets {list(targets)} here: each of 0 to {len(self._targets) - 1} at most once")
        head = struct.pack("=4Q", shown, int(timeout_s * 1e9), variant, len(targets))
        request = [head, *map(native.number, targets), native.number(len(runs)), *runs]
        self._send(native.blob(b"".join(request)))
        return self._reply(len(runs) * len(targets) * (timeout_s + _RESTART_S) + _GRACE_S)

    def _send(self, data: bytes) -> None:
        try:
            self._running().send(data, _GRACE_S)
        except (ChildDied, ChildTimedOut) as error:
            raise self._died(error) from error

    def _reply(self, timeout_s: float) -> bytes:
        try:
            success, size = struct.unpack("=2Q", self._running().receive(16, timeout_s))
            content = self._running().receive(size, _GRACE_S)
        except (ChildDied, ChildTimedOut) as error:
            raise self._died(error) from error
        if success:
            return content
        self.close()
        raise self._not_serving(content)

    def _not_serving(self, reply: bytes) -> NotServing:
        target, ending, code = struct.unpack_from("=3Q", reply)
        stderr, _ = _blob(reply[24:])
        said = stderr.decode(errors="replace").strip().splitlines()
        status = native.status(Ending(ending), code, self._limits, _START_S)
        return NotServing(
            f"{self._targets[target].executable.name} does not reach its main function: {status}"
            + (f"; it says: {said[-1][:300]}" if said else ""),
            "a constructor may fail, or the limit on memory is too low for it",
            target,
        )

    def _running(self) -> Child:
        if self._child is None:
            raise ServersDied("the fork servers are not running", "use them inside their `with` block")
        return self._child

    def _died(self, error: ToolchainError) -> ServersDied:
        self.close()
        names = ", ".join(target.executable.name for target in self._targets)
        return ServersDied(
            f"the driver of the fork servers of {names} failed: {error.message}",
            "`llmcoop doctor` checks the sandbox; a machine without free memory is another possible cause",
        )


def _packed(invocation: Invocation) -> bytes:
    """A run as the driver reads it. A zero ends an argument, as it does in C."""
    arguments = [b"program", *(os.fsencode(argument).partition(b"\0")[0] for argument in invocation.args)]
    if sum(map(len, arguments)) + len(arguments) > 1 << 21 or len(arguments) > 1 << 16:
        raise UsageError("arguments of more than 2 MiB, or more than 65535 of them")
    parts = [native.number(len(arguments)), native.blob(b"\0".join([*arguments, b""])), native.blob(invocation.stdin)]
    parts.append(native.number(len(invocation.files)))
    for path in invocation.files:
        parts += [native.blob(os.fsencode(path.name) + b"\0"), native.blob(native.contents(path))]
    return b"".join(parts)


def _batches(invocations: Sequence[Invocation]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    room = _BATCH_BYTES
    for invocation in invocations:
        run = _packed(invocation)
        if batch and len(run) > room:
            yield batch
            batch, room = [], _BATCH_BYTES
        batch.append(run)
        room -= len(run)
    if batch:
        yield batch


def _answer(fields: tuple[int, int, int, int, int, int, bytes]) -> Answer:
    ending, code, ns, size, edges, values, digest = fields
    return Answer(
        exit_code=code if ending == Ending.EXITED else None,
        signal=code if ending == Ending.SIGNALLED else None,
        timed_out=ending == Ending.TIMED_OUT,
        digest=digest,
        size=size,
        new_features=edges + values,
        ns=ns,
        new_edges=edges,
    )


def _blob(data: bytes) -> tuple[bytes, bytes]:
    """A blob, and what follows it."""
    (size,) = struct.unpack_from("=Q", data)
    return data[8 : 8 + size], data[8 + size :]
