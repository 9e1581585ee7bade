"""How a request is written for a server: all of them understand chat completions, but not all parts of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from llmcoop.models import Message, Request, Role
from llmcoop.models.settings import ModelSettings

LIMITS = ("max_tokens", "max_completion_tokens")  # the old name of the limit and the new one
_UNSAID = (400, 422)  # statuses that say that something is wrong with the form, even if not what
_SAID = (*_UNSAID, 404, 405, 500, 501)  # statuses to believe when they name a part of the form


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a server understands, as far as is known."""

    limit: str
    tools: bool
    stream: bool
    stream_usage: bool = True  # usage at the end of a stream, when asked for
    other_limit: bool = True  # the other name of the limit has not been tried
    answered: bool = False  # the server has replied to a request in this dialect
    answered_with_tools: bool = False

    @staticmethod
    def first(settings: ModelSettings) -> Dialect:
        """To begin with. Servers other than OpenAI's may ignore the new name of the limit, which is no limit then."""
        return Dialect(LIMITS[settings.is_openai], settings.tools, settings.stream)

    def body(self, request: Request, settings: ModelSettings) -> dict[str, object]:
        """The JSON of a request."""
        body: dict[str, object] = {
            "model": settings.name,
            "messages": [_written(message) for message in request.messages],
            self.limit: settings.max_tokens,
        }
        if settings.temperature is not None:
            body["temperature"] = settings.temperature
        if self.tools and request.tools:
            body["tools"] = [
                {
                    "type": "function",
                    "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
                }
                for tool in request.tools
            ]
        if self.stream:
            body["stream"] = True
            if self.stream_usage:
                body["stream_options"] = {"include_usage": True}
        return body

    def simpler(self, status: int, complaint: str, request: Request) -> Dialect | None:
        """The dialect without what a server complains of; None where that is not the form of the request."""
        ways = list(self._ways(request))
        if status in _SAID:
            for pattern, dialect in ways:
                if re.search(pattern, complaint, re.IGNORECASE):
                    return dialect
        # Once the form has done, a complaint that names no part of it is about what is asked, such as its length.
        return ways[0][1] if ways and status in _UNSAID and not self.answered else None

    def proven(self, request: Request) -> Dialect:
        """The dialect, known to be understood."""
        return replace(self, answered=True, answered_with_tools=self.answered_with_tools or bool(request.tools))

    def _ways(self, request: Request) -> Iterator[tuple[str, Dialect]]:
        """What a complaint may name, and the dialect without it; what is missed least comes first."""
        if self.stream and self.stream_usage:
            yield r"stream_options|include_usage", replace(self, stream_usage=False)
        if self.other_limit:
            other = LIMITS[1 - LIMITS.index(self.limit)]
            yield "max_tokens|max_completion_tokens", replace(self, limit=other, other_limit=False)
        if self.stream:
            yield r"\bstream(ing|ed)?\b", replace(self, stream=False)
        if self.tools and request.tools and not self.answered_with_tools:
            yield r"\btools?\b|tool_|tool use|function call", replace(self, tools=False)


def cleaned(text: str) -> str:
    """`text` without lone surrogates, which no UTF-8 has: JSON can spell them, and nothing can store them."""
    return text.encode("utf-8", "replace").decode()


def _written(message: Message) -> dict[str, object]:
    written: dict[str, object] = {"role": message.role.value, "content": cleaned(message.content)}
    if message.tool_calls:
        written["content"] = written["content"] or None
        written["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": cleaned(call.name), "arguments": _object(call.arguments)},
            }
            for call in message.tool_calls
        ]
    if message.role is Role.TOOL:
        written["tool_call_id"] = message.tool_call_id
    return written


def _object(arguments: str) -> str:
    """Arguments as a model wrote them, made into JSON where they are none: servers parse those of earlier turns."""
    try:
        valid = isinstance(json.loads(arguments), dict)
    except (ValueError, RecursionError):
        valid = False
    return cleaned(arguments) if valid else json.dumps({"unreadable": cleaned(arguments)})
