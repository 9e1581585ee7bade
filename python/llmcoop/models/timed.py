"""A model that is waited for only as long as there is time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

from llmcoop.errors import LLMCoopError
from llmcoop.models import BudgetSpent, Model, Reply, Request

_POLL_S = 0.2


class TimedModel:
    """Passes requests on, and gives up those that take too long.

    What is given up goes on in a thread that nobody waits for: a reply that still comes is paid for, and kept.
    """

    def __init__(self, model: Model, left_s: Callable[[], float]) -> None:
        """`left_s` says how many seconds are left; it may change its mind at any time."""
        self._model = model
        self._left_s = left_s

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def calls_tools(self) -> bool:
        return self._model.calls_tools

    def complete(self, request: Request) -> Reply:
        """The model's reply. Raises ModelError; BudgetSpent when the time is up."""
        answer: Future[Reply] = Future()
        asking = threading.Thread(target=self._ask, args=(request, answer), daemon=True)
        if self._left_s() > 0:
            asking.start()
        while (left_s := self._left_s()) > 0:
            asking.join(min(left_s, _POLL_S))
            if not asking.is_alive():
                return answer.result(timeout=0)
        raise BudgetSpent(f"the time was up before {self.name} replied")

    def _ask(self, request: Request, answer: Future[Reply]) -> None:
        try:
            answer.set_result(self._model.complete(request))
        except LLMCoopError as error:
            answer.set_exception(error)
