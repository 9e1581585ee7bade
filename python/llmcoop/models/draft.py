"""A reply as it arrives: in parts, or whole, and not always well formed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from llmcoop.models import ToolCall
from llmcoop.models.dialect import cleaned

REPLY_BYTES = 1 << 20  # of text and tool calls; a reply is cut off there
_TOOL_CALLS = 64


@dataclass(slots=True)
class _CallDraft:
    index: object
    id: str
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class Draft:
    """What has arrived of one reply. Parts that are not what they should be are passed over."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._calls: list[_CallDraft] = []
        self._usage: tuple[int, int] | None = None
        self.size = 0  # bytes
        self.full = False  # cut off here
        self.ending = ""  # the server's reason for the end; empty before the end

    @property
    def text(self) -> str:
        return "".join(self._texts)

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        return tuple(
            ToolCall(call.id or f"call_{number}", call.name, "".join(call.arguments))
            for number, call in enumerate(self._calls)
        )

    @property
    def truncated(self) -> bool:
        return self.full or self.ending == "length"

    @property
    def usage(self) -> tuple[int, int] | None:
        """Tokens of prompt and completion as the server reported them; None where it did not, or says nonsense."""
        if self._usage is None or self._usage[0] <= 0 or (self.size and self._usage[1] <= 0):
            return None
        return self._usage

    def add(self, event: object) -> None:
        """One event of a stream, or a whole completion: the same but for a name."""
        event = _mapping(event)
        usage = _mapping(event.get("usage"))
        tokens = usage.get("prompt_tokens"), usage.get("completion_tokens")
        if isinstance(tokens[0], int) and isinstance(tokens[1], int):
            self._usage = tokens[0], tokens[1]
        choices = event.get("choices")
        if not isinstance(choices, list) or not choices:
            return
        choice = _mapping(choices[0])
        self._add_message(_mapping(choice.get("delta") or choice.get("message")))
        self.ending = _text(choice.get("finish_reason")) or self.ending

    def _add_message(self, message: Mapping[str, object]) -> None:
        self._texts.append(self._taken(_text(message.get("content"))))
        calls = message.get("tool_calls")
        for entry in calls if isinstance(calls, list) else ():
            self._add_call(_mapping(entry))

    def _add_call(self, entry: Mapping[str, object]) -> None:
        function = _mapping(entry.get("function"))
        name, arguments = _text(function.get("name")), function.get("arguments")
        written = json.dumps(arguments) if isinstance(arguments, dict) else _text(arguments)
        call = self._call(entry.get("index"), _text(entry.get("id")), name)
        if call is not None:
            call.name = call.name or self._taken(name)
            call.arguments.append(self._taken(written))

    def _call(self, index: object, identifier: str, name: str) -> _CallDraft | None:
        """The call that a part belongs to, which may be a new one; some servers number all calls 0, or none."""
        same = [call for call in self._calls if call.index == index]
        if same and not (name and (index is None or (identifier and identifier != same[-1].id))):
            return same[-1]
        if len(self._calls) == _TOOL_CALLS:
            self.full = True
            return None
        self._calls.append(_CallDraft(index, self._taken(identifier)))
        return self._calls[-1]

    def _taken(self, text: str) -> str:
        """As much of `text` as there is room for."""
        data = cleaned(text).encode()
        room = REPLY_BYTES - self.size
        self.full = self.full or len(data) > room
        kept = data[:room].decode(errors="ignore")
        self.size += min(len(data), room)
        return kept


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    """Text as it is, or the texts of a list of parts."""
    if isinstance(value, list):
        return "".join(_text(_mapping(part).get("text")) for part in value)
    return value if isinstance(value, str) else ""
