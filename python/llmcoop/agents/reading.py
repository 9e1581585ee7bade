"""Read what a model wrote: fenced blocks, edits, tool calls as text. Whatever prose stands around them is ignored."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from llmcoop.models import Tool, ToolCall

_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})(.*)", re.DOTALL)
_KIND = re.compile(r"[ \t]*([\w+.#-]*)")
_TOOL_FENCE, _STOP_FENCE = "tool", "stop"


class Unusable(Exception):  # noqa: N818 - it says what is the matter
    """A reply of which nothing can be made; the message tells the model what to send instead."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: `info` is what follows the opening fence on its line, `closed` whether the block ends."""

    info: str
    text: str
    closed: bool

    @property
    def kind(self) -> str:
        """The word after the opening fence in lower case, "" if there is none."""
        match = _KIND.match(self.info)
        return match[1].lower() if match else ""


def blocks(reply: str) -> list[Block]:
    """The fenced blocks of a reply, in their order; one that is never closed goes on to the end.

    Ends of lines become those of Unix.
    """
    found: list[Block] = []
    fence, info, lines = "", "", []
    for line in reply.replace("\r\n", "\n").removesuffix("\n").split("\n"):
        mark, rest = _fence(line)
        if not fence:
            fence, info, lines = mark, rest, []
        elif mark.startswith(fence) and not rest:
            found.append(Block(info, _text(lines), True))
            fence = ""
        else:
            lines.append(line)
    if fence:
        found.append(Block(info, _text(lines), False))
    return found


def last_block(reply: str, kinds: Sequence[str]) -> str:
    """The text of the block that `proposed` finds. Raises Unusable."""
    return proposed(reply, kinds).text


def proposed(reply: str, kinds: Sequence[str]) -> Block:
    """The last block of one of these kinds that is not empty; one without a kind will do where none has one.

    Raises Unusable, also when that block is not closed.
    """
    found = [block for block in blocks(reply) if block.text.strip()]
    right = [block for block in found if block.kind in kinds] or [block for block in found if not block.kind]
    if not right:
        raise Unusable(f"it has no fenced block ```{kinds[0]} with the proposal; send one")
    if not right[-1].closed:
        raise Unusable("the last fenced block is not closed: the reply seems cut off; send it again, whole")
    return right[-1]


def stops(reply: str) -> bool:
    """Whether the last block is ```stop: the model sees nothing that is worth trying."""
    return any(block.kind == _STOP_FENCE for block in blocks(reply)[-1:])


def tool_calls(reply: str) -> tuple[ToolCall, ...]:
    """Calls in fenced blocks ```tool {"name": …, "arguments": {…}}, for models that are given no tools."""
    calls = []
    for number, block in enumerate(found for found in blocks(reply) if found.kind == _TOOL_FENCE):
        try:
            written = json.loads(block.text)
            name, arguments = str(written["name"]), json.dumps(written.get("arguments", {}))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            name, arguments = "?", block.text
        calls.append(ToolCall(f"written_{number}", name, arguments))
    return tuple(calls)


def described(tools: Sequence[Tool]) -> str:
    """How a model that is given no tools can call these in plain text."""
    lines = [
        "You can call tools. To call one, end your reply with a block like this and wait for its result:",
        f'```{_TOOL_FENCE}\n{{"name": "{tools[0].name}", "arguments": {{…}}}}\n```',
        "The tools, with the JSON schemas of their arguments:",
        *(f"- {tool.name}: {tool.description} {json.dumps(tool.parameters)}" for tool in tools),
    ]
    return "\n".join(lines)


def _fence(line: str) -> tuple[str, str]:
    """The fence that a line begins with, and what follows it; both empty if it is none.

    ```code``` within one line is none, as in CommonMark.
    """
    match = _FENCE.match(line)
    if match is None or (match[1][0] == "`" and "`" in match[2]):
        return "", ""
    return match[1], match[2].strip()


def _text(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
