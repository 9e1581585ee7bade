"""A conversation with a model: serve its tool calls, read its reply, ask once for a reply that can be used."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from llmcoop.agents import reading
from llmcoop.agents.reading import Unusable
from llmcoop.errors import LLMCoopError
from llmcoop.models import Message, Model, Reply, Request, Role, Tool, ToolCall, ToolsRefused, Turn

TOOL_CALLS = 24  # that one message of ours may lead to
_RESULT_CHARACTERS = 12_000  # of what a tool says; the middle of more is left out
_NAME_CHARACTERS = 60  # of a tool that there is not

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BoundTool:
    """A tool with what it does: arguments by name to the text that the model gets.

    What `run` raises as LLMCoopError or Unusable is told to the model; the conversation goes on.
    """

    tool: Tool
    run: Callable[[Mapping[str, object]], str]


class Conversation:
    """One exchange about one task. It ends with ModelError when there are no replies to be had."""

    def __init__(
        self, model: Model, agent: str, number: int, system: str, tools: Sequence[BoundTool] = (), sample: int = 0
    ) -> None:
        """`number` counts the conversations of this agent in this run."""
        self._model = model
        self._tools = {bound.tool.name: bound for bound in tools}
        self._messages = [Message(Role.SYSTEM, system)]
        self._turn = Turn(agent, number, sample, 0)
        self._tool_calls_left = 0
        self._rejected: list[str] = []  # shared with forks, which may live in other threads

    @property
    def unusable(self) -> int:
        """Replies and tool calls that nothing could be made of, those of all forks included."""
        return len(self._rejected)

    def fork(self, sample: int) -> Conversation:
        """A copy that goes on by itself, as number `sample`."""
        other = Conversation(self._model, self._turn.agent, self._turn.conversation, "")
        other._tools = self._tools
        other._messages = list(self._messages)
        other._turn = replace(self._turn, sample=sample)
        other._rejected = self._rejected
        return other

    def ask(self, text: str, parse: Callable[[str], T]) -> T:
        """Say `text`, serve what tool calls follow, and give what `parse` makes of the reply.

        A reply of which `parse` makes nothing is answered once with the reason. Raises Unusable after that.
        """
        self._tool_calls_left = TOOL_CALLS
        self._say(Message(Role.USER, text))
        try:
            return parse(self._reply())
        except Unusable as error:
            self._rejected.append(str(error))
            self._say(Message(Role.USER, f"That can't be used: {error}"))
        try:
            return parse(self._reply())
        except Unusable as error:
            self._rejected.append(str(error))
            raise

    def _say(self, message: Message) -> None:
        """Add a message. Two of the user's in a row become one: some servers insist on turns."""
        last = self._messages[-1]
        if last.role is Role.USER and message.role is Role.USER:
            self._messages[-1] = Message(Role.USER, f"{last.content}\n\n{message.content}")
        else:
            self._messages.append(message)

    def _reply(self) -> str:
        """The next reply that calls no tool."""
        while True:
            reply = self._complete()
            content = reply.message.content
            calls = reply.message.tool_calls or self._written_calls(content)
            if not calls:
                if reply.truncated:
                    raise Unusable("your reply was cut off because it is too long; send a shorter one")
                return content
            too_late = self._tool_calls_left <= 0
            for call in calls:
                self._say(self._answer(call, of_protocol=bool(reply.message.tool_calls)))
            if too_late:
                raise Unusable(f"no proposal after {TOOL_CALLS} tool calls; propose now, without tools")

    def _complete(self) -> Reply:
        """The model's next message, noted in a form that can be sent back to it."""
        self._turn = replace(self._turn, number=self._turn.number + 1)
        try:
            reply = self._model.complete(self._request())
        except ToolsRefused:
            reply = self._model.complete(self._request())
        calls = tuple(
            replace(call, name=_characters(call.name), arguments=_characters(call.arguments))
            for call in reply.message.tool_calls
        )
        said = replace(reply.message, content=_characters(reply.message.content), tool_calls=calls)
        kept = _shortened(said.content) if reply.truncated else said.content
        self._say(replace(said, content=kept or ("" if said.tool_calls else "(nothing)")))
        return replace(reply, message=said)

    def _request(self) -> Request:
        """What is asked next; a model that takes no tools is told of them in the system message."""
        tools = tuple(bound.tool for bound in self._tools.values())
        if not tools or self._model.calls_tools:
            return Request(self._turn, tuple(self._messages), tools)
        system = Message(Role.SYSTEM, f"{self._messages[0].content}\n\n{reading.described(tools)}")
        return Request(self._turn, (system, *self._messages[1:]))

    def _written_calls(self, content: str) -> tuple[ToolCall, ...]:
        return reading.tool_calls(content) if self._tools and not self._model.calls_tools else ()

    def _answer(self, call: ToolCall, *, of_protocol: bool) -> Message:
        text = _shortened(_characters(self._result(call)))
        if of_protocol:
            return Message(Role.TOOL, text, tool_call_id=call.id)
        return Message(Role.USER, f"Result of {call.name[:_NAME_CHARACTERS]}:\n{text}")

    def _result(self, call: ToolCall) -> str:
        if self._tool_calls_left <= 0:
            return "error: no tool calls are left; propose now"
        self._tool_calls_left -= 1
        try:
            bound = self._tools.get(call.name)
            if bound is None:
                known = ", ".join(self._tools) or "none"
                raise Unusable(f"there is no tool '{call.name[:_NAME_CHARACTERS]}'; the tools are: {known}")
            return bound.run(_arguments(call, bound.tool))
        except Unusable as error:
            self._rejected.append(str(error))
            return f"error: {error}"
        except LLMCoopError as error:
            return f"error: {error.message}"


def _arguments(call: ToolCall, tool: Tool) -> Mapping[str, object]:
    """What a model wrote as arguments. Raises Unusable when it does not fit the tool."""
    try:
        arguments = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError) as error:
        raise Unusable(f"the arguments are not JSON: {error}") from None
    if not isinstance(arguments, dict):
        raise Unusable("the arguments must be a JSON object")
    known = tool.parameters.get("properties", {})
    required = tool.parameters.get("required", ())
    assert isinstance(known, Mapping)
    assert isinstance(required, Sequence)
    if not set(required) <= set(arguments) <= set(known):
        takes = ", ".join(name if name in required else f"{name} (optional)" for name in known)
        raise Unusable(f"{call.name} takes {takes or 'no arguments'}; you gave {', '.join(arguments) or 'none'}")
    for name, value in arguments.items():
        if known[name].get("type") == "string" and not isinstance(value, str):
            raise Unusable(f"'{name}' must be a string")
    return {name: _characters(value) if isinstance(value, str) else value for name, value in arguments.items()}


def _characters(text: str) -> str:
    """The text without what is no character and can't be sent: lone surrogates, which JSON lets a model write."""
    return text.encode(errors="replace").decode()


def _shortened(text: str) -> str:
    if len(text) <= _RESULT_CHARACTERS:
        return text
    half = _RESULT_CHARACTERS // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"
