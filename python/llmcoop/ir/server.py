"""The process inside the sandbox that forks a child for each job: `python -m llmcoop.ir.server`.

libLLVM is loaded once, before the forks. What a job does to memory, to LLVM's options or to itself ends with
its child. Requests come on stdin, replies go to what was stdout.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import mmap
import os
import resource
import select
import signal
import sys
import time
from typing import BinaryIO, NoReturn

from llmcoop import _llmcoop
from llmcoop.ir import codec, jobs
from llmcoop.ir.errors import IRError
from llmcoop.ir.messages import Reply, Request
from llmcoop.ir.settings import Tuning

_DETAIL_BYTES = 64 << 10
_OUT_OF_MEMORY = 2  # how a job ended itself; see ProgressPage
# What is loaded with the first job of its kind, so that the children need not: it takes longer than most jobs.
_SHARED = {"Refine": "llmcoop.validation.refinement"}


def main() -> None:
    """Serve until stdin ends."""
    requests = sys.stdin.buffer
    assert isinstance(requests, io.BufferedReader)
    with os.fdopen(os.dup(1), "wb") as replies:
        _detach(1)
        _warm_up()
        _send(replies, Reply("ready"))
        while request := _next(requests):
            _send(replies, _serve(request))


def _next(requests: io.BufferedReader) -> Request | None:
    return codec.read(Request, requests.read) if requests.peek(1) else None


def _send(replies: BinaryIO, reply: Reply) -> None:
    replies.write(codec.encode(reply))
    replies.flush()


def _detach(descriptor: int) -> None:
    """Passes can print; what they print must not get between the replies."""
    with open(os.devnull, "r+b") as nowhere:  # noqa: PTH123 - a descriptor is wanted
        os.dup2(nowhere.fileno(), descriptor)


def _warm_up() -> None:
    """Touch what every job needs, so that the children share it."""
    module = _llmcoop.Module.parse(b'target triple = "x86_64-pc-linux-gnu"\ndefine void @f() { ret void }')
    module.run_passes(Tuning().pipeline)
    module.emit("obj")


def _serve(request: Request) -> Reply:
    if request.kind in _SHARED:
        with contextlib.suppress(ImportError):  # the job says so itself
            importlib.import_module(_SHARED[request.kind])
    with mmap.mmap(-1, _llmcoop.PROGRESS_BYTES) as progress:
        source, sink = os.pipe()
        printed = os.memfd_create("printed")
        child = os.fork()
        if child == 0:
            _run_child(request, progress, sink, printed)
        os.close(sink)
        try:
            reply = _collect(source, request.wall_s)
            if reply is None:
                os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            if reply and status == 0:
                return codec.decode(Reply, reply)
            return _post_mortem(progress, printed, status, timed_out=reply is None)
        finally:
            os.close(source)
            os.close(printed)


def _collect(source: int, wall_s: float) -> bytes | None:
    """What the child writes until it ends; None when that takes too long."""
    deadline = time.monotonic() + wall_s
    received = bytearray()
    while select.select([source], [], [], max(0.0, deadline - time.monotonic()))[0]:
        chunk = os.read(source, 1 << 20)
        if not chunk:
            return bytes(received)
        received += chunk
    return None


def _post_mortem(progress: mmap.mmap, printed: int, status: int, *, timed_out: bool) -> Reply:
    end, pass_name, function, message = _llmcoop.read_progress(progress)
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    detail = message or _tail(printed)
    if timed_out or number == signal.SIGXCPU:
        return Reply("timed out", detail=detail, pass_name=pass_name, function=function)
    outcome = "out of memory" if end == _OUT_OF_MEMORY else "crashed"
    return Reply(outcome, detail=detail, signal=number, pass_name=pass_name, function=function)


def _tail(printed: int) -> str:
    size = os.fstat(printed).st_size
    return os.pread(printed, _DETAIL_BYTES, max(0, size - _DETAIL_BYTES)).decode(errors="replace").strip()


def _run_child(request: Request, progress: mmap.mmap, sink: int, printed: int) -> NoReturn:
    _detach(0)
    os.dup2(printed, 2)
    _limit(request)
    _llmcoop.report_progress(progress)
    job = codec.decode(jobs.KINDS[request.kind], request.job)
    try:
        result = job.run()
        reply = Reply("done", codec.encode(result), detail=_tail(printed))
    except IRError as error:
        reply = Reply("invalid", detail=error.reason, line=error.line, column=error.column)
    with os.fdopen(sink, "wb") as pipe:
        pipe.write(codec.encode(reply))
    os._exit(0)


def _limit(request: Request) -> None:
    limits = {
        resource.RLIMIT_CPU: int(request.cpu_s) + 1,
        resource.RLIMIT_FSIZE: request.file_bytes,
        resource.RLIMIT_STACK: request.stack_bytes,
        resource.RLIMIT_CORE: 0,
    }
    if request.memory_bytes:
        limits[resource.RLIMIT_AS] = request.memory_bytes
    for kind, limit in limits.items():
        _, hard = resource.getrlimit(kind)
        bound = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (bound, bound))


if __name__ == "__main__":
    main()
