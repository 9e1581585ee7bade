"""Tell whoever watches a run how it goes."""

from __future__ import annotations

import math

from llmcoop.allowance import Clock
from llmcoop.history import History
from llmcoop.report import Event, Listener


class Announcer:
    """Tells the listener, with the time and the best estimate so far."""

    def __init__(self, clock: Clock, listener: Listener) -> None:
        """`history` is set when there is one."""
        self._clock = clock
        self._listener = listener
        self.history: History | None = None

    def __call__(self, phase: str, message: str) -> None:
        """Say what is going on in which phase of the run."""
        best = math.exp(self.history.best_log_speedup) if self.history else None
        self._listener(Event(self._clock.spent_s, phase, message, best))
