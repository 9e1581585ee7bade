"""What model calls may take: drawn before each attempt, settled when it is known what the attempt took."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import reduce
from operator import add
from threading import Condition
from typing import Protocol

from llmcoop.models import BudgetSpent, Usage
from llmcoop.values import Budget


class Journal(Protocol):
    """Where attempts are made durable, so that a run that is killed knows later what it may have spent."""

    def draw(self, most: Usage) -> int:
        """An attempt is going to be made that takes so much at most; gives its number."""
        ...

    def settle(self, attempt: int, usage: Usage) -> None:
        """The attempt with this number took so much."""
        ...


class Reservation:
    """A part of the budget set aside for one attempt. What is said first counts: `settle` or `cancel`."""

    def __init__(self, ledger: Ledger, amount: Usage, number: int) -> None:
        self._ledger = ledger
        self.amount = amount  # the most that the attempt can take
        self.number = number  # in the journal

    def settle(self, usage: Usage) -> None:
        """The attempt took `usage`."""
        self._ledger._close(self, usage)

    def cancel(self) -> None:
        """The attempt took nothing."""
        self._ledger._close(self, Usage())


class Ledger:
    """The calls, tokens and money of a budget. Any thread may draw; together they never overdraw."""

    def __init__(self, budget: Budget, spent: Usage | None = None, journal: Journal | None = None) -> None:
        """`spent` is what a resumed run took before."""
        self.budget = budget
        self._journal = journal
        self._spent = spent or Usage()
        self._open: list[Reservation] = []
        self._changed = Condition()

    @property
    def spent(self) -> Usage:
        """By all attempts that are over."""
        with self._changed:
            return self._spent

    @property
    def left(self) -> Budget:
        """The budget less what is spent and set aside."""
        with self._changed:
            taken, budget = self._spent + self._reserved(), self.budget
        return replace(
            budget,
            calls=None if budget.calls is None else max(0, budget.calls - taken.calls),
            tokens=None if budget.tokens is None else max(0, budget.tokens - taken.tokens),
            usd=None if budget.usd is None else max(0.0, budget.usd - taken.usd),
        )

    def reserve(self, *choices: Usage) -> Reservation:
        """Set aside the first of `choices` that fits in what is not spent.

        Waits for open reservations where they hold what it needs: they may give some back.
        Raises BudgetSpent when none of the choices can fit any more.
        """
        with self._changed:
            while (amount := self._first_fitting(choices)) is not None:
                if self._fits(amount, self._reserved()):
                    reservation = Reservation(self, amount, self._journal.draw(amount) if self._journal else 0)
                    self._open.append(reservation)
                    return reservation
                self._changed.wait()
            raise BudgetSpent(
                f"the budget for the model is spent: {self._account(choices[-1])}",
                "raise it with --budget calls=…,tokens=…,usd=…",
            )

    def _close(self, reservation: Reservation, usage: Usage) -> None:
        with self._changed:
            if reservation in self._open:
                self._open.remove(reservation)
                self._spent += usage
                self._changed.notify_all()
                if self._journal:
                    self._journal.settle(reservation.number, usage)

    def _first_fitting(self, choices: Iterable[Usage]) -> Usage | None:
        return next((choice for choice in choices if self._fits(choice, Usage())), None)

    def _fits(self, amount: Usage, reserved: Usage) -> bool:
        total, budget = self._spent + reserved + amount, self.budget
        return (
            (budget.calls is None or total.calls <= budget.calls)
            and (budget.tokens is None or total.tokens <= budget.tokens)
            and (budget.usd is None or total.usd <= budget.usd)
        )

    def _reserved(self) -> Usage:
        return reduce(add, (reservation.amount for reservation in self._open), Usage())

    def _account(self, needed: Usage) -> str:
        """What is spent of each limit, and what one more call needs where that is too much."""
        spent, budget, parts = self._spent, self.budget, []
        if budget.calls is not None:
            parts.append(f"{spent.calls} of {budget.calls} calls")
        if budget.tokens is not None:
            more = f" (the next call may take {needed.tokens})" if spent.tokens + needed.tokens > budget.tokens else ""
            parts.append(f"{spent.tokens} of {budget.tokens} tokens{more}")
        if budget.usd is not None:
            more = f" (the next call may take {needed.usd:.4f})" if spent.usd + needed.usd > budget.usd else ""
            parts.append(f"{spent.usd:.4f} of {budget.usd:.4f} USD{more}")
        return ", ".join(parts)
