"""Language models as the agents see them: one request, one reply, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from llmcoop.errors import LLMCoopError, UsageError


class Role(StrEnum):
    """Who says a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model wants made; `arguments` is what it wrote, JSON if all is well."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation."""

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""  # which call a message of a tool answers


@dataclass(frozen=True, slots=True)
class Tool:
    """What a model may call; `parameters` is a JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Turn:
    """Which call of a run a request is, whatever it says: a replayed run asks the same turns."""

    agent: str  # "source", "ir", "asm", "testing", "guide"
    conversation: int  # of this agent in this run
    sample: int  # which of several replies to the same message the conversation follows, from 0
    number: int  # of the call in the conversation, from 1


@dataclass(frozen=True, slots=True)
class Request:
    """What a model is asked."""

    turn: Turn
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """What calls took."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    usd: float = 0.0

    @property
    def tokens(self) -> int:
        """Of prompts and completions together."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.usd + other.usd,
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said."""

    message: Message
    usage: Usage = field(default_factory=Usage)  # nothing for a reply that was paid for earlier
    truncated: bool = False  # it was cut off at the limit of tokens or bytes


class Model(Protocol):
    """Something that replies to requests; any thread may ask."""

    @property
    def name(self) -> str:
        """What the server calls it."""
        ...

    @property
    def calls_tools(self) -> bool:
        """Whether it can be given tools; otherwise a conversation describes them in its text."""
        ...

    def complete(self, request: Request) -> Reply:
        """The reply. Raises ModelError."""
        ...


class ModelError(LLMCoopError):
    """No reply: the message says why."""

    exit_code = 5


class ModelUnavailable(ModelError):  # noqa: N818 - it says what happened
    """The server can't be reached, or fails again and again; it may work later."""


class BudgetSpent(ModelError):  # noqa: N818 - it says what happened
    """The calls, tokens or money that are left do not suffice for one more call."""


class ToolsRefused(ModelError):  # noqa: N818 - it says what happened
    """The server takes no tools: `calls_tools` says so from now on, and the same turn can be asked without them."""


class RecordingEnded(ModelError):  # noqa: N818 - it says what happened
    """A recorded run has no reply for this turn: it ended here."""


class ModelRefused(ModelError, UsageError):  # noqa: N818 - it says what happened
    """The server refuses every call: a wrong key, name or address."""

    exit_code = 2
