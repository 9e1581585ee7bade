"""A conversation serves tool calls, asks once for a reply that can be used, and survives any reply."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from llmcoop.agents.conversation import TOOL_CALLS, BoundTool, Conversation
from llmcoop.agents.reading import Unusable
from llmcoop.errors import ToolchainError
from llmcoop.models import Message, RecordingEnded, Reply, Request, Role, Tool, ToolCall
from llmcoop.models.scripted import ScriptedModel

TEXT = {
    "type": "object",
    "properties": {"text": {"type": "string"}, "times": {"type": "integer"}},
    "required": ["text"],
}


def repeat(arguments: Mapping[str, object]) -> str:
    if arguments["text"] == "broken":
        raise ToolchainError("the repeater is broken", "buy another")
    return str(arguments["text"]) * int(str(arguments.get("times", 2)))


ECHO = BoundTool(Tool("repeat", "Say it again.", TEXT), repeat)


def calling(*calls: tuple[str, str]) -> Message:
    return Message(
        Role.ASSISTANT, "", tuple(ToolCall(f"id{number}", name, text) for number, (name, text) in enumerate(calls))
    )


class Watched:
    """A scripted model that keeps what it was asked; it can cut replies off."""

    def __init__(self, *replies: str | Message, calls_tools: bool = True, truncated: bool = False) -> None:
        self._script = ScriptedModel({"source": replies})
        self.name, self.calls_tools, self.truncated = "watched", calls_tools, truncated
        self.requests: list[Request] = []

    def complete(self, request: Request) -> Reply:
        self.requests.append(request)
        reply = self._script.complete(request)
        return Reply(reply.message, reply.usage, self.truncated)


def conversation(model: Watched, *tools: BoundTool) -> Conversation:
    return Conversation(model, "source", 3, "be brief", tools)


def number(reply: str) -> int:
    if not reply.strip().isdigit():
        raise Unusable("it is no number; send digits")
    return int(reply)


def results(model: Watched) -> list[str]:
    """What the model was told in its last request, after its own last message."""
    told = [message.content for message in model.requests[-1].messages]
    own = [at for at, each in enumerate(model.requests[-1].messages) if each.role is Role.ASSISTANT]
    return told[own[-1] + 1 :]


def test_a_reply_is_parsed_and_the_turn_is_named() -> None:
    model = Watched("7")
    assert conversation(model).ask("how many?", number) == 7
    turn = model.requests[0].turn
    assert (turn.agent, turn.conversation, turn.sample, turn.number) == ("source", 3, 0, 1)
    assert [message.content for message in model.requests[0].messages] == ["be brief", "how many?"]


def test_an_unusable_reply_is_answered_once_with_the_reason() -> None:
    model = Watched("seven", "7")
    talk = conversation(model)
    assert talk.ask("how many?", number) == 7
    assert results(model) == ["That can't be used: it is no number; send digits"]
    assert talk.unusable == 1


def test_a_second_unusable_reply_ends_the_question_not_the_conversation() -> None:
    talk = conversation(Watched("seven", "sieben", "8"))
    with pytest.raises(Unusable, match="no number"):
        talk.ask("how many?", number)
    assert talk.unusable == 2
    assert talk.ask("and now?", number) == 8


def test_no_more_replies_is_an_error_of_the_model() -> None:
    with pytest.raises(RecordingEnded):
        conversation(Watched()).ask("how many?", number)


def test_tools_are_served_by_protocol() -> None:
    model = Watched(calling(("repeat", '{"text": "4"}'), ("repeat", '{"text": "5", "times": 3}')), "7")
    assert conversation(model, ECHO).ask("how many?", number) == 7
    told = model.requests[1].messages[-2:]
    assert [(each.role, each.tool_call_id, each.content) for each in told] == [
        (Role.TOOL, "id0", "44"),
        (Role.TOOL, "id1", "555"),
    ]
    assert model.requests[0].tools == (ECHO.tool,)


def test_tools_are_served_in_text_and_turns_alternate() -> None:
    calls = '```tool\n{"name": "repeat", "arguments": {"text": "4"}}\n```\n' * 2
    model = Watched(calls, "seven", "7", calls_tools=False)
    assert conversation(model, ECHO).ask("how many?", number) == 7
    assert all(not request.tools for request in model.requests)
    assert "repeat" in model.requests[0].messages[0].content
    assert model.requests[1].messages[-1].content == "Result of repeat:\n44\n\nResult of repeat:\n44"
    roles = [message.role for message in model.requests[-1].messages[1:]]
    assert roles == [Role.USER, Role.ASSISTANT] * 2 + [Role.USER]


def test_a_model_that_turns_out_to_call_no_tools_is_told_of_them_in_text() -> None:
    model = Watched("seven", "7")
    talk = conversation(model, ECHO)
    model.calls_tools = False
    assert talk.ask("how many?", number) == 7
    assert model.requests[0].messages[0].content.startswith("be brief\n\nYou can call tools.")


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (("repeat", "{"), "not JSON"),
        (("repeat", "[" * 100_000), "not JSON"),
        (("repeat", "[1]"), "must be a JSON object"),
        (("repeat", ""), "repeat takes text, times (optional); you gave none"),
        (("repeat", '{"text": "a", "loud": 1}'), "you gave text, loud"),
        (("repeat", '{"text": 1}'), "'text' must be a string"),
        (("shout", "{}"), "there is no tool 'shout'; the tools are: repeat"),
        (("x" * 1_000_000, "{}"), "the tools are: repeat"),
        (("repeat", '{"text": "broken"}'), "error: the repeater is broken"),
    ],
)
def test_a_call_that_can_not_be_made_is_answered_with_the_reason(call: tuple[str, str], answer: str) -> None:
    model = Watched(calling(call), "7")
    assert conversation(model, ECHO).ask("how many?", number) == 7
    (told,) = results(model)
    assert answer in told
    assert len(told) < 500


def test_long_results_lose_their_middle() -> None:
    model = Watched(calling(("repeat", json.dumps({"text": "ab", "times": 100_000}))), "7")
    conversation(model, ECHO).ask("how many?", number)
    (told,) = results(model)
    assert "188000 characters left out" in told


def test_tool_calls_have_a_limit_that_leaves_room_for_a_proposal() -> None:
    ran: list[object] = []
    tool = BoundTool(Tool("look", "Look.", {}), lambda arguments: str(ran.append(arguments)))
    model = Watched(calling(*[("look", "{}")] * 50), calling(("look", "{}")), "7")
    talk = conversation(model, tool)
    assert talk.ask("how many?", number) == 7
    assert len(ran) == TOOL_CALLS
    assert f"no proposal after {TOOL_CALLS} tool calls" in results(model)[-1]
    answered = [each.tool_call_id for each in model.requests[-1].messages if each.role is Role.TOOL]
    assert len(answered) == 51, "the protocol wants an answer to every call"


def test_a_model_that_only_calls_tools_ends_as_unusable() -> None:
    talk = conversation(Watched(*[calling(("repeat", '{"text": "a"}'))] * 60), ECHO)
    with pytest.raises(Unusable, match="propose now"):
        talk.ask("how many?", number)


def test_a_reply_that_was_cut_off_is_no_proposal_and_is_not_sent_back_whole() -> None:
    model = Watched("7" * 2_000_000, "7", truncated=True)
    with pytest.raises(Unusable, match="cut off"):
        conversation(model).ask("how many?", number)
    assert len(model.requests[1].messages[-2].content) < 20_000


def test_an_empty_reply_is_not_sent_back_empty() -> None:
    model = Watched("", "7")
    assert conversation(model).ask("how many?", number) == 7
    assert model.requests[1].messages[-2] == Message(Role.ASSISTANT, "(nothing)")


def test_what_is_no_character_never_leaves() -> None:
    model = Watched("\ud800 7", calling(("repeat", '{"text": "\\udc80"}'), ("\ud800", "\udc80")), "7")
    talk = conversation(model, ECHO)
    talk.ask("how many?", number)
    for message in model.requests[-1].messages:
        message.content.encode()
        for call in message.tool_calls:
            assert call.name.encode() + call.arguments.encode()


def test_a_fork_goes_on_by_itself_and_counts_with_its_origin() -> None:
    model = Watched("1", "two", "2", "3")
    talk = conversation(model)
    talk.ask("one", number)
    assert talk.fork(5).ask("two", number) == 2
    assert model.requests[1].turn.sample == 5
    assert model.requests[1].turn.number == 2
    assert talk.unusable == 1
    assert talk.ask("three", number) == 3
    assert [each.content for each in model.requests[-1].messages] == ["be brief", "one", "1", "three"]
