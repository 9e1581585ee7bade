"""Operators that make other arguments of arguments. Pure, but for the random numbers."""

from __future__ import annotations

from collections.abc import Callable

from llmcoop.testing import byte_mutations, field_mutations, numbers
from llmcoop.testing.stock import Stock

Arguments = tuple[str, ...]
Operator = Callable[[Arguments, Stock], Arguments]

_LONGEST = 4096
_MOST = 40
_SMALL = 70  # numeric arguments are mostly sizes, counts and seeds: small ones say as much and run sooner
_FEW, _LARGE_BITS = 4, (6, 20)  # of the arguments beside one that is large, and of that one
_TEXT_OPERATORS = (*field_mutations.OPERATORS, *byte_mutations.OPERATORS)


def change_argument(args: Arguments, stock: Stock) -> Arguments:
    """One argument as a text: its numbers and words, its length, unusual characters."""
    operator = stock.rng.choice(_TEXT_OPERATORS)
    return _replaced(args, stock, lambda old: operator(old, stock))


def number_argument(args: Arguments, stock: Stock) -> Arguments:
    """One argument becomes another number."""
    return _replaced(args, stock, lambda old: _other_number(old, stock))


def pair_arguments(args: Arguments, stock: Stock) -> Arguments:
    """Two numeric arguments that overflow a machine word together."""
    places = [at for at, arg in enumerate(args) if arg.isdecimal()]
    if len(places) < 2:
        return args
    one, other = stock.rng.sample(places, 2)
    changed = list(args)
    changed[one], changed[other] = map(str, numbers.wrapping_pair(int(args[one][:20]), stock))
    return tuple(changed)


def shrink_arguments(args: Arguments, stock: Stock) -> Arguments:
    """Some or all numeric arguments become small sizes."""
    share = stock.rng.choice((0.5, 1.0, 1.0))
    return tuple(str(stock.size(_SMALL)) if arg.isdecimal() and stock.rng.random() < share else arg for arg in args)


def single_out_argument(args: Arguments, stock: Stock) -> Arguments:
    """One numeric argument becomes large, the others small: more than a fixed table holds, and yet a short run."""
    places = [at for at, arg in enumerate(args) if arg.isdecimal()]
    if not places:
        return args
    rng, changed = stock.rng, list(args)
    for at in places:
        changed[at] = str(min(int(args[at][:20]), rng.randint(1, _FEW)))
    changed[rng.choice(places)] = str(int(2 ** rng.uniform(*_LARGE_BITS)))
    return tuple(changed)


def nudge_arguments(args: Arguments, stock: Stock) -> Arguments:
    """Some numeric arguments change a little."""
    rng = stock.rng
    return tuple(
        str(max(0, int(arg[:20]) + rng.randint(-3, 3))) if arg.isdecimal() and rng.random() < 0.6 else arg
        for arg in args
    )


def swap_arguments(args: Arguments, stock: Stock) -> Arguments:
    one, other = stock.rng.randrange(len(args)), stock.rng.randrange(len(args))
    changed = list(args)
    changed[one], changed[other] = changed[other], changed[one]
    return tuple(changed)


def equal_arguments(args: Arguments, stock: Stock) -> Arguments:
    return _replaced(args, stock, lambda _: stock.rng.choice(args).encode(errors="surrogateescape"))


def order_arguments(args: Arguments, stock: Stock) -> Arguments:
    """Sorted, reversed or shuffled; for programs that take a list of any length."""
    return tuple(stock.rng.choice((sorted(args), args[::-1], stock.rng.sample(args, len(args)))))


def drop_argument(args: Arguments, stock: Stock) -> Arguments:
    at = stock.rng.randrange(len(args))
    return args[:at] + args[at + 1 :]


def repeat_arguments(args: Arguments, stock: Stock) -> Arguments:
    """More arguments of the kinds that are there."""
    rng = stock.rng
    at, copied = rng.randint(0, len(args)), rng.choice(args)
    like = copied.encode(errors="surrogateescape")
    more = [as_argument(_other_number(like, stock)) for _ in range(rng.choice((1, 1, 2, 7)))]
    return (*args[:at], *rng.choice((more, [copied])), *args[at:])[:_MOST]


def add_argument(args: Arguments, stock: Stock) -> Arguments:
    """A word of the vocabulary or a number, as one more argument or instead of one."""
    rng = stock.rng
    words = [word for word in stock.words if len(word) < 20] or [b"1"]
    new = as_argument(rng.choice(words)) if rng.random() < 0.7 else str(stock.integer())
    at = rng.randint(0, len(args))
    return (*args[:at], new, *args[at + rng.randrange(2) :])


OPERATORS: tuple[Operator, ...] = (
    *(change_argument, change_argument, number_argument, number_argument, number_argument, pair_arguments),
    *(shrink_arguments, single_out_argument, single_out_argument, nudge_arguments, swap_arguments),
    *(equal_arguments, order_arguments, drop_argument, repeat_arguments, add_argument),
)


def as_argument(data: bytes) -> str:
    """What can be an argument, and can be written down: valid UTF-8 without NUL, of bounded length."""
    return data[:_LONGEST].replace(b"\0", b"").decode(errors="replace")


def _replaced(args: Arguments, stock: Stock, change: Callable[[bytes], bytes]) -> Arguments:
    at = stock.rng.randrange(len(args))
    return (*args[:at], as_argument(change(args[at].encode(errors="surrogateescape"))), *args[at + 1 :])


def _other_number(old: bytes, stock: Stock) -> bytes:
    if not old.isdigit():
        return field_mutations.change_number(old, stock)
    return b"%d" % stock.size(_SMALL) if stock.rng.random() < 0.3 else numbers.changed(old, stock)
