"""A budget for model calls is never overdrawn, whatever the calls take and in whatever order they end."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcoop.models import BudgetSpent, Usage
from llmcoop.models.ledger import Ledger
from llmcoop.values import Budget

ROUNDING = 1e-9  # USD


@dataclass(frozen=True)
class Attempt:
    """What an attempt may take, and what it takes; None where it is given back."""

    choices: tuple[Usage, ...]
    part: float | None

    def taken(self, most: Usage) -> Usage | None:
        if self.part is None:
            return None
        part = self.part
        prompt, completion = int(most.prompt_tokens * part), int(most.completion_tokens * part)
        return Usage(most.calls, prompt, completion, most.usd * part)


USAGES = st.builds(Usage, st.just(1), st.integers(0, 100), st.integers(0, 100), st.floats(0, 0.3))
CHOICES = st.lists(USAGES, min_size=1, max_size=3).map(tuple)
ATTEMPTS = st.lists(st.builds(Attempt, CHOICES, st.none() | st.floats(0, 1)), max_size=12)
BUDGETS = st.builds(
    lambda calls, tokens, usd: Budget(calls=calls, tokens=tokens, usd=usd),
    st.none() | st.integers(0, 8),
    st.none() | st.integers(0, 600),
    st.none() | st.floats(0, 1),
)


def holds(ledger: Ledger, taken: Usage) -> bool:
    budget = ledger.budget
    return (
        (budget.calls is None or taken.calls <= budget.calls)
        and (budget.tokens is None or taken.tokens <= budget.tokens)
        and (budget.usd is None or taken.usd <= budget.usd + ROUNDING)
    )


@settings(max_examples=60, deadline=None)
@given(BUDGETS, ATTEMPTS)
def test_four_threads_never_overdraw(budget: Budget, attempts: list[Attempt]) -> None:
    ledger, lock = Ledger(budget), threading.Lock()
    running: list[Usage] = []
    total = [Usage()]

    def run(attempt: Attempt) -> None:
        try:
            reservation = ledger.reserve(*attempt.choices)
        except BudgetSpent:
            return
        with lock:
            running.append(reservation.amount)
            assert holds(ledger, sum(running, total[0])), "open and spent together fit"
        taken = attempt.taken(reservation.amount)
        with lock:
            running.remove(reservation.amount)
            total[0] += taken or Usage()
        if taken is None:
            reservation.cancel()
        else:
            reservation.settle(taken)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, attempts))
    assert holds(ledger, ledger.spent)
    assert ledger.spent.tokens == total[0].tokens and ledger.spent.calls == total[0].calls
    assert ledger.spent.usd == pytest.approx(total[0].usd)


def test_what_fits_is_chosen() -> None:
    ledger = Ledger(Budget(tokens=100), Usage(1, 30, 20))
    assert ledger.reserve(Usage(1, 10, 80), Usage(1, 10, 40)).amount == Usage(1, 10, 40)
    assert ledger.left.tokens == 0


def test_who_finds_too_little_waits_for_what_others_give_back() -> None:
    ledger = Ledger(Budget(calls=2, tokens=100))
    first = ledger.reserve(Usage(1, 50, 30))
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(ledger.reserve, Usage(1, 50, 40), Usage(1, 5, 5))
        with pytest.raises(TimeoutError):
            second.result(0.05)
        first.settle(Usage(1, 10, 0))
        assert second.result(5).amount == Usage(1, 50, 40)


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        (Budget(calls=1), "1 of 1 calls"),
        (Budget(tokens=25), r"20 of 25 tokens \(the next call may take 10\)"),
        (Budget(usd=0.3), r"0.2500 of 0.3000 USD \(the next call may take 0.1000\)"),
    ],
)
def test_a_spent_budget_is_accounted_for(budget: Budget, words: str) -> None:
    with pytest.raises(BudgetSpent, match=words):
        Ledger(budget, Usage(1, 10, 10, 0.25)).reserve(Usage(1, 5, 5, 0.1))


def test_what_is_said_first_of_a_reservation_counts() -> None:
    ledger = Ledger(Budget(calls=5))
    reservation = ledger.reserve(Usage(1, 5, 5))
    reservation.settle(Usage(1, 2, 1))
    reservation.settle(Usage(1, 5, 5))
    reservation.cancel()
    assert ledger.spent == Usage(1, 2, 1)
    assert ledger.left.calls == 4


def test_no_limit_is_no_limit() -> None:
    ledger = Ledger(Budget())
    ledger.reserve(Usage(1, 10**12, 10**12, 1e9)).settle(Usage(1, 7, 7, 1.0))
    assert ledger.left == Budget()
    assert ledger.spent == Usage(1, 7, 7, 1.0)
