"""Search recipes, a round at a time: build what is proposed, race what is new."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from llmcoop.allowance import LEAST_RUNS, PROPOSALS, Allowance
from llmcoop.evaluate import THRESHOLD, Checked, Evaluator
from llmcoop.history import IDENTITY, History
from llmcoop.lowering import Lowered
from llmcoop.measure import Screened, ScreenPlan
from llmcoop.proposers import Proposer
from llmcoop.values import Candidate, Evaluation, Outcome

_BUILT_AT_ONCE = 2


class RecipeRounds:
    """Rounds over any source-level candidate, and over the program itself."""

    def __init__(
        self,
        evaluator: Evaluator,
        proposer: Callable[[Candidate | None], Proposer],
        history: History,
        *,
        allowance: Allowance,
        pool: ThreadPoolExecutor,
        announce: Callable[[str], None],
    ) -> None:
        """`proposer` gives the search over a root; None is the program itself."""
        self._evaluator, self._proposer, self._history = evaluator, proposer, history
        self._allowance, self._pool, self._announce = allowance, pool, announce

    def round(self, root: Candidate | None) -> bool:
        """Build proposals until enough differ from all code seen so far, race those; False if there were none."""
        started = time.monotonic()
        remaining = self._allowance.remaining_candidates(len(self._history.evaluations))
        count = PROPOSALS if remaining is None else min(PROPOSALS, remaining)
        proposals = self._proposer(root).propose(self._history.trials(root), count)
        entrants: dict[str, Checked] = {}
        for checked in self._checked(proposals):
            known = checked.evaluation or self._known(checked)
            if known is not None:
                self._history.record(known, time.monotonic() - started)
                started = time.monotonic()
            elif checked.lowered is not None and len(entrants) < self._allowance.entrants:
                # A second candidate with equal code is proposed again, and then is a twin of the first.
                entrants.setdefault(checked.lowered.sha256, checked)
            else:
                break
        if entrants:
            self._race(list(entrants.values()), started)
        return bool(proposals)

    def _known(self, checked: Checked) -> Evaluation | None:
        assert checked.lowered is not None
        return self._history.same_code(checked.candidate, checked.lowered.sha256)

    def _checked(self, proposals: Sequence[Candidate]) -> Iterator[Checked]:
        """Build and test a few at a time: a full race does not wait for proposals that it has no room for."""
        for first in range(0, len(proposals), _BUILT_AT_ONCE):
            yield from self._evaluator.check(proposals[first : first + _BUILT_AT_ONCE], self._pool)
            if self._allowance.remaining_s < 0:
                return

    def _race(self, entrants: Sequence[Checked], started: float) -> None:
        champion = self._history.champion
        field = [self._evaluator.lower(champion)] if champion is not IDENTITY else []
        field += [checked.lowered for checked in entrants if checked.lowered is not None]
        plan = ScreenPlan(
            min_rounds=LEAST_RUNS,
            max_rounds=self._allowance.rounds,
            threshold=THRESHOLD,
            seed=len(self._history.evaluations),
        )
        screened = self._evaluator.screen(field, plan)
        if champion is not IDENTITY:
            self._history.refine(champion, screened[0].speedup)
        seconds = (time.monotonic() - started) / len(entrants)
        for checked, result in zip(entrants, screened[-len(entrants) :], strict=True):
            assert checked.lowered is not None
            self._history.record(self._screened(checked.candidate, checked.lowered, result), seconds)
        self._announce(f"{len(self._history.evaluations)} candidates, {len(entrants)} of them just timed")

    def _screened(self, candidate: Candidate, lowered: Lowered, result: Screened) -> Evaluation:
        if result.misrun is not None:
            return self._evaluator.refuted(candidate, lowered, result.misrun)
        faster = result.speedup > 1 + THRESHOLD
        return Evaluation(
            candidate,
            Outcome.ACCEPTED if faster else Outcome.NOT_FASTER,
            self._evaluator.evidence(candidate, 1),
            result.measurement,
            executable_sha256=lowered.sha256,
        )
