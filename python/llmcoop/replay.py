"""Follow a recorded run: the same decisions, proposals, tests and verdicts, measured anew."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from llmcoop.authored import Known
from llmcoop.errors import UsageError
from llmcoop.guide import Action, ActionKind, State
from llmcoop.models.recording import Evaluated, Recording, Step, Tests
from llmcoop.proposers import Trial
from llmcoop.spec import Spec
from llmcoop.values import Candidate


class Replay:
    """What a recording says at each point of the run; it is the guide, and the proposer of recipes."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self._number = 0  # of the step that is being taken

    @staticmethod
    def of(path: Path, spec: Spec, rewrites: Sequence[Candidate]) -> Replay:
        """The replay of the recording `path`. Raises UsageError when it does not fit what is to be optimized."""
        recording = Recording.load(path)
        recording.check(spec.key)
        given = {rewrite.key for rewrite in rewrites}
        if recording.steps and given != _before_steps(recording):
            raise UsageError(f"{path} records a run with other rewrites", "name the same ones, as they were")
        return Replay(recording)

    def next(self, state: State) -> Action:
        """The decision of the recorded guide; see `Policy.next`."""
        if state.remaining.seconds <= 0:
            return Action(ActionKind.STOP, reason="the replay was interrupted")
        if len(state.steps) >= len(self.recording.steps):
            return Action(ActionKind.STOP, reason="the recording ends here")
        step = self.recording.steps[len(state.steps)]
        self._number = step.number
        return Action(ActionKind(step.action), step.parent, "as recorded")

    def propose(self, trials: Sequence[Trial], count: int) -> list[Candidate]:
        """All candidates of the recorded round; see `Proposer.propose`."""
        return self.proposals()

    def proposals(self) -> list[Candidate]:
        """The candidates that the recorded search made in this step, of recipes or of functions."""
        return [*self.recording.searched.get(self._number, ())]

    @property
    def tests(self) -> Tests | None:
        """The tests that the recorded run made up; None if it did not come to that."""
        return self.recording.tests

    def known(self, candidate: Candidate) -> Known | None:
        """What the recorded run found out about a candidate; None if it did not come to it."""
        recorded = self.recording.evaluated.get(candidate.key)
        return Known(recorded.outcome, recorded.evidence, recorded.speedup) if recorded else None


def _before_steps(recording: Recording) -> set[str]:
    """The keys of what was evaluated before the first step: the user's rewrites."""
    found: set[str] = set()
    for entry in recording.entries:
        if isinstance(entry, Step):
            break
        if isinstance(entry, Evaluated):
            found.add(entry.candidate)
    return found
