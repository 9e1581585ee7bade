"""Follow a recorded run: the same decisions, proposals, tests and attacks, measured anew."""

from __future__ import annotations

from collections.abc import Sequence

from llmcoop.authored import Known
from llmcoop.guide import Action, ActionKind, State
from llmcoop.models.recording import Recording, Tests
from llmcoop.proposers import Trial
from llmcoop.values import Candidate


class Replay:
    """What a recording says at each point of the run; it is the guide, and the proposer of recipes."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self._proposals = iter(recording.proposals)

    def next(self, state: State) -> Action:
        """The decision of the recorded guide; see `Policy.next`."""
        number = len(state.steps)
        if number >= len(self.recording.steps):
            return Action(ActionKind.STOP, reason="the recording ends here")
        step = self.recording.steps[number]
        return Action(ActionKind(step.action), step.parent, "as recorded")

    def propose(self, trials: Sequence[Trial], count: int) -> list[Candidate]:
        """All candidates of the recorded round; see `Proposer.propose`."""
        return self.proposals()

    def proposals(self) -> list[Candidate]:
        """The candidates of the next recorded search, whether for recipes or for functions."""
        found = next(self._proposals, None)
        return [*found.candidates] if found else []

    @property
    def tests(self) -> Tests | None:
        """The tests that the recorded run made up; None if it did not come to that."""
        return next(iter(self.recording.tests), None)

    def known(self, candidate: Candidate) -> Known | None:
        """Whether the recorded run examined a candidate, and on what it failed."""
        if candidate.key not in self.recording.examined:
            return None
        evidence = self.recording.examined[candidate.key]
        failure = evidence.counterexample if evidence else None
        return Known(evidence is not None, (failure.case.invocation,) if failure else ())
