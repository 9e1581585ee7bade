"""The model that a run's agents talk to: a server, files with replies, or a recording; and what it may cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from llmcoop.model_choice import SCRIPTED, ModelChoice
from llmcoop.models import Model, Usage
from llmcoop.models.cached import CachedModel, CallStore
from llmcoop.models.ledger import Journal, Ledger
from llmcoop.models.recording import RecordedModel, Recorder, Recording, RecordingModel
from llmcoop.models.scripted import ScriptedModel
from llmcoop.models.settings import ModelSettings
from llmcoop.models.timed import TimedModel
from llmcoop.prompts import Prompts
from llmcoop.values import Budget


class Calls(CallStore, Journal, Protocol):
    """What a run keeps of its calls."""


@dataclass(frozen=True, slots=True)
class Crew:
    """What all agents share."""

    model: Model
    ledger: Ledger
    prompts: Prompts
    rounds: int
    samples: int

    def during(self, left_s: Callable[[], float], recorder: Recorder | None) -> Crew:
        """The crew in a run that has so many seconds left, and that is recorded."""
        model = TimedModel(self.model, left_s)
        return replace(self, model=RecordingModel(model, recorder) if recorder else model)


def assemble(
    choice: ModelChoice,
    budget: Budget,
    spent: Usage,
    calls: Calls,
    *,
    recording: Recording | None,
) -> Crew | None:
    """The crew of a run; None where there is no model. Raises UsageError for a choice that can't be."""
    if choice.absent and recording is None:
        return None
    ledger = Ledger(budget, spent, calls)
    model = RecordedModel(recording) if recording else _model(choice, ledger, calls)
    rounds, samples = choice.rounds, choice.samples
    if recording:
        rounds, samples = recording.header.rounds, recording.header.samples
    return Crew(model, ledger, Prompts(choice.prompts), rounds, samples)


def _model(choice: ModelChoice, ledger: Ledger, calls: CallStore) -> Model:
    if choice.name.startswith(SCRIPTED):
        folder = Path(choice.name.removeprefix(SCRIPTED))
        return CachedModel(ScriptedModel.load(folder, given=calls.given(), ledger=ledger), calls)
    from llmcoop.models.client import OpenAIModel  # noqa: PLC0415 - its library takes long to import

    return CachedModel(OpenAIModel(ModelSettings.of(choice), ledger), calls)
