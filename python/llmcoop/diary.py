"""Keep what a run does, in its store and, where one is written, in a recording: nothing is lost when it is killed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmcoop.guide import Action, ActionKind, Spent, Step
from llmcoop.models import Usage, recording
from llmcoop.models.recording import Recorder
from llmcoop.report import LevelSpending
from llmcoop.rows import StoredStep
from llmcoop.store import Store
from llmcoop.values import Adequacy, Evaluation, Level, TestCase


class Diary:
    """What one run has done, and does.

    The recording is written first: what a kill leaves only there is done again, and then recorded again.
    """

    def __init__(self, store: Store, run: int, recorder: Recorder | None) -> None:
        self._store, self._run, self._recorder = store, run, recorder

    @property
    def steps(self) -> list[Step]:
        """Those that were carried out."""
        return [_step(stored) for stored in self._store.steps(self._run)]

    @property
    def begun(self) -> Action | None:
        """What the run was doing when it was cut short."""
        stored = self._store.begun_step(self._run)
        return _action(stored) if stored else None

    def begin(self, number: int, action: Action) -> None:
        """Note an action that is going to be taken."""
        self._record(recording.Step(number, action.kind, action.parent, action.reason))
        self._store.begin_step(self._run, StoredStep(action.kind, action.parent, action.reason))

    def end(self, step: Step) -> None:
        """Note what came of it."""
        self._store.add_step(self._run, _stored(step))

    def evaluated(self, evaluation: Evaluation, seconds: float) -> None:
        """Note what came of a candidate, and how long it took."""
        candidate, measured = evaluation.candidate, evaluation.measurement
        self._record(
            recording.Evaluated(
                candidate.key,
                evaluation.outcome,
                evaluation.evidence,
                measured.speedup if measured else None,
                None if candidate.authored else candidate,
            )
        )
        self._store.add(self._run, evaluation, seconds)

    def tests(self, cases: Sequence[TestCase], adequacy: Adequacy | None) -> None:
        """Note tests that were made up."""
        self._record(recording.Tests(tuple(cases), adequacy))

    def spending(self, evaluations: Sequence[Evaluation]) -> Iterator[LevelSpending]:
        """What each level took; calls of agents that write no candidates belong to none."""
        usage = self._store.usage_by_agent(self._run)
        for level in Level:
            candidates = sum(each.candidate.level is level for each in evaluations)
            took = usage.get(level, Usage())
            if candidates or took.calls:
                seconds = self._store.spent_s(self._run, level)
                yield LevelSpending(level, candidates, seconds, took.calls, took.tokens, took.usd)

    def _record(self, entry: recording.Entry) -> None:
        if self._recorder:
            self._recorder.add(entry)


def _stored(step: Step) -> StoredStep:
    action, spent = step.action, step.spent
    return StoredStep(
        action.kind,
        action.parent,
        action.reason,
        spent.seconds,
        round(spent.calls),
        round(spent.tokens),
        spent.usd,
        step.gain,
        step.note,
    )


def _step(stored: StoredStep) -> Step:
    spent = Spent(stored.seconds, stored.calls, stored.tokens, stored.usd)
    return Step(_action(stored), stored.gain, spent, stored.note)


def _action(stored: StoredStep) -> Action:
    return Action(ActionKind(stored.action), stored.parent, stored.reason)
