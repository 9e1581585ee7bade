"""Search single functions: run `opt` with the plugin, which proposes, and answer with the run's verdicts."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from io import BufferedRWPair
from pathlib import Path

from llmcoop import process
from llmcoop.toolchain import Toolchain

_GRACE_S = 20.0  # for opt to start, to parse the module and to end
_POLL_S = 0.2
_SOCKET, _BITCODE = "run.sock", "functions.bc"
_LINE_LIMIT = 64 << 20


@dataclass(frozen=True, slots=True)
class FunctionProposal:
    """What the plugin proposes: `ir` is a module whose one definition replaces that of the same name."""

    function: str
    pipeline: str
    ir: str


@dataclass(frozen=True, slots=True)
class FunctionVerdict:
    """The run's answer; an accepted proposal is what the next ones build on."""

    accepted: bool
    speedup: float | None
    message: str
    stop: bool = False


Judge = Callable[[FunctionProposal], FunctionVerdict]


def search_functions(
    toolchain: Toolchain,
    plugin: Path,
    module: bytes,
    functions: Sequence[str],
    *,
    judge: Judge,
    budget_s: float,
    folder: Path,
) -> str:
    """Let the plugin search `functions` of `module` (bitcode) for `budget_s`; `judge` sees each proposal.

    Returns what opt said on stderr, for the log; a plugin that fails ends the search, not the run.
    """
    (folder / _BITCODE).write_bytes(module)
    (folder / _SOCKET).unlink(missing_ok=True)
    # opt works in the folder: a path in a socket address or in a pass parameter may be too long or have a comma.
    argv = [
        *(str(toolchain.opt), f"-load-pass-plugin={plugin}", f"-passes=llmcoop<run={_SOCKET}>"),
        *(_BITCODE, "-o", "/dev/null"),
    ]
    command = process.dying_with_us(argv)
    deadline = time.monotonic() + budget_s
    with ThreadPoolExecutor(1) as pool, _listening(folder) as server:
        opt = pool.submit(process.run, command, cwd=folder, timeout_s=budget_s + _GRACE_S)
        connection = _accept(server, opt)
        if connection is not None:
            with connection:
                _answer(connection, functions, judge, deadline)
        return opt.result().stderr.decode(errors="replace")


@contextlib.contextmanager
def _listening(folder: Path) -> Iterator[socket.socket]:
    """A socket in `folder`, whose own path may be longer than the address of a socket can be."""
    here = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(f"/proc/self/fd/{here}/{_SOCKET}")
            server.listen(1)
            yield server
    finally:
        os.close(here)


def _accept(server: socket.socket, opt: Future[process.Completed]) -> socket.socket | None:
    """The plugin's connection; None when opt ends without one (nothing eligible, or no interpreter)."""
    server.settimeout(_POLL_S)
    while not opt.done():
        try:
            return server.accept()[0]
        except TimeoutError:
            continue
    return None


def _answer(connection: socket.socket, functions: Sequence[str], judge: Judge, deadline: float) -> None:
    """Talk to the plugin until it, or the time, ends."""
    connection.settimeout(max(_GRACE_S, deadline - time.monotonic()))
    with connection.makefile("rwb") as stream:
        left_s = max(0.0, deadline - time.monotonic())
        _send(stream, {"functions": list(functions), "budget_s": left_s})
        while (proposal := _receive(stream)) is not None:
            verdict = judge(proposal) if time.monotonic() < deadline else None
            if verdict is None or verdict.stop:
                _send(stream, {"stop": True})
                return
            answer = {"accepted": verdict.accepted, "speedup": verdict.speedup, "message": verdict.message}
            _send(stream, answer)


def _receive(stream: BufferedRWPair) -> FunctionProposal | None:
    """The next proposal; None when the plugin has ended, has crashed or takes too long."""
    try:
        line = stream.readline(_LINE_LIMIT)
    except OSError:
        return None
    if not line.endswith(b"\n"):
        return None
    asked = json.loads(line)
    return FunctionProposal(asked["function"], asked["pipeline"], asked["ir"])


def _send(stream: BufferedRWPair, message: dict[str, object]) -> None:
    """Tell the plugin; that it has ended in the meantime shows when it is asked for the next proposal."""
    with contextlib.suppress(OSError):
        stream.write(json.dumps(message).encode() + b"\n")
        stream.flush()
