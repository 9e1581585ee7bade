"""Better versions of single functions: run `opt` with the plugin, which proposes, and answer what it asks the run."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from io import BufferedRWPair
from pathlib import Path
from typing import Any

from llmcoop import process, record
from llmcoop.agents.ir import IrBrief
from llmcoop.models import BudgetSpent, ModelError, Reply, Request, ToolsRefused
from llmcoop.toolchain import Toolchain

_GRACE_S = 20.0  # for opt to start, to parse the module and to end
_POLL_S = 0.2
_SOCKET, _BITCODE = "run.sock", "functions.bc"
_LINE_LIMIT = 64 << 20
_CALLS = 16  # of the model at the same time; the model has limits of its own
_SECRET = "OPENAI_API_KEY"  # opt asks the run, which asks the model


@dataclass(frozen=True, slots=True)
class FunctionProposal:
    """What the plugin proposes: `ir` is a module whose one definition replaces that of the same name."""

    function: str
    pipeline: str
    ir: str
    authored: bool = False  # by a model or a person; otherwise it comes from LLVM's own passes alone


@dataclass(frozen=True, slots=True)
class FunctionVerdict:
    """The run's answer; an accepted proposal is what the next ones build on."""

    accepted: bool
    speedup: float | None
    message: str  # also for the model that made the proposal
    stop: bool = False


Judge = Callable[[FunctionProposal], FunctionVerdict]
Ask = Callable[[Request], Reply]  # a model; raises ModelError


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
    run = _Run(functions, judge, time.monotonic() + budget_s)
    return _converse(toolchain, plugin, module, run, folder)


def expand_functions(
    toolchain: Toolchain,
    plugin: Path,
    module: bytes,
    functions: Sequence[str],
    *,
    judge: Judge,
    ask: Ask,
    brief: IrBrief,
    budget_s: float,
    folder: Path,
    count: Callable[[int], None] = lambda _: None,
) -> str:
    """Have a model rewrite `functions` of `module` inside opt, as `search_functions` has passes try.

    `judge` is called in this thread, `ask` in others. Each function takes a conversation's number, from that of
    `brief` on. At the end `count` is told how many replies, and tool calls in them, nothing could be made of.
    Raises the first ModelError that `ask` raised, after opt has ended.
    """
    run = _Run(functions, judge, time.monotonic() + budget_s, brief, ask)
    said = _converse(toolchain, plugin, module, run, folder)
    count(run.unusable)
    if run.failure is not None:
        raise run.failure
    return said


def _converse(toolchain: Toolchain, plugin: Path, module: bytes, run: _Run, folder: Path) -> str:
    """Start opt and answer it until it ends; what it said on stderr."""
    (folder / _BITCODE).write_bytes(module)
    (folder / _SOCKET).unlink(missing_ok=True)
    # opt works in the folder: a path in a socket address or in a pass parameter may be too long or have a comma.
    argv = [
        *(str(toolchain.opt), f"-load-pass-plugin={plugin}", f"-passes=llmcoop<run={_SOCKET}>"),
        *(_BITCODE, "-o", "/dev/null", "-pass-remarks=llmcoop", "-pass-remarks-missed=llmcoop"),
    ]
    command = process.dying_with_us(argv)
    environment = {name: value for name, value in os.environ.items() if name != _SECRET}
    timeout_s = max(0.0, run.deadline - time.monotonic()) + _GRACE_S
    with ThreadPoolExecutor(1) as pool, _listening(folder) as server:
        opt = pool.submit(process.run, command, cwd=folder, env=environment, timeout_s=timeout_s)
        connection = _accept(server, opt)
        if connection is not None:
            with connection:
                run.answer(connection)
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


class _Run:
    """The run's side of the conversation; `llmcoop.connection` describes it."""

    def __init__(
        self,
        functions: Sequence[str],
        judge: Judge,
        deadline: float,
        brief: IrBrief | None = None,
        ask: Ask | None = None,
    ) -> None:
        self.deadline = deadline
        self.failure: ModelError | None = None  # the first one
        self.unusable = 0  # replies and tool calls, as the plugin says
        self._over = False  # nothing more is judged or asked
        self._functions, self._judge, self._brief, self._ask = functions, judge, brief, ask
        self._writing = threading.Lock()

    def answer(self, connection: socket.socket) -> None:
        """Answer the plugin until it, or the time, ends."""
        left_s = max(0.0, self.deadline - time.monotonic())
        connection.settimeout(max(_GRACE_S, left_s))
        pool = ThreadPoolExecutor(_CALLS)
        try:
            with connection.makefile("rwb") as stream:
                agent = record.dump(self._brief) if self._brief else None
                self._send(stream, {"functions": list(self._functions), "budget_s": left_s, "agent": agent})
                replies = self._serve(stream, pool)
                for reply in replies:
                    reply.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _serve(self, stream: BufferedRWPair, pool: ThreadPoolExecutor) -> list[Future[None]]:
        """Judge proposals, and have the pool ask the model; gives what it was asked for."""
        asked: list[Future[None]] = []
        while (request := _receive(stream)) is not None:
            if "unusable" in request:
                self.unusable = request["unusable"]
            elif "ask" in request:
                asked.append(pool.submit(self._reply, stream, request))
            else:
                self._send(stream, {"id": request["id"], **self._judged(request)})
        return asked

    def _judged(self, request: Mapping[str, Any]) -> dict[str, object]:
        """The answer to a proposal."""
        proposal = FunctionProposal(request["function"], request["pipeline"], request["ir"], request["authored"])
        self._over = self._over or time.monotonic() >= self.deadline
        verdict = None if self._over else self._judge(proposal)
        if verdict is None or verdict.stop:
            self._over = True
            return {"stop": True}
        return {"accepted": verdict.accepted, "speedup": verdict.speedup, "message": verdict.message}

    def _reply(self, stream: BufferedRWPair, request: Mapping[str, Any]) -> None:
        """Ask the model. Whatever goes wrong, the plugin gets an answer and does not wait."""
        assert self._ask is not None, "only a brief makes the plugin ask"
        answer: dict[str, object] = {"error": {"kind": "ModelError", "message": "the run could not ask the model"}}
        try:
            if self._over:
                raise BudgetSpent("the search is over")
            answer = {"reply": record.dump(self._ask(record.load(Request, request["ask"])))}
        except ModelError as error:
            if not (self._over or isinstance(error, ToolsRefused)):
                self.failure = self.failure or error
            answer = {"error": {"kind": type(error).__name__, "message": error.message}}
        finally:
            self._send(stream, {"id": request["id"], **answer})

    def _send(self, stream: BufferedRWPair, message: dict[str, object]) -> None:
        """Tell the plugin; that it has ended in the meantime shows when its next request is read."""
        with self._writing, contextlib.suppress(OSError, ValueError):
            stream.write(json.dumps(message).encode() + b"\n")
            stream.flush()


def _receive(stream: BufferedRWPair) -> dict[str, Any] | None:
    """The next request; None when the plugin has ended, has crashed or takes too long."""
    try:
        line = stream.readline(_LINE_LIMIT)
    except OSError:
        return None
    return json.loads(line) if line.endswith(b"\n") else None
