"""What a search may spend of the budget, and what its steps take."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

from llmcoop.interruption import Interruption
from llmcoop.values import Budget

_ROUND_S = 6.0  # how long the timings of one round may take
_BUILD_S = 1.0  # what the builds and tests of one round take, roughly
PROPOSALS = 16  # that one round builds at most
_ENTRANTS = (2, 10)  # how many candidates race in one round: at least, at most
LEAST_RUNS = 2  # of each candidate in a race
_PAIRS_PER_FUNCTION = 14


class Clock:
    """The seconds of the budget, those of an earlier, interrupted part of the run included."""

    def __init__(self, budget: Budget, spent_s: float = 0.0) -> None:
        self._total_s = budget.seconds
        self._spent_s = spent_s
        self._started = time.monotonic()

    @property
    def spent_s(self) -> float:
        """Seconds since the run began."""
        return self._spent_s + time.monotonic() - self._started

    @property
    def remaining_s(self) -> float:
        """Seconds left; negative when overdrawn."""
        return self._total_s - self.spent_s


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the search may spend: the budget, what is kept back for confirming, and what one timed run takes."""

    budget: Budget
    clock: Clock
    reserve_s: float
    run_s: float
    interruption: Interruption = field(default_factory=Interruption)
    unlimited: bool = False  # for a run that follows a recording

    @property
    def remaining_s(self) -> float:
        """Seconds left for searching; none once the user wants the run to stop."""
        if self.interruption.requested:
            return -math.inf
        return math.inf if self.unlimited else self.clock.remaining_s - self.reserve_s

    def remaining_candidates(self, evaluated: int) -> int | None:
        """How many more candidates may be evaluated; None is no limit."""
        limit = None if self.unlimited else self.budget.candidates
        return None if limit is None else max(0, limit - evaluated)

    def spent(self, evaluated: int) -> bool:
        """Whether nothing more should be begun."""
        return self.remaining_s <= 0 or self.remaining_candidates(evaluated) == 0

    @property
    def entrants(self) -> int:
        """How many new candidates race in one round, beside the baseline and the best so far."""
        least, most = _ENTRANTS
        if self.unlimited:
            return PROPOSALS
        return max(least, min(most, int(_ROUND_S / (self.run_s * LEAST_RUNS)) - 2))

    @property
    def rounds(self) -> int:
        """How often each of them runs at most."""
        return max(LEAST_RUNS, min(15, int(_ROUND_S / (self.run_s * (self.entrants + 2)))))

    @property
    def round_s(self) -> float:
        """What a round of candidates takes at least."""
        return _BUILD_S + self.run_s * (self.entrants + 2) * LEAST_RUNS

    @property
    def function_s(self) -> float:
        """What the comparison of one function's proposal with its parent takes."""
        return max(1.0, 2 * _PAIRS_PER_FUNCTION * self.run_s)
