"""Values that a forked process makes, one after the other, until it ends or breaks."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from typing import Generic, NoReturn, TypeVar

from llmcoop.ir import codec

T = TypeVar("T")
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class _Broken(Exception):  # noqa: N818 - never leaves this module
    """The process ended, or does not answer."""


class Stream(Generic[T]):
    """What an iterator yields in a process of its own. Nothing that happens to that process harms this one."""

    def __init__(self, values: Iterator[T], kind: type[T]) -> None:
        """`values` is only run in the child; `kind` is a dataclass that the codec knows."""
        self._kind = kind
        self._child, self._source = self._start(values)

    def next(self, timeout_s: float) -> T | None:
        """The next value; None for ever when the process ended, does not answer or does not keep to the protocol."""
        deadline = time.monotonic() + timeout_s
        try:
            return codec.read(self._kind, lambda n_bytes: self._receive(n_bytes, deadline))
        except (_Broken, codec.MalformedMessage):
            os.kill(self._child, signal.SIGKILL)
            return None

    def restart(self, values: Iterator[T]) -> None:
        """Go on with other values in a fresh process."""
        self.close()
        self._child, self._source = self._start(values)

    def close(self) -> None:
        """End the process."""
        os.kill(self._child, signal.SIGKILL)
        os.waitpid(self._child, 0)
        os.close(self._source)

    def _start(self, values: Iterator[T]) -> tuple[int, int]:
        source, sink = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(source)
            _run(values, sink)
        os.close(sink)
        return child, source

    def _receive(self, n_bytes: int, deadline: float) -> bytes:
        received = bytearray()
        while len(received) < n_bytes:
            if not select.select([self._source], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise _Broken
            chunk = os.read(self._source, min(n_bytes - len(received), 1 << 20))
            if not chunk:
                raise _Broken
            received += chunk
        return bytes(received)


def _run(values: Iterator[object], sink: int) -> NoReturn:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        for value in values:
            _write(sink, codec.encode(value))
    finally:
        if sys.exc_info()[0] not in (None, BrokenPipeError):
            traceback.print_exc()
        os._exit(0)


def _write(sink: int, message: bytes) -> None:
    view = memoryview(message)
    while view:
        view = view[os.write(sink, view) :]
