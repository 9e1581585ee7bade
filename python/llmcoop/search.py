"""The loop of a run: ask the guide, let a proposer propose, evaluate, remember."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from llmcoop.evaluate import THRESHOLD, Checked, Evaluator
from llmcoop.guide import Action, Guide, State
from llmcoop.history import IDENTITY, History
from llmcoop.interruption import Interruption
from llmcoop.lowering import Lowered
from llmcoop.measure import Misrun, Plan, Screened, ScreenPlan, verdict
from llmcoop.proposers import Proposer
from llmcoop.proposers.functions import FunctionProposal, FunctionVerdict, Judge
from llmcoop.statistics import Verdict
from llmcoop.values import Budget, Candidate, Evaluation, Level, Outcome

_ROUND_S = 6.0  # how long the timings of one round may take
_BUILD_S = 1.0  # what the builds and tests of one round take, roughly
_GAIN = math.log(1.003)  # a round that gains less than this gained nothing
_PROPOSALS = 16
_ENTRANTS = (2, 10)  # how many candidates race in one round: at least, at most
_BUILT_AT_ONCE = 2
_LEAST_RUNS = 2  # of each candidate in a race
_PAIRS_PER_FUNCTION = 14

# Runs the plugin over a candidate's module, for so many seconds; each proposal goes to the judge.
FunctionSearcher = Callable[[Candidate, Judge, float], None]


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

    @property
    def remaining_s(self) -> float:
        """Seconds left for searching; none once the user wants the run to stop."""
        return -math.inf if self.interruption.requested else self.clock.remaining_s - self.reserve_s

    def remaining_candidates(self, evaluated: int) -> int | None:
        """How many more candidates may be evaluated; None is no limit."""
        limit = self.budget.candidates
        return None if limit is None else max(0, limit - evaluated)

    @property
    def entrants(self) -> int:
        """How many new candidates race in one round, beside the baseline and the best so far."""
        least, most = _ENTRANTS
        return max(least, min(most, int(_ROUND_S / (self.run_s * _LEAST_RUNS)) - 2))

    @property
    def rounds(self) -> int:
        """How often each of them runs at most."""
        return max(_LEAST_RUNS, min(15, int(_ROUND_S / (self.run_s * (self.entrants + 2)))))

    @property
    def round_s(self) -> float:
        """What a round of candidates takes at least."""
        return _BUILD_S + self.run_s * (self.entrants + 2) * _LEAST_RUNS

    @property
    def function_s(self) -> float:
        """What the comparison of one function's proposal with its parent takes."""
        return max(1.0, 2 * _PAIRS_PER_FUNCTION * self.run_s)


