"""When a server fails or refuses: what the user is told, how often it is tried, and that the key stays secret."""

from __future__ import annotations

import json
import logging
import pickle
import socket
import traceback
from dataclasses import asdict

import pytest
from asking import KEY, TOOLS, model_of, request_of, said

from llmcoop.errors import UsageError
from llmcoop.models import ModelError, ModelRefused, ModelUnavailable
from llmcoop.models.client import OpenAIModel
from llmcoop.models.ledger import Ledger
from llmcoop.models.settings import ModelSettings
from llmcoop.values import Budget
from server import (
    EVENTS,
    Behaviour,
    Exchange,
    event,
    fails,
    hangs,
    refuses,
    replies,
    resets,
    resets_after,
    says,
    serving,
    stream,
)

PART = event({"content": "half of"})


def fault(behaviour: Behaviour, *more: Behaviour, **settings: object) -> tuple[ModelError, int]:
    """The error that a call ends with, and how many requests there were."""
    with serving(behaviour, *more) as server:
        model = model_of(server, **settings)  # type: ignore[arg-type]
        with pytest.raises(ModelError) as caught:
            model.complete(request_of(tools=TOOLS))
    return caught.value, len(server.requests)


@pytest.mark.parametrize(
    ("status", "message", "advice"),
    [
        (401, "Incorrect API key provided", "OPENAI_API_KEY"),
        (403, "not for you", "--model"),
        (404, 'model "m" not found, try pulling it first', "--model"),
        (402, "no credits", "paid"),
        (418, "I'm a teapot", "[model]"),
    ],
)
def test_a_refusal_says_what_to_set_in_the_servers_own_words(status: int, message: str, advice: str) -> None:
    error, requests = fault(fails(status, message))
    assert isinstance(error, ModelRefused) and isinstance(error, UsageError)
    assert error.exit_code == 2
    assert message in error.message and advice in error.hint
    assert requests == 1


def test_a_bad_request_that_nothing_mends_is_refused_with_the_first_reason() -> None:
    error, requests = fault(fails(400, "the prompt is too long"), fails(400, "something else"), tools=False)
    assert isinstance(error, ModelRefused)
    assert "the prompt is too long" in error.message
    assert requests == 4  # with everything, without usage, with the other limit, without a stream


def test_a_long_explanation_is_shortened() -> None:
    error, _ = fault(fails(401, "because\n" * 500))
    assert "because because" in error.message
    assert len(str(error)) < 800


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_failing_server_is_tried_again_and_given_up(status: int) -> None:
    error, requests = fault(fails(status, "on purpose"), retries=2)
    assert isinstance(error, ModelUnavailable)
    assert error.exit_code == 5
    assert requests == 3
    assert f"tried 3 times: HTTP {status}: on purpose" in error.message
    assert "--resume" in error.hint


def test_a_wait_that_is_too_long_is_told() -> None:
    error, requests = fault(fails(429, retry_after="7200", retry_after_ms="7200000"))
    assert isinstance(error, ModelUnavailable)
    assert "7200 s" in error.message
    assert requests == 1


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    model = OpenAIModel(ModelSettings("m", f"http://127.0.0.1:{port}/v1", KEY, retries=0), Ledger(Budget()))
    with pytest.raises(ModelUnavailable, match=f"http://127.0.0.1:{port}/v1, tried once: .*refused"):
        model.complete(request_of())


def test_a_reset_before_the_answer_is_tried_again_by_the_client() -> None:
    with serving(resets, replies()) as server:
        assert said(model_of(server, retries=1).complete(request_of())) == "hello"
    error, requests = fault(resets, retries=0)
    assert isinstance(error, ModelUnavailable)
    assert requests == 1


@pytest.mark.parametrize(
    "broken",
    [
        resets_after(PART),
        says(stream(PART, done=False), EVENTS),
        says(b"data: {no JSON}\n\n", EVENTS),
        says(stream(PART, {"error": {"message": "overloaded"}}), EVENTS),
        says(b"{no JSON}"),
        says(b"[" * 100_000),
        says(b"null"),
        says(b'{"choices": []}'),
        says(b"<html>welcome</html>", "text/html"),
        says(b""),
    ],
)
def test_an_answer_that_is_none_is_asked_for_once_more(broken: Behaviour) -> None:
    with serving(broken, replies()) as server:
        assert said(model_of(server).complete(request_of())) == "hello"
    error, requests = fault(broken)
    assert isinstance(error, ModelUnavailable)
    assert requests == 2
    assert "tried 2 times" in error.message


@pytest.mark.parametrize("hanging", [hangs(), hangs(PART)])
def test_a_silent_server_is_given_up(hanging: Behaviour) -> None:
    error, requests = fault(hanging, timeout_s=0.2, retries=0)
    assert isinstance(error, ModelUnavailable)
    assert requests in (1, 2)
    assert "no answer within 0.2 s" in error.message or "stopped in the middle" in error.message


def test_a_server_that_takes_its_time_between_parts_is_waited_for() -> None:
    def slowly(exchange: Exchange) -> None:
        exchange.head(200, Content_Type=EVENTS, Connection="close")
        for each in (*[PART] * 4, event({}, "stop")):
            exchange.handler.wfile.write(stream(each, done=False))
            exchange.handler.wfile.flush()
            exchange.over.wait(0.15)

    with serving(slowly) as server:
        assert said(model_of(server, timeout_s=0.4, retries=0).complete(request_of())) == "half of" * 4


ECHO = f"bad header Authorization: Bearer {KEY}"


@pytest.mark.parametrize(
    "behaviour",
    [
        fails(401, ECHO),
        fails(400, ECHO),
        fails(500, ECHO),
        refuses("model", ECHO, 404),
        says(stream(PART, {"error": {"message": ECHO}}), EVENTS),
        lambda exchange: exchange.send(json.dumps({"detail": [ECHO]}).encode(), 403),
    ],
)
def test_the_key_is_in_no_message_and_no_log(behaviour: Behaviour, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        error, _ = fault(behaviour, retries=1)
    shown = "".join(traceback.format_exception(error))
    assert KEY not in shown
    assert KEY.encode() not in pickle.dumps(error.args)
    assert KEY not in caplog.text
    assert "Authorization" in shown, "the server's words are there"


def test_a_reply_that_repeats_the_key_is_kept_without_it() -> None:
    with serving(replies(f"your key is {KEY}, isn't it?")) as server:
        model = model_of(server)
        assert said(model.complete(request_of())) == "your key is [key], isn't it?"
        assert KEY not in repr(model.settings) and KEY not in repr(model)
        assert asdict(model.settings)["key"] == KEY, "what is tested for is there"
