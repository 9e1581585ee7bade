"""What a model says arrives as it was said, from servers of all kinds."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from asking import KEY, TOOLS, model_of, request_of, said

from llmcoop.agents.conversation import BoundTool, Conversation
from llmcoop.models import Message, ModelRefused, Request, Role, ToolCall, ToolsRefused, Turn, Usage
from server import (
    EVENTS,
    Behaviour,
    Body,
    Exchange,
    event,
    fails,
    in_turn,
    refuses,
    replies,
    says,
    serving,
    stream,
    tokens,
    tool_call,
)

CALLS = [tool_call("mca", '{"loop": "höt"}', "a"), tool_call("assemble", "{}", "b")]


@pytest.mark.parametrize("streams", [True, False])
def test_a_reply_comes_with_its_usage(streams: bool) -> None:
    with serving(replies("hello wörld " * 9, usage=tokens(7, 3))) as server:
        reply = model_of(server, stream=streams).complete(request_of())
    assert reply.message == Message(Role.ASSISTANT, "hello wörld " * 9)
    assert (reply.usage, reply.truncated) == (Usage(1, 7, 3), False)
    assert ("stream" in server.bodies[0]) == streams
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("streams", [True, False])
def test_tool_calls_arrive_whole(streams: bool) -> None:
    with serving(replies(None, calls=CALLS, finish="tool_calls")) as server:
        reply = model_of(server, stream=streams).complete(request_of(tools=TOOLS))
    assert reply.message.tool_calls == (ToolCall("a", "mca", '{"loop": "höt"}'), ToolCall("b", "assemble", "{}"))
    assert [tool["function"]["name"] for tool in server.bodies[0]["tools"]] == ["mca", "assemble"]


@pytest.mark.parametrize("index", [0, None])
def test_calls_that_a_server_numbers_alike_are_told_apart_by_name(index: int | None) -> None:
    parts = [event({"tool_calls": [call | {"index": index}]}) for call in CALLS]
    with serving(says(stream(*parts, event({}, "tool_calls")), EVENTS)) as server:
        reply = model_of(server).complete(request_of(tools=TOOLS))
    assert [call.name for call in reply.message.tool_calls] == ["mca", "assemble"]


def test_a_conversation_is_sent_as_it_was() -> None:
    call = ToolCall("a", "mca", "not JSON")
    messages = (
        Message(Role.SYSTEM, "s"),
        Message(Role.USER, "\ud800"),
        Message(Role.ASSISTANT, "", (call,)),
        Message(Role.TOOL, "result", tool_call_id="a"),
    )
    with serving(replies()) as server:
        model_of(server, temperature=0.5).complete(Request(Turn("ir", 1, 0, 2), messages, TOOLS))
    (body,) = server.bodies
    assert body["temperature"] == 0.5
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "tool"]
    assert body["messages"][1]["content"] == "?"
    (sent,) = body["messages"][2]["tool_calls"]
    assert json.loads(sent["function"]["arguments"]) == {"unreadable": "not JSON"}
    assert body["messages"][3]["tool_call_id"] == "a"


def test_temperature_is_not_sent_unless_it_is_chosen() -> None:
    with serving(replies()) as server:
        model_of(server).complete(request_of())
    assert "temperature" not in server.bodies[0]


@pytest.mark.parametrize("streams", [True, False])
def test_a_reply_that_is_too_long_is_cut_off(streams: bool) -> None:
    with serving(replies("ä" * (1 << 20))) as server:
        reply = model_of(server, stream=streams).complete(request_of())
    assert reply.truncated
    assert said(reply) == "ä" * (1 << 19)


def test_a_reply_that_ends_at_the_limit_of_tokens_is_truncated() -> None:
    with serving(replies("hello", finish="length")) as server:
        assert model_of(server).complete(request_of()).truncated


@pytest.mark.parametrize("content", [None, ""])
def test_an_empty_reply_is_a_reply(content: str | None) -> None:
    with serving(replies(content)) as server:
        assert said(model_of(server).complete(request_of())) == ""


def test_text_that_no_utf8_has_is_replaced() -> None:
    with serving(says(b'{"choices": [{"message": {"content": "a\\ud800b"}, "finish_reason": "stop"}]}')) as server:
        assert said(model_of(server).complete(request_of())) == "a?b"


PARTS = {"type": "text", "text": "hello"}


@pytest.mark.parametrize(
    "message",
    [
        {"content": [PARTS, 3], "tool_calls": "none"},
        {"content": "hello", "tool_calls": [7, {"function": None}, {"function": {"name": 1, "arguments": 2}}]},
        {"content": "hello", "usage": "free", "role": 9},
    ],
)
def test_parts_of_the_wrong_kind_are_passed_over(message: Body) -> None:
    body = {"choices": [{"message": message, "finish_reason": "stop"}], "usage": {"prompt_tokens": "many"}}
    with serving(says(json.dumps(body).encode())) as server:
        assert said(model_of(server).complete(request_of(tools=TOOLS))) == "hello"


REFUSING: list[tuple[Behaviour, set[str]]] = [
    (refuses("stream_options"), {"stream", "max_tokens"}),
    (refuses("stream_options", "Bad Request"), {"stream", "max_tokens"}),
    (refuses("stream", "streaming is not supported", 422), {"max_tokens"}),
    (refuses("stream", "Bad Request"), {"max_completion_tokens"}),
    (
        refuses("max_tokens", "use 'max_completion_tokens' instead"),
        {"stream", "stream_options", "max_completion_tokens"},
    ),
]


@pytest.mark.parametrize(("behaviour", "kept"), REFUSING)
def test_what_a_server_refuses_is_left_out_and_remembered(behaviour: Behaviour, kept: set[str]) -> None:
    with serving(behaviour) as server:
        model = model_of(server)
        replies_twice = [said(model.complete(request_of())) for _ in range(2)]
    assert replies_twice == ["hello", "hello"]
    optional = {"stream", "stream_options", "max_tokens", "max_completion_tokens"}
    assert set(server.bodies[-1]) & optional == kept
    assert set(server.bodies[-2]) & optional == kept, "the second request was right at once"


@pytest.mark.parametrize(
    ("status", "message"),
    [(400, '"gemma" does not support tools'), (500, "tools param requires --jinja flag"), (404, "no tool use here")],
)
def test_a_server_without_tools_is_told_of_them_in_the_prompt(status: int, message: str) -> None:
    answers = in_turn(replies('```tool\n{"name": "mca", "arguments": {"loop": "x"}}\n```'), replies("done"))
    with serving(refuses("tools", message, status, otherwise=answers)) as server:
        model = model_of(server)
        asked: list[object] = []
        tool = BoundTool(TOOLS[0], lambda arguments: asked.append(arguments) or "slow")
        assert Conversation(model, "ir", 1, "system", [tool]).ask("go", str) == "done"
    assert asked == [{"loop": "x"}]
    assert not model.calls_tools
    system = server.bodies[-1]["messages"][0]["content"]
    assert "```tool" in system and "Analyze the hot loop." in system


def test_a_server_that_takes_no_tools_says_so() -> None:
    with serving(refuses("tools")) as server:
        model = model_of(server)
        with pytest.raises(ToolsRefused):
            model.complete(request_of(tools=TOOLS))
        assert said(model.complete(request_of())) == "hello"


def test_a_prompt_that_is_too_long_does_not_cost_the_tools() -> None:
    too_long = fails(400, "reduce the length of the messages or tools")
    with serving(replies(), too_long, replies()) as server:
        model = model_of(server)
        model.complete(request_of(tools=TOOLS))
        with pytest.raises(ModelRefused, match="reduce the length"):
            model.complete(request_of(tools=TOOLS))
        model.complete(request_of(tools=TOOLS))
    assert model.calls_tools
    assert len(server.requests) == 3
    assert {"tools", "stream", "stream_options"} <= set(server.bodies[-1])


def test_tools_can_be_turned_off() -> None:
    with serving(replies()) as server:
        model = model_of(server, tools=False)
        model.complete(request_of(tools=TOOLS))
    assert not model.calls_tools
    assert "tools" not in server.bodies[0]


def test_a_server_that_ignores_that_it_should_stream_is_understood() -> None:
    body = json.dumps({"choices": [{"message": {"content": "whole"}, "finish_reason": "stop"}]}).encode()
    with serving(says(body)) as server:
        assert said(model_of(server).complete(request_of())) == "whole"


def test_no_more_calls_at_a_time_than_allowed() -> None:
    lock, now, most = threading.Lock(), [0], [0]

    def slowly(exchange: Exchange) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.05)
        with lock:
            now[0] -= 1
        replies()(exchange)

    with serving(slowly) as server, ThreadPoolExecutor(8) as pool:
        model = model_of(server, concurrency=2)
        assert [said(reply) for reply in pool.map(model.complete, [request_of()] * 8)] == ["hello"] * 8
    assert most == [2]


def test_a_rate_limit_is_waited_for() -> None:
    with serving(fails(429), fails(503), replies()) as server:
        assert said(model_of(server).complete(request_of())) == "hello"
    assert len(server.requests) == 3


def test_openai_is_imported_only_for_a_model() -> None:
    code = "import sys, llmcoop.models.client, llmcoop.models.cached; print('openai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"False\n"