class Search:
    """One run's search over the candidates of one program."""

    def __init__(
        self,
        *,
        evaluator: Evaluator,
        recipes: Proposer,
        root: Candidate | None = None,
        functions: FunctionSearcher | None,
        history: History,
        keep: Callable[[Evaluation, float], None],
        allowance: Allowance,
        pool: ThreadPoolExecutor,
        announce: Callable[[str], None],
    ) -> None:
        """`root` is the source-level candidate to lower; without one, it is the program itself.

        `keep` makes an evaluation, and the seconds that it took, durable before the search goes on.
        """
        self._evaluator = evaluator
        self._recipes = recipes
        self._root = root
        self._functions = functions
        self._history = history
        self._keep = keep
        self._allowance = allowance
        self._pool = pool
        self._announce = announce

    def loop(self) -> None:
        """Search until the guide says that it is enough."""
        guide, quiet, exhausted, functions_done = Guide(), 0, False, self._functions is None
        while True:
            state = State(
                remaining_s=self._allowance.remaining_s,
                remaining_candidates=self._remaining_candidates(),
                round_s=self._allowance.round_s,
                recipes_exhausted=exhausted,
                functions_exhausted=functions_done,
                rounds_without_gain=quiet,
            )
            match guide.next(state):
                case Action.STOP:
                    return
                case Action.SEARCH_RECIPES:
                    before = self._history.best_log_speedup
                    exhausted = not self._recipe_round()
                    quiet = 0 if self._history.best_log_speedup > before + _GAIN else quiet + 1
                case Action.SEARCH_FUNCTIONS:
                    self._search_functions()
                    functions_done = True

    # Recipes

    def _recipe_round(self) -> bool:
        """Build proposals until enough differ from all code seen so far, race those; False if there were none."""
        started = time.monotonic()
        remaining = self._remaining_candidates()
        count = _PROPOSALS if remaining is None else min(_PROPOSALS, remaining)
        proposals = self._recipes.propose(self._history.trials(self._root), count)
        entrants: dict[str, Checked] = {}
        for checked in self._checked(proposals):
            if checked.lowered is None or self._history.twin(checked.lowered.sha256):
                self._record_untimed(checked, time.monotonic() - started)
                started = time.monotonic()
            elif len(entrants) < self._allowance.entrants:
                # A second candidate with equal code is proposed again, and then is a twin of the first.
                entrants.setdefault(checked.lowered.sha256, checked)
            else:
                break
        if entrants:
            self._race(list(entrants.values()), started)
        return bool(proposals)

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
            min_rounds=_LEAST_RUNS,
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
            self._record(self._screened(checked.candidate, checked.lowered, result), seconds)
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

    # Single functions

    def _search_functions(self) -> None:
        """Let the plugin try further passes on the hot functions of the best candidate so far."""
        assert self._functions is not None
        lineage = [self._history.champion]
        self._announce("searching single functions inside opt")
        self._functions(
            lineage[0], lambda proposal: self._judge(proposal, lineage), max(0.0, self._allowance.remaining_s)
        )

    def _judge(self, proposal: FunctionProposal, lineage: list[Candidate]) -> FunctionVerdict:
        """Answer the plugin; an accepted proposal becomes the parent of the next."""
        spent = self._allowance.remaining_s < self._allowance.function_s
        if spent or self._remaining_candidates() == 0:
            return FunctionVerdict(False, None, "the budget is spent", stop=True)
        parent = lineage[-1]
        origin = f"plugin: {proposal.function}: {proposal.pipeline}"
        candidate = Candidate(Level.IR, origin, parent.recipe, proposal.ir, parent.key)
        known = self._history.find(candidate) or self._evaluate_function(candidate, parent)
        if known.outcome is Outcome.ACCEPTED:
            lineage.append(candidate)
        speedup = known.measurement.speedup if known.measurement else None
        return FunctionVerdict(known.outcome is Outcome.ACCEPTED, speedup, known.message or known.outcome)

    def _evaluate_function(self, candidate: Candidate, parent: Candidate) -> Evaluation:
        started = time.monotonic()
        checked = self._evaluator.check_one(candidate)
        if checked.lowered is None or self._history.twin(checked.lowered.sha256):
            return self._record_untimed(checked, time.monotonic() - started)
        plan = Plan(max_seconds=self._allowance.function_s, threshold=THRESHOLD / 2)
        measured = self._evaluator.compare_on_workload(checked.lowered, plan, against=self._evaluator.lower(parent))
        if isinstance(measured, Misrun):
            evaluation = self._evaluator.refuted(candidate, checked.lowered, measured)
            return self._record(evaluation, time.monotonic() - started)
        faster = verdict(measured, plan.threshold) is Verdict.FASTER
        gain = math.exp(self._history.log_speedup(parent) or 0.0)
        over_baseline = replace(
            measured, speedup=measured.speedup * gain, low=measured.low * gain, high=measured.high * gain
        )
        evaluation = Evaluation(
            candidate,
            Outcome.ACCEPTED if faster else Outcome.NOT_FASTER,
            self._evaluator.evidence(candidate, 1),
            over_baseline,
            executable_sha256=checked.lowered.sha256,
        )
        return self._record(evaluation, time.monotonic() - started)

    # Memory

    def _record_untimed(self, checked: Checked, seconds: float) -> Evaluation:
        """Keep a candidate that failed, or whose executable is known already."""
        evaluation = checked.evaluation
        if evaluation is None:
            assert checked.lowered is not None
            twin = self._history.twin(checked.lowered.sha256)
            evaluation = Evaluation(
                checked.candidate,
                Outcome.SAME_CODE,
                message=f"the same executable as of '{twin.origin}'" if twin else "",
                executable_sha256=checked.lowered.sha256,
            )
        return self._record(evaluation, seconds)

    def _record(self, evaluation: Evaluation, seconds: float) -> Evaluation:
        self._keep(evaluation, seconds)
        self._history.add(evaluation)
        return evaluation

    def _remaining_candidates(self) -> int | None:
        return self._allowance.remaining_candidates(len(self._history.evaluations))
