"""A reply that was paid for is found again, and only for the same question."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asking import KEY, TOOLS, model_of, request_of

from llmcoop.models import Message, ModelUnavailable, Reply, Request, Role, Turn, Usage
from llmcoop.models.cached import CachedModel
from llmcoop.models.ledger import Ledger
from llmcoop.store import Store
from llmcoop.values import Budget
from server import Server, replies, resets, serving, tokens


class Calls:
    """Keeps replies in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, Reply] = {}

    def find(self, digest: str, turn: Turn) -> Reply | None:
        return self.kept.get(digest)

    def given(self) -> Mapping[str, int]:
        return {}

    def keep(self, digest: str, request: Request, reply: Reply) -> None:
        self.kept[digest] = reply


def cached(server: Server, calls: Calls, **settings: Any) -> CachedModel:
    return CachedModel(model_of(server, **settings), calls)


def test_a_reply_is_paid_for_once() -> None:
    calls, ledger = Calls(), Ledger(Budget(calls=1))
    with serving(replies("once", usage=tokens(5, 5))) as server:
        first = cached(server, calls, ledger=ledger).complete(request_of(tools=TOOLS))
        again = cached(server, calls, ledger=ledger).complete(request_of(tools=TOOLS))
    assert first == Reply(Message(Role.ASSISTANT, "once"), Usage(1, 5, 5))
    assert again == replace(first, usage=Usage())
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "other",
    [
        request_of("something else"),
        request_of(tools=TOOLS),
        request_of(sample=1),
        replace(request_of(), turn=replace(request_of().turn, agent="ir")),
        replace(request_of(), turn=replace(request_of().turn, conversation=2)),
    ],
)
def test_another_question_is_asked(other: Request) -> None:
    calls = Calls()
    with serving(replies()) as server:
        cached(server, calls).complete(request_of())
        cached(server, calls).complete(other)
    assert len(server.requests) == 2


@pytest.mark.parametrize("changes", [{"temperature": 0.0}, {"max_tokens": 5000}])
def test_other_settings_ask_anew(changes: dict[str, Any]) -> None:
    calls = Calls()
    with serving(replies()) as server:
        cached(server, calls).complete(request_of())
        cached(server, calls, **changes).complete(request_of())
        cached(server, calls, timeout_s=3.0, key="another key").complete(request_of())
    assert len(server.requests) == 2


def test_a_failure_is_not_kept() -> None:
    calls = Calls()
    with serving(resets, replies()) as server:
        model = cached(server, calls, retries=0)
        with pytest.raises(ModelUnavailable):
            model.complete(request_of())
        assert model.complete(request_of()).message.content == "hello"
    assert len(calls.kept) == 1


def test_the_store_has_the_reply_but_not_the_key(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with serving(replies(f"you sent {KEY}")) as server, Store.open(path) as store:
        calls = store.cache(store.begin("key", "p.c"), "m")
        for _ in range(2):
            reply = CachedModel(model_of(server), calls).complete(request_of())
            assert reply.message.content == "you sent [key]"
    assert len(server.requests) == 1
    with sqlite3.connect(path) as connection:
        dump = "\n".join(connection.iterdump())
    assert "you sent [key]" in dump and KEY not in dump
