"""The model of a run as the IR agent has it inside `opt`."""

from __future__ import annotations

import time

from llmcoop import record
from llmcoop.connection import Connection
from llmcoop.models import (
    BudgetSpent,
    Model,
    ModelError,
    ModelRefused,
    ModelUnavailable,
    RecordingEnded,
    Reply,
    Request,
    ToolsRefused,
)

_KINDS = {kind.__name__: kind for kind in (ModelUnavailable, BudgetSpent, ToolsRefused, RecordingEnded, ModelRefused)}


class RunModel:
    """The run's own model: key, budget, records and store stay there."""

    def __init__(self, run: Connection, name: str, calls_tools: bool) -> None:
        self._run = run
        self._name = name
        self._calls_tools = calls_tools

    @property
    def name(self) -> str:
        """As the run says."""
        return self._name

    @property
    def calls_tools(self) -> bool:
        """As the run says, until it says that the server takes none."""
        return self._calls_tools

    def complete(self, request: Request) -> Reply:
        """Ask the run. Raises ModelError as the run's model does, ToolchainError if the run is lost."""
        answer = self._run.request({"ask": record.dump(request)})
        if "error" in answer:
            kind, message = answer["error"]["kind"], answer["error"]["message"]
            self._calls_tools &= kind != ToolsRefused.__name__
            raise _KINDS.get(kind, ModelError)(message)
        return record.load(Reply, answer["reply"])


class Timely:
    """A model that is not asked any more after a certain moment."""

    def __init__(self, model: Model, deadline: float) -> None:
        """`deadline` is by the monotonic clock, in seconds."""
        self._model = model
        self._deadline = deadline

    @property
    def name(self) -> str:
        """That of the model."""
        return self._model.name

    @property
    def calls_tools(self) -> bool:
        """Those of the model."""
        return self._model.calls_tools

    def complete(self, request: Request) -> Reply:
        """The model's reply. Raises ModelError; BudgetSpent when the time is up."""
        if time.monotonic() >= self._deadline:
            raise BudgetSpent("the time is up")
        return self._model.complete(request)
