"""Ask a model behind a test's server."""

from __future__ import annotations

from typing import Any

from llmcoop.models import Message, Reply, Request, Role, Tool, Turn
from llmcoop.models.client import OpenAIModel
from llmcoop.models.ledger import Ledger
from llmcoop.models.settings import ModelSettings
from llmcoop.values import Budget
from server import Server

KEY = "sk-test-0123456789abcdef"
TOOLS = (
    Tool("mca", "Analyze the hot loop.", {"type": "object", "properties": {"loop": {"type": "string"}}}),
    Tool("assemble", "Assemble it.", {"type": "object", "properties": {}}),
)


def model_of(
    server: Server, *, budget: Budget | None = None, ledger: Ledger | None = None, **settings: Any
) -> OpenAIModel:
    defaults: dict[str, Any] = {"base_url": server.url, "key": KEY, "retries": 2, "timeout_s": 5.0}
    return OpenAIModel(ModelSettings("m", **(defaults | settings)), ledger or Ledger(budget or Budget()))


def request_of(text: str = "say hello", tools: tuple[Tool, ...] = (), number: int = 1, sample: int = 0) -> Request:
    return Request(
        Turn("source", 1, sample, number), (Message(Role.SYSTEM, "be brief"), Message(Role.USER, text)), tools
    )


def said(reply: Reply) -> str:
    return reply.message.content
