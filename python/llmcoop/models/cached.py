"""Replies that were paid for are not paid for again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Protocol

from llmcoop.models import Model, Reply, Request, Turn, Usage
from llmcoop.models.settings import ModelSettings


class CallStore(Protocol):
    """Where replies are kept; any thread may ask."""

    def find(self, digest: str, turn: Turn) -> Reply | None:
        """The reply that was kept in this run at this turn, or under this digest, if it is not empty."""
        ...

    def keep(self, digest: str, request: Request, reply: Reply) -> None:
        """Keep a reply, with what was asked."""
        ...

    def given(self) -> Mapping[str, int]:
        """How many replies of this run each agent has had."""
        ...


class SettledModel(Model, Protocol):
    """A model whose settings say what its replies depend on besides the request."""

    @property
    def settings(self) -> ModelSettings | None:
        """None for a model that gives each reply once, whatever it is asked."""
        ...


class CachedModel:
    """A model that is asked only what the store has no reply to."""

    def __init__(self, model: SettledModel, calls: CallStore) -> None:
        self._model = model
        self._calls = calls

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def calls_tools(self) -> bool:
        return self._model.calls_tools

    def complete(self, request: Request) -> Reply:
        """The kept reply, which takes nothing, or the model's, which is kept. Raises ModelError."""
        digest = self._digest(request)
        kept = self._calls.find(digest, request.turn)
        if kept is not None:
            return replace(kept, usage=Usage())
        reply = self._model.complete(request)
        self._calls.keep(digest, request, reply)
        return reply

    def _digest(self, request: Request) -> str:
        """SHA-256 over all that a reply depends on; empty if another run can't use it.

        The turn is part of it: samples of one message must differ, and so must a second conversation with the
        same beginning.
        """
        settings = self._model.settings
        if settings is None:
            return ""
        asked = (settings.name, settings.temperature, settings.max_tokens, asdict(request))
        content = json.dumps(asked, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()
