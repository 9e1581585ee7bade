"""Each attempt is drawn from the budget before it is sent, and settled by what it took."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from asking import model_of, request_of, said

from llmcoop.models import BudgetSpent, ModelUnavailable, Request, Usage
from llmcoop.models.client import OpenAIModel
from llmcoop.models.ledger import Ledger
from llmcoop.values import Budget
from server import (
    EVENTS,
    Behaviour,
    Exchange,
    event,
    fails,
    hangs,
    replies,
    resets,
    resets_after,
    says,
    serving,
    stream,
    tokens,
)

DOLLAR_A_TOKEN = '[[price]]\nmodels = ["m"]\nprompt = 1_000_000\ncompletion = 1_000_000\n'


def spent_after(*behaviours: Behaviour, **settings: object) -> tuple[Usage, list[int]]:
    """What a call that fails took, and the sizes of the bodies that were sent."""
    ledger = Ledger(Budget())
    with serving(*behaviours) as server:
        model = model_of(server, ledger=ledger, **settings)  # type: ignore[arg-type]
        with pytest.raises(ModelUnavailable):
            model.complete(request_of())
    return ledger.spent, [int(request.headers["content-length"]) for request in server.requests]


def test_a_call_is_settled_by_the_usage_that_the_server_reports() -> None:
    ledger = Ledger(Budget(calls=2, tokens=50_000))
    with serving(replies(usage=tokens(40, 2))) as server:
        reply = model_of(server, ledger=ledger).complete(request_of())
    assert reply.usage == ledger.spent == Usage(1, 40, 2)


@pytest.mark.parametrize("usage", [None, {"prompt_tokens": 0, "completion_tokens": 0}, tokens(-5, -900)])
def test_usage_that_is_not_reported_is_a_token_a_byte(usage: dict[str, int] | None) -> None:
    ledger = Ledger(Budget())
    with serving(replies("hellö", usage=usage)) as server:
        model_of(server, ledger=ledger).complete(request_of())
    assert ledger.spent == Usage(1, int(server.requests[0].headers["content-length"]), 6)


def test_an_attempt_that_is_answered_by_an_error_is_given_back() -> None:
    spent, sizes = spent_after(fails(500), fails(429), fails(503))
    assert (spent, len(sizes)) == (Usage(), 3)


def test_an_attempt_that_was_never_sent_is_given_back() -> None:
    ledger = Ledger(Budget())
    with serving(replies()) as server:
        pass
    with pytest.raises(ModelUnavailable):
        model_of(server, ledger=ledger, retries=0).complete(request_of())
    assert ledger.spent == Usage()


@pytest.mark.parametrize("behaviour", [hangs(), resets])
def test_an_attempt_without_an_answer_keeps_its_prompt(behaviour: Behaviour) -> None:
    spent, sizes = spent_after(behaviour, retries=0, timeout_s=0.2)
    assert spent == Usage(1, sum(sizes), 0)


def test_each_retry_is_an_attempt_of_its_own() -> None:
    spent, sizes = spent_after(resets, retries=1)
    assert spent == Usage(2, sum(sizes), 0)
    assert len(sizes) == 2


def test_an_attempt_that_does_not_stream_may_have_been_written_to_its_end() -> None:
    spent, sizes = spent_after(hangs(), retries=0, timeout_s=0.2, stream=False, max_tokens=2000)
    assert spent == Usage(1, sum(sizes), 2000)


def test_a_broken_stream_keeps_its_prompt_and_what_was_received() -> None:
    spent, sizes = spent_after(resets_after(event({"content": "four"}), event({"content": "more"})))
    assert spent == Usage(2, sum(sizes), 16)


def test_a_reply_that_is_cut_off_here_is_settled() -> None:
    ledger = Ledger(Budget(tokens=10_000_000))
    with serving(replies("x" * (2 << 20), usage=tokens(1, 600_000))) as server:
        assert model_of(server, ledger=ledger).complete(request_of()).truncated
    assert ledger.spent.completion_tokens == 16_000  # more was not asked for
    assert ledger.left.tokens == 10_000_000 - ledger.spent.tokens


def test_the_limit_of_tokens_shrinks_to_what_is_left() -> None:
    ledger = Ledger(Budget(tokens=3000))
    with serving(replies(usage=tokens(900, 100))) as server:
        model = model_of(server, ledger=ledger, max_tokens=16_000)
        for _ in range(2):
            assert said(model.complete(request_of())) == "hello"
        with pytest.raises(BudgetSpent, match="2000 of 3000 tokens"):
            model.complete(request_of("x" * 500))
    assert [body["max_tokens"] for body in server.bodies] == [2000, 1024]


def test_a_small_limit_of_tokens_is_asked_for_as_it_is() -> None:
    with serving(replies()) as server:
        model_of(server, budget=Budget(tokens=700), max_tokens=100).complete(request_of())
    assert server.bodies[0]["max_tokens"] == 100


def test_a_retry_that_the_budget_does_not_allow_is_not_sent() -> None:
    with serving(resets, replies()) as server, pytest.raises(BudgetSpent, match="1 of 1 calls"):
        model_of(server, budget=Budget(calls=1), retries=3).complete(request_of())
    assert len(server.requests) == 1


def test_nothing_is_sent_without_a_budget() -> None:
    with serving(replies()) as server:
        for budget in (Budget(calls=0), Budget(tokens=1000)):
            with pytest.raises(BudgetSpent) as caught:
                model_of(server, budget=budget).complete(request_of())
            assert caught.value.exit_code == 5
    assert server.requests == []


def test_money_holds_with_four_calls_at_a_time(tmp_path: Path) -> None:
    """Servers bill the most that they can; some attempts fail, some break off."""
    prices = tmp_path / "prices.toml"
    prices.write_text('[[price]]\nmodels = ["m*"]\nprompt = 10\ncompletion = 20\n')
    billed: list[float] = []

    def greedy(exchange: Exchange) -> None:
        n_bytes, limit = int(exchange.headers["content-length"]), exchange.body["max_tokens"]
        number = len(billed)
        if number % 5 == 1:
            billed.append(0.0)
            return fails(500)(exchange)
        if number % 5 == 2:
            billed.append(n_bytes * 10e-6 + 4 * 20e-6)
            return resets_after(event({"content": "four"}))(exchange)
        billed.append(n_bytes * 10e-6 + limit * 20e-6)
        return replies("x" * 40, usage=tokens(n_bytes, limit))(exchange)

    ledger = Ledger(Budget(usd=0.5))
    with serving(greedy) as server, ThreadPoolExecutor(4) as pool:
        model = model_of(server, ledger=ledger, prices=prices, max_tokens=4000)
        ends = list(pool.map(lambda number: ended(model, number), range(24)))
    assert sum(billed) <= 0.5
    assert 0.45 < ledger.spent.usd <= 0.5, "and it is used"
    assert {"hello", "BudgetSpent"} <= set(ends)


def ended(model: OpenAIModel, number: int) -> str:
    request: Request = request_of(number=number + 1)
    try:
        model.complete(request)
    except (BudgetSpent, ModelUnavailable) as error:
        return type(error).__name__
    return "hello"


def test_money_is_counted_by_the_price(tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text(DOLLAR_A_TOKEN)
    with serving(replies(usage=tokens(3, 4))) as server:
        assert model_of(server, prices=prices).complete(request_of()).usage == Usage(1, 3, 4, 7.0)


def test_usage_at_the_end_of_a_stream_without_choices_counts() -> None:
    events = [event({"content": "a"}), event({}, "stop"), {"choices": [], "usage": tokens(5, 1)}]
    with serving(says(stream(*events), EVENTS)) as server:
        assert model_of(server).complete(request_of()).usage == Usage(1, 5, 1)
    assert json.loads(json.dumps(server.bodies[0]))["stream_options"] == {"include_usage": True}
