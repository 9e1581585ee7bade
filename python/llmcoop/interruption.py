"""Ctrl-C and SIGTERM: the first ends the search, the second ends the run."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

_NOTICE = b"\nstopping: the best so far is confirmed now; Ctrl-C again leaves at once\n"


class Interruption:
    """Whether the user asked the run to stop; a context manager that listens while it lasts.

    Before `defer` a signal raises KeyboardInterrupt at once, since there is nothing to lose yet. After it the first
    one is only noted, so that no transaction and no measurement breaks in the middle, and the next one raises.
    In a thread other than the main one Python can't listen, and nothing is ever `requested`.
    """

    def __init__(self) -> None:
        self.requested = False
        self._deferring = False
        self._replaced: dict[signal.Signals, Any] = {}

    def defer(self) -> None:
        """From now on the first signal is noted in `requested`."""
        self._deferring = True

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup and background jobs set it
                    self._replaced[number] = signal.signal(number, self._receive)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._replaced.items():
            signal.signal(number, handler or signal.SIG_DFL)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.requested or not self._deferring:
            raise KeyboardInterrupt
        self.requested = True
        os.write(2, _NOTICE)  # not `print`: the signal may have come in the middle of one
