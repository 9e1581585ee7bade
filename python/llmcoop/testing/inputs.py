"""Propose invocations that are like known ones, but differ where programs go wrong. Pure: the seed decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Protocol, TypeVar

from llmcoop.testing import argument_mutations, byte_mutations, counts, field_mutations, line_mutations
from llmcoop.testing.servers import Comparison
from llmcoop.testing.stock import Stock
from llmcoop.testing.vocabulary import Vocabulary, replacements
from llmcoop.values import Invocation

Operator = TypeVar("Operator", bound=Callable[..., Any])

_TEXT_OPERATORS = (field_mutations.OPERATORS, line_mutations.OPERATORS, byte_mutations.OPERATORS)
_TEXT_WEIGHTS = (5, 3, 2)
_GROWING: Sequence[field_mutations.Operator] = (  # operators that fill the buffers of a program
    *(field_mutations.fill_numbers, field_mutations.fill_words, field_mutations.change_numbers),
    *(
        line_mutations.repeat_lines,
        line_mutations.stutter_lines,
        line_mutations.fill_lines,
        line_mutations.lengthen_line,
    ),
    *(byte_mutations.extend, byte_mutations.fill_bytes),
)
_MOST_BYTES, _MOST_BYTES_WEIGHTS = (600, 5000), (4, 1)  # of stdin: small inputs say as much and run sooner
_LARGE_BYTES = 150_000  # of the few inputs that are to be large
_DIVISORS = (10, 100, 1000)
_LARGE_SHARE = 0.02
_SPLICED_SHARE = 0.08
_SHORT_BYTES, _LONG_BYTES = (8000, 1000, 150), 70_000  # of the beginnings of a large input; what is large
_STACKED = (1, 1, 1, 2, 2, 3, 5)  # how many operators make one input
_MOST_REPLACED = 100  # inputs made from the comparisons of one run
_ARGUMENTS_FIRST, _ARGUMENTS_ALONE = 0.3, 0.95  # how often args are changed beside a stdin, and without
_FIRST_ARGUMENT = 0.03  # how often a program that had no arguments gets one
_LEAST_TRUST = 0.05  # of an operator that mostly made inputs which prove nothing
_FORGIVEN = 20  # such inputs per operator before it loses trust
_STEP_COUNTS = 0.75  # how often counts are made true again


@dataclass(frozen=True, slots=True)
class Proposal:
    """An invocation that may be worth running, and where it comes from."""

    invocation: Invocation
    parent: Invocation | None = None
    operators: tuple[str, ...] = ()


class Generator(Protocol):
    """Something that proposes invocations: typed mutation here; whoever knows more about the program elsewhere."""

    def propose(self, parents: Sequence[Invocation], weights: Sequence[float], count: int) -> Sequence[Proposal]:
        """About `count` new invocations, made from some of `parents`."""
        ...

    def learn(self, proposal: Proposal, *, useful: bool) -> None:
        """Whether one of its proposals proved something: the original ran quickly, cleanly and always the same."""
        ...

    def notice(self, invocation: Invocation, comparisons: Sequence[Comparison]) -> Sequence[Proposal]:
        """What a run on `invocation` compared; gives inputs in which such a comparison would end otherwise."""
        ...


class Mutator:
    """Typed mutation of args and stdin: the search form of a generator."""

    def __init__(self, vocabulary: Vocabulary, seed: int = 0) -> None:
        self.vocabulary = vocabulary
        self._rng = Random(seed)
        self._trials: dict[str, _Trials] = {}

    def propose(self, parents: Sequence[Invocation], weights: Sequence[float], count: int) -> list[Proposal]:
        """`count` invocations; `weights` say how often each parent is taken."""
        return [self._mutated(parents, parent) for parent in self._rng.choices(parents, weights, k=count)]

    def learn(self, proposal: Proposal, *, useful: bool) -> None:
        """Operators whose inputs prove nothing are taken less often."""
        for name in proposal.operators:
            trials = self._trials.setdefault(name, _Trials())
            trials.made += 1
            trials.useful += useful

    def notice(self, invocation: Invocation, comparisons: Sequence[Comparison]) -> list[Proposal]:
        """Remember the operands, and put one in place of the other wherever the input holds it."""
        self.vocabulary.learn(comparisons)
        found = [
            replace(invocation, stdin=stdin) for stdin in replacements(invocation.stdin, comparisons, _MOST_REPLACED)
        ]
        for at, argument in enumerate(invocation.args):
            for changed in replacements(argument.encode(errors="surrogateescape"), comparisons, _MOST_REPLACED):
                text = argument_mutations.as_argument(changed)
                found.append(replace(invocation, args=(*invocation.args[:at], text, *invocation.args[at + 1 :])))
        return [Proposal(each, invocation, ("replace_compared",)) for each in found]

    def _mutated(self, parents: Sequence[Invocation], parent: Invocation) -> Proposal:
        rng = self._rng
        stock = Stock(rng, self.vocabulary.numbers, self.vocabulary.words, large=rng.random() < _LARGE_SHARE)
        most = _LARGE_BYTES if stock.large else rng.choices(_MOST_BYTES, _MOST_BYTES_WEIGHTS)[0]
        invocation, used = parent, []
        if len(parents) > 1 and rng.random() < _SPLICED_SHARE:
            invocation, used = self._spliced(parent, rng.choice(parents)), ["splice"]
        for _ in range(1 if stock.large else rng.choice(_STACKED)):  # large inputs are dear to read again
            name, changed = self._changed(invocation, stock)
            if len(changed.stdin) <= max(most, len(invocation.stdin)):
                invocation = changed
                used.append(name)
        if rng.random() < _STEP_COUNTS:
            invocation = counts.in_step(invocation, counts.find(parent), rng)
        return Proposal(invocation, parent, tuple(used))

    def _changed(self, invocation: Invocation, stock: Stock) -> tuple[str, Invocation]:
        """One operator applied to one place."""
        args, stdin, rng = invocation.args, invocation.stdin, stock.rng
        if args and rng.random() < (_ARGUMENTS_FIRST if stdin else _ARGUMENTS_ALONE):
            operator = self._choose(argument_mutations.OPERATORS)
            return operator.__name__, replace(invocation, args=operator(args, stock))
        if not args and rng.random() < _FIRST_ARGUMENT:
            return "add_argument", replace(invocation, args=argument_mutations.add_argument(args, stock))
        operator = self._choose(_GROWING if stock.large else rng.choices(_TEXT_OPERATORS, _TEXT_WEIGHTS)[0])
        return operator.__name__, replace(invocation, stdin=operator(stdin, stock))

    def _choose(self, operators: Sequence[Operator]) -> Operator:
        weights = [self._trials[each.__name__].trust if each.__name__ in self._trials else 1.0 for each in operators]
        return self._rng.choices(operators, weights)[0]

    def _spliced(self, one: Invocation, other: Invocation) -> Invocation:
        stdin = byte_mutations.splice(one.stdin, other.stdin, self._rng) if self._rng.random() < 0.7 else other.stdin
        return replace(one, stdin=stdin)


@dataclass(slots=True)
class _Trials:
    made: int = 0
    useful: int = 0

    @property
    def trust(self) -> float:
        return max(_LEAST_TRUST, (self.useful + _FORGIVEN) / (self.made + _FORGIVEN))


def shortened(invocation: Invocation) -> list[Invocation]:
    """Parents for mutation besides one that may take long: its beginnings, and the same with smaller arguments."""
    found = counts.find(invocation)
    short = list(_with_smaller_arguments(invocation))
    for most in _SHORT_BYTES:
        if len(invocation.stdin) > most:
            end = invocation.stdin.rfind(b"\n", 0, most) + 1 or most
            beginning = replace(invocation, stdin=invocation.stdin[:end])
            short.append(counts.in_step(beginning, found, Random(0)))
    return [invocation, *short] if len(invocation.stdin) <= _LONG_BYTES else short


def _with_smaller_arguments(invocation: Invocation) -> Iterator[Invocation]:
    """Sizes and counts mostly are arguments: the invocation with all of its larger numbers divided."""
    for divisor in _DIVISORS:
        args = tuple(
            str(int(each) // divisor) if each.isascii() and each.isdigit() and int(each) >= divisor else each
            for each in invocation.args
        )
        if args != invocation.args:
            yield replace(invocation, args=args)
