"""What the native programs in the sandbox (cpp/runner, cpp/fuzz) share: where they are, and how one talks to them."""

from __future__ import annotations

import math
import os
import secrets
import signal
import struct
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from pathlib import Path

import llmcoop
from llmcoop.errors import ToolchainError, UsageError
from llmcoop.sandbox import Limits, Sandbox

_NOT_PINNED = 2**64 - 1
_NOBODY = 65534
_MIB = 1 << 20


class Ending(IntEnum):
    """How a run ended, as `Ending` in runner.h."""

    EXITED = 0
    SIGNALLED = 1
    TIMED_OUT = 2
    OUT_OF_MEMORY = 3
    NOT_EXECUTABLE = 4


def installed(name: str) -> Path:
    """A file that was built for the package. Raises ToolchainError if it is not beside it."""
    for folder in llmcoop.__path__:
        path = Path(folder, name)
        if path.is_file():
            return path
    raise ToolchainError(f"{name} is not installed beside the package", "install again: pip install .")


def user_of_candidates(sandbox: Sandbox) -> int:
    """The user id for candidates, 0 for our own: one that nobody has, so that the limit counts one sandbox only."""
    if not sandbox.as_root:
        return 0
    mapped = Path("/proc/self/uid_map").read_text().split()
    all_mapped = mapped == ["0", "0", "4294967295"]
    return 0x7000_0000 + secrets.randbelow(1 << 24) if all_mapped else _NOBODY


def isolated(program: Path, user: int) -> tuple[list[str], list[str]]:
    """A command line for `Sandbox.wrap`, and bwrap's options, that make `program` PID 1 of a sandbox."""
    place = f"/{program.name}"
    options = ["--ro-bind", str(program), place, "--dir", "/exe", "--dir", "/tmp"]
    options += ["--symlink", "/tmp/shm", "/dev/shm", "--as-pid-1"]
    # SYS_ADMIN inside the sandbox: to mount fresh folders for runs, and to choose process numbers.
    options += ["--cap-drop", "ALL", "--cap-add", "CAP_SYS_ADMIN"]
    if user:
        options += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_KILL"]
    return [place, "isolated"], options


def require_cpu(cpu: int | None) -> None:
    """Raises UsageError for a CPU that is not there."""
    if cpu is not None and cpu not in os.sched_getaffinity(0):
        raise UsageError(f"CPU {cpu} is not available", f"use one of {sorted(os.sched_getaffinity(0))}")


def settings(
    folder: Path | None, cpu: int | None, user: int, limits: Limits, processes: int, environment: Mapping[str, str]
) -> bytes:
    """What such a program reads first. `folder` is where it works without a sandbox."""
    numbers = struct.pack(
        "=7Q",
        _NOT_PINNED if cpu is None else cpu,
        user,
        math.ceil(limits.cpu_s),
        limits.memory_bytes or 0,
        limits.file_bytes,
        processes,
        limits.stack_bytes,
    )
    variables = [os.fsencode(f"{name}={value}") for name, value in environment.items()]
    return b"".join([blob(os.fsencode(folder or "")), numbers, *blobs(variables)])


def contents(path: Path) -> bytes:
    """Raises UsageError if the file can't be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"can't read {path}: {error.strerror}") from error


def number(value: int) -> bytes:
    """A number as the native programs read it."""
    return struct.pack("=Q", value)


def blob(content: bytes) -> bytes:
    """A string or blob as the native programs read it."""
    return number(len(content)) + content


def blobs(items: Sequence[bytes]) -> Iterable[bytes]:
    """The parts of a list of blobs."""
    yield number(len(items))
    for content in items:
        yield number(len(content))
        yield content


def status(ending: Ending, code: int, limits: Limits, wall_s: float) -> str:
    """How a run ended, in words: "exit 0", "signal SIGSEGV", "time-out after 10 s"."""
    match ending:
        case Ending.EXITED:
            return f"exit {code}"
        case Ending.TIMED_OUT:
            return f"time-out after {wall_s:g} s"
        case Ending.OUT_OF_MEMORY:
            allowed = f"{limits.memory_bytes // _MIB} MiB" if limits.memory_bytes else "half of the machine's"
            return f"memory over {allowed}"
        case Ending.NOT_EXECUTABLE:
            return f"not executable: {os.strerror(code)}"
        case Ending.SIGNALLED:
            name = next((known.name for known in signal.Signals if known == code), str(code))
            reasons = {
                "SIGXFSZ": f": a file or output over {limits.file_bytes // _MIB} MiB",
                "SIGXCPU": f": CPU time over {limits.cpu_s:g} s",
            }
            return f"signal {name}{reasons.get(name, '')}"
