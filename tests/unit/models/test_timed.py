"""A model that is waited for only as long as there is time."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from asking import model_of, request_of, said

from llmcoop.models import BudgetSpent, ModelRefused
from llmcoop.models.timed import TimedModel
from server import Exchange, Server, fails, replies, serving


@pytest.fixture
def slow() -> Iterator[Server]:
    """A server that answers when the test lets it: by the event `over`."""

    def behave(exchange: Exchange) -> None:
        exchange.over.wait(60)
        replies()(exchange)

    with serving(behave) as server:
        yield server


def test_a_reply_in_time_is_passed_on() -> None:
    with serving(replies("in time")) as server:
        model = TimedModel(model_of(server), lambda: 60.0)
        assert (said(model.complete(request_of())), model.name, model.calls_tools) == ("in time", "m", True)


def test_an_error_is_passed_on() -> None:
    with serving(fails(401)) as server, pytest.raises(ModelRefused, match="401"):
        TimedModel(model_of(server), lambda: 60.0).complete(request_of())


def test_nothing_is_asked_when_the_time_is_up() -> None:
    with serving(replies()) as server:
        with pytest.raises(BudgetSpent, match="the time was up before m replied"):
            TimedModel(model_of(server), lambda: 0.0).complete(request_of())
        assert server.requests == []


def test_a_call_is_given_up_when_the_time_is_up_or_taken_away(slow: Server) -> None:
    asked = threading.Event()

    def left_s() -> float:
        """Much, until the server has the request."""
        if slow.requests:
            asked.set()
        return -1.0 if asked.is_set() else 1000.0

    with pytest.raises(BudgetSpent):
        TimedModel(model_of(slow), left_s).complete(request_of())
    assert asked.is_set()
