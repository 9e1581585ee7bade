"""A model that says what it was told to: for tests, demonstrations and trying a set-up without a server."""

from __future__ import annotations

import re
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from llmcoop.errors import UsageError
from llmcoop.models import Message, RecordingEnded, Reply, Request, Role, Usage
from llmcoop.models.ledger import Ledger
from llmcoop.values import Budget

_BYTES_PER_TOKEN = 4
_FILE = re.compile(r"([a-z]+)-(\d+)\.md")


class ScriptedModel:
    """Gives each agent its replies one after the other, in the order in which it is asked."""

    def __init__(
        self,
        replies: Mapping[str, Sequence[str | Message]],
        name: str = "scripted",
        *,
        repeat: bool = False,
        calls_tools: bool = True,
        given: Mapping[str, int] = MappingProxyType({}),
        ledger: Ledger | None = None,
    ) -> None:
        """`replies` are those for each agent: texts, or messages with tool calls; so many were `given` before.

        With `repeat`, an agent whose replies are used up gets the last one again.
        """
        self._replies = {agent: [_message(reply) for reply in script] for agent, script in replies.items()}
        self._name = name
        self._repeat = repeat
        self._calls_tools = calls_tools
        self._lock = threading.Lock()
        self._asked = Counter(given)
        self._ledger = ledger or Ledger(Budget())

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        repeat: bool = False,
        given: Mapping[str, int] = MappingProxyType({}),
        ledger: Ledger | None = None,
    ) -> ScriptedModel:
        """The replies in the files AGENT-NUMBER.md of a folder, such as source-01.md, by number.

        A reply may call tools as text. Raises UsageError when there are none, or when they can't be read.
        """
        replies: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        try:
            for path in sorted(folder.iterdir()):
                if match := _FILE.fullmatch(path.name):
                    replies[match[1]].append((int(match[2]), path.read_text()))
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"can't read the replies in {folder}: {error}", "name a folder of text files") from error
        if not replies:
            raise UsageError(f"there are no replies in {folder}", "call the files AGENT-01.md, such as source-01.md")
        scripts = {agent: [text for _, text in sorted(script)] for agent, script in replies.items()}
        return cls(scripts, f"scripted:{folder}", repeat=repeat, calls_tools=False, given=given, ledger=ledger)

    @property
    def name(self) -> str:
        """As it was given."""
        return self._name

    @property
    def settings(self) -> None:
        """It has none: what it says depends on nothing but how often it was asked."""

    @property
    def calls_tools(self) -> bool:
        """Whether tool calls are parts of the replies, not text in them."""
        return self._calls_tools

    def complete(self, request: Request) -> Reply:
        """The agent's next reply. Raises RecordingEnded when there is none, and BudgetSpent.

        The usage is estimated from the lengths of the messages, and nothing is paid.
        """
        message = self._next(request.turn.agent)
        usage = Usage(1, sum(map(_tokens, request.messages)), _tokens(message))
        self._ledger.reserve(usage).settle(usage)
        return Reply(message, usage)

    def _next(self, agent: str) -> Message:
        script = self._replies.get(agent, [])
        with self._lock:
            number = self._asked[agent]
            self._asked[agent] += 1
        if script and (number < len(script) or self._repeat):
            return script[min(number, len(script) - 1)]
        raise RecordingEnded(
            f"the script of {self._name} has {len(script)} replies for the agent '{agent}', and one more was asked for",
            "add replies, or let the last one be repeated",
        )


def _message(reply: str | Message) -> Message:
    return Message(Role.ASSISTANT, reply) if isinstance(reply, str) else reply


def _tokens(message: Message) -> int:
    """About as many as a tokenizer would give."""
    texts = (message.content, *(part for call in message.tool_calls for part in (call.name, call.arguments)))
    n_bytes = sum(len(text.encode(errors="surrogatepass")) for text in texts)
    return -(-n_bytes // _BYTES_PER_TOKEN)
