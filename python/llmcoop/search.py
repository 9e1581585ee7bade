"""The loop of a run: ask the guide what to do next, do it, remember what it gained and what it cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from llmcoop.allowance import Allowance
from llmcoop.expansions import Expansions
from llmcoop.function_search import FunctionSearch
from llmcoop.guide import GAIN, Action, ActionKind, Node, Option, Policy, Remaining, Spent, State, Step, total
from llmcoop.guide.bandit import BanditPolicy
from llmcoop.history import IDENTITY, History
from llmcoop.models import BudgetSpent, ModelError, ModelRefused, RecordingEnded, Usage
from llmcoop.models.ledger import Ledger
from llmcoop.recipe_rounds import RecipeRounds
from llmcoop.values import Candidate, Evaluation, Level, Outcome

_MOST_FAILURES = 2  # of the model's server in a row, after which the run goes on without it
_PARENTS = 4  # how many candidates can be expanded at each level: the fastest
_SHOWN_RECIPES = 6  # how many recipes a guide is told of: the fastest
_CALL_S = 15.0  # what a call of a model takes with what comes of it, before one was seen
_NEVER_ASKED = "the model was not asked: what the budget left promised more elsewhere, or did not suffice for a call"
_NOTHING = "nothing was proposed"
_UNKNOWN = "the candidate to go on from is not known here"


class Diary(Protocol):
    """Where steps are made durable."""

    def begin(self, number: int, action: Action) -> None:
        """An action is going to be taken."""
        ...

    def end(self, step: Step) -> None:
        """It was."""
        ...


class Search:
    """One run's search over the candidates of one program."""

    def __init__(
        self,
        policy: Policy,
        recipes: RecipeRounds,
        functions: FunctionSearch | None,
        expansions: Expansions | None,
        history: History,
        allowance: Allowance,
        *,
        levels: Sequence[Level] = tuple(Level),
        ledger: Ledger | None = None,
        steps: Sequence[Step] = (),
        begun: Action | None = None,
        diary: Diary,
        announce: Callable[[str], None],
    ) -> None:
        """`expansions` and `ledger` are there if there is a model.

        `steps` were taken by an earlier part of the run, and `begun` was what it was doing when it was cut short.
        """
        self._policy, self._default = policy, BanditPolicy() if expansions else policy
        self._recipes, self._functions, self._expansions = recipes, functions, expansions
        self._history, self._allowance, self._levels, self._ledger = history, allowance, levels, ledger
        self._steps, self._begun, self._diary, self._announce = [*steps], begun, diary, announce
        self._failures: list[str] = []  # of the model's server, in a row
        self.model_ended = ""  # why the model is asked no more; empty as long as it is
        self.model_lost = False  # whether that is a failure, and not the end of its budget

    def loop(self) -> None:
        """Search until the guide says that it is enough. Raises ModelRefused for a model that never answered."""
        while (action := self._decided()).kind is not ActionKind.STOP:
            self._announce(f"{action.kind}: {action.reason}")
            self._diary.begin(len(self._steps) + 1, action)
            started, usage, before = time.monotonic(), self._usage, self._history.best_log_speedup
            note = self._do(action)
            gain = self._history.best_log_speedup - before
            spent = _difference(usage, self._usage, time.monotonic() - started)
            step = Step(action, gain if gain > GAIN else 0.0, spent, note)
            self._diary.end(step)
            self._steps.append(step)
        if self._failures and not self.model_ended:
            self.model_ended, self.model_lost = self._failures[-1], True
        if self._expansions and not self.model_ended and not any(step.action.kind.asks_model for step in self._steps):
            self.model_ended = _NEVER_ASKED
            self._announce(_NEVER_ASKED)

    def _decided(self) -> Action:
        """What was begun, or what the guide says; one that needs a model and has none leaves it to the default."""
        action, self._begun = self._begun, None
        if action and not self._allowance.spent(len(self._history.evaluations)) and self._possible(action.kind):
            return action
        state = self._state()
        try:
            return self._default.next(state) if self.model_ended else self._policy.next(state)
        except ModelError as error:
            self._failed(error)
            return self._default.next(self._state())

    # Acting

    def _do(self, action: Action) -> str:
        """Do it; gives a few words on what came of it, if there is anything to say."""
        parent = self._candidate(action.parent)
        if parent is None:
            return _UNKNOWN
        match action.kind:
            case ActionKind.RECIPES:
                return "" if self._recipes.round(None if parent is IDENTITY else parent) else _NOTHING
            case ActionKind.FUNCTIONS:
                assert self._functions is not None
                self._functions.search(parent)
                return ""
            case _:
                return self._expand(action, parent)

    def _expand(self, action: Action, parent: Candidate) -> str:
        """Have a model rewrite a candidate. Raises ModelRefused when it has never answered."""
        assert self._expansions is not None
        before = len(self._history.evaluations)
        try:
            # The number of the conversation is that of the step: a run that is resumed or replayed counts alike.
            self._expansions.expand(Level(action.kind), parent, len(self._steps) + 1)
        except ModelError as error:
            return self._failed(error)
        self._failures.clear()
        return "" if len(self._history.evaluations) > before else _NOTHING

    def _failed(self, error: ModelError) -> str:
        """Go on after a model had no reply, with or without it."""
        self._announce(error.message)
        if isinstance(error, RecordingEnded):
            return _NOTHING
        if isinstance(error, ModelRefused) and not self._usage.calls:
            raise error
        if isinstance(error, BudgetSpent):
            self.model_ended = error.message
            return error.message
        self._failures.append(error.message)
        if len(self._failures) >= _MOST_FAILURES:
            self.model_ended, self.model_lost = error.message, True
        return error.message

    @property
    def _usage(self) -> Usage:
        return self._ledger.spent if self._ledger else Usage()

    # What the guide knows

    def _state(self) -> State:
        asked = total(step for step in self._steps if step.action.kind.asks_model)
        exhausted = self._exhausted()
        return State(
            remaining=self._remaining(),
            round_s=self._allowance.round_s,
            call_s=asked.seconds / asked.calls if asked.calls else _CALL_S,
            nodes=tuple(self._nodes()),
            steps=tuple(self._steps),
            options=tuple(option for option in self._options() if (option.kind, option.parent) not in exhausted),
        )

    def _exhausted(self) -> set[tuple[ActionKind, str]]:
        """What has nothing more to give."""
        over = (step for step in self._steps if step.note == _NOTHING or step.action.kind is ActionKind.FUNCTIONS)
        return {(step.action.kind, step.action.parent) for step in over}

    def _possible(self, kind: ActionKind) -> bool:
        """Whether a step that an earlier part of the run has begun can be taken now."""
        return not kind.asks_model or self._expansions is not None

    def _remaining(self) -> Remaining:
        left = self._ledger.left if self._ledger else None
        return Remaining(
            seconds=self._allowance.remaining_s,
            candidates=self._allowance.remaining_candidates(len(self._history.evaluations)),
            calls=left.calls if left else None,
            tokens=left.tokens if left else None,
            usd=left.usd if left else None,
        )

    def _options(self) -> Iterator[Option]:
        """What can be done now; the program itself has no key."""
        sources = [IDENTITY, *self._accepted(Level.SOURCE)]
        ir = [*sources, *self._accepted(Level.IR)]
        if Level.IR in self._levels:
            yield from (Option(ActionKind.RECIPES, _key(root)) for root in sources)
            if self._functions:
                yield Option(ActionKind.FUNCTIONS, _key(self._above_assembly))
        if self._expansions is None or self.model_ended:
            return
        parents = {Level.SOURCE: sources, Level.IR: ir, Level.ASM: [*ir, *self._accepted(Level.ASM)]}
        for level in self._levels:
            fastest = sorted(parents[level], key=lambda each: -(self._history.log_speedup(each) or 0.0))
            yield from (Option(ActionKind(level), _key(parent)) for parent in fastest[:_PARENTS])

    def _accepted(self, level: Level) -> list[Candidate]:
        return [candidate for candidate in self._history.ranking() if candidate.level is level]

    @property
    def _above_assembly(self) -> Candidate:
        """The best candidate whose IR can be changed: what is below would be lost."""
        return next((each for each in self._history.ranking() if each.level is not Level.ASM), IDENTITY)

    def _nodes(self) -> Iterator[Node]:
        """Everything that somebody wrote, and the fastest of what LLVM's own parts made."""
        recipes = [candidate.key for candidate in self._history.ranking() if not candidate.authored]
        for each in self._history.evaluations:
            if each.candidate.authored or each.candidate.key in recipes[:_SHOWN_RECIPES]:
                yield self._node(each)

    def _node(self, evaluation: Evaluation) -> Node:
        candidate = evaluation.candidate
        return Node(
            candidate.key,
            "" if candidate.parent == IDENTITY.key else candidate.parent,
            candidate.level,
            candidate.origin,
            evaluation.outcome,
            None if evaluation.outcome is Outcome.REFUTED else self._history.log_speedup(candidate),
            evaluation.message,
        )

    def _candidate(self, key: str) -> Candidate | None:
        """The candidate of an option; the program itself has no key."""
        if not key:
            return IDENTITY
        return next((each.candidate for each in self._history.evaluations if each.candidate.key == key), None)


def _key(candidate: Candidate) -> str:
    return "" if candidate is IDENTITY else candidate.key


def _difference(before: Usage, after: Usage, seconds: float) -> Spent:
    return Spent(seconds, after.calls - before.calls, after.tokens - before.tokens, after.usd - before.usd)
