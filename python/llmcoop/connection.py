"""The line from the plugin, inside `opt`, to the run that started it: JSON over a socket."""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from llmcoop.errors import ToolchainError

_LINE_LIMIT = 64 << 20  # bytes


class Connection:
    """Asks the run, from any thread; several requests may wait for their answers at the same time.

    One JSON object a line. The run begins: {"functions": [names], "budget_s": seconds, "agent": object or null}. A
    request has a number, {"id": 1, …}, and so has its answer. The kinds of requests:
    {"function": name, "pipeline": text, "ir": text, "authored": bool}, answered by {"accepted": bool, "speedup": float
    or null, "message": text}, or {"stop": true} when the budget is spent; and {"ask": request of a model}, answered by
    {"reply": reply} or {"error": {"kind": name, "message": text}}. What has no number wants no answer: {"unusable":
    how many replies of the model, and tool calls in them, nothing could be made of so far}.
    """

    def __init__(self, path: str) -> None:
        """Raises ToolchainError if no run listens at `path`."""
        self._path = path
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Future[dict[str, Any]]] = {}
        self._failure: ToolchainError | None = None
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.connect(path)
            self._answers = self._socket.makefile("rb")
            self.opening = self._receive()
        except OSError as error:
            self._socket.close()
            raise self._lost(str(error)) from error
        except ToolchainError:
            self._socket.close()
            raise
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def request(self, message: Mapping[str, object]) -> dict[str, Any]:
        """The answer, for as long as the run takes. Raises ToolchainError if the run is lost."""
        answer: Future[dict[str, Any]] = Future()
        with self._lock:
            if self._failure is not None:
                raise self._failure
            number = next(self._numbers)
            self._waiting[number] = answer
            # That the run is gone shows to the one who reads.
            with contextlib.suppress(OSError):
                self._socket.sendall(json.dumps({"id": number, **message}).encode() + b"\n")
        return answer.result()

    def tell(self, message: Mapping[str, object]) -> None:
        """Say something that wants no answer; a run that is lost does not hear it."""
        with self._lock, contextlib.suppress(OSError):
            self._socket.sendall(json.dumps(message).encode() + b"\n")

    def close(self) -> None:
        """The run sees the end of the search."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join()
        self._answers.close()
        self._socket.close()

    def _read(self) -> None:
        """Hand out the answers, until there are no more."""
        try:
            while True:
                answer = self._receive()
                self._waiting.pop(answer.pop("id")).set_result(answer)
        except (ToolchainError, KeyError) as error:
            lost = (
                error if isinstance(error, ToolchainError) else self._lost(f"it answered what was not asked: {error}")
            )
        with self._lock:
            self._failure = lost
        for waiting in self._waiting.values():
            waiting.set_exception(lost)

    def _receive(self) -> dict[str, Any]:
        try:
            line = self._answers.readline(_LINE_LIMIT)
            if not line:
                raise self._lost("it closed the connection")
            return dict(json.loads(line))
        except (OSError, ValueError, TypeError) as error:
            raise self._lost(str(error)) from error

    def _lost(self, reason: str) -> ToolchainError:
        return ToolchainError(
            f"lost the run at {self._path}: {reason}", "leave out run=, or look at what ended the run"
        )
