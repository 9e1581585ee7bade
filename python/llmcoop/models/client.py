"""A model behind an OpenAI-compatible server."""

from __future__ import annotations

from dataclasses import replace
from threading import BoundedSemaphore, Lock

from llmcoop.models import Message, Reply, Request, Role, ToolCall, ToolsRefused
from llmcoop.models.dialect import Dialect
from llmcoop.models.faults import BrokenOffError, NoAnswerError, StatusError, refusal, unavailable
from llmcoop.models.ledger import Ledger
from llmcoop.models.prices import price_for
from llmcoop.models.settings import ModelSettings

_ANSWERS = 2  # that break off, after which a server is given up


class OpenAIModel:
    """Asks over chat completions, within the budget of a ledger."""

    def __init__(self, settings: ModelSettings, ledger: Ledger) -> None:
        """Raises UsageError when the budget limits money and the model's price is not known."""
        # The openai package takes long to import, and a run without a model needs none of it.
        from llmcoop.models.connection import Connection  # noqa: PLC0415

        self.settings = settings
        self._connection = Connection(settings, ledger, price_for(settings, ledger.budget))
        self._dialect = Dialect.first(settings)
        self._learning = Lock()
        self._slots = BoundedSemaphore(settings.concurrency)

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def calls_tools(self) -> bool:
        return self._dialect.tools

    def complete(self, request: Request) -> Reply:
        """The reply; waits while as many calls are being made as there may be.

        Raises ModelRefused, ModelUnavailable, BudgetSpent, and ToolsRefused when it turns out that the server takes no
        tools.
        """
        with self._slots:
            return self._understood(request)

    def _understood(self, request: Request) -> Reply:
        """The reply, in the first dialect that the server understands."""
        dialect, first_fault = self._dialect, None
        while True:
            try:
                reply = self._whole(request, dialect)
            except StatusError as fault:
                first_fault = first_fault or fault
                simpler = dialect.simpler(fault.status, fault.words, request)
            else:
                self._learn(dialect.proven(request))
                return reply
            if simpler is None:
                raise refusal(first_fault, self.settings) from None
            if dialect.tools and not simpler.tools:
                self._learn(simpler)
                raise ToolsRefused(f"{self.settings.address} takes no tools: {first_fault.words}")
            dialect = simpler

    def _learn(self, dialect: Dialect) -> None:
        """Use this dialect from now on; tools that another thread saw refused stay refused."""
        with self._learning:
            self._dialect = replace(dialect, tools=dialect.tools and self._dialect.tools)

    def _whole(self, request: Request, dialect: Dialect) -> Reply:
        """A reply that did not break off. Raises StatusError and ModelError."""
        words = ""
        for _ in range(_ANSWERS):
            try:
                return self._attempted(request, dialect)
            except NoAnswerError as fault:
                raise unavailable(fault.words, fault.attempts, self.settings) from None
            except BrokenOffError as fault:
                words = self.settings.redacted(str(fault))
        raise unavailable(words, _ANSWERS, self.settings)

    def _attempted(self, request: Request, dialect: Dialect) -> Reply:
        draft, usage = self._connection.send(dialect.body(request, self.settings)).read()
        redacted = self.settings.redacted
        calls = tuple(
            ToolCall(redacted(call.id), redacted(call.name), redacted(call.arguments))
            for call in draft.tool_calls
            if dialect.tools and request.tools
        )
        return Reply(Message(Role.ASSISTANT, redacted(draft.text), calls), usage, draft.truncated)
