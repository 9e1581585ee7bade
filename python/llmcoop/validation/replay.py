"""Run two functions on the arguments of a counterexample, and say in words how they differ."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import partial

from llmcoop.ir.body import Body
from llmcoop.ir.refining import Argument
from llmcoop.validation import interpreter
from llmcoop.validation.interpreter import Behaviour, TooManyValues, Undef, Value, Values

_EXACT_BITS = (8, 4, 1)  # undef of up to so many bits is every value; fewer if that takes too long
_MOST_VALUES = 4096  # of one argument
_MOST_SHOWN = 4


def difference(old: Body, new: Body, arguments: Sequence[Argument], seen: frozenset[tuple[int, int]]) -> str:
    """What the new function does and the old one never would; empty if there is no such thing.

    `seen` are (width, value) that undef or freeze took in the solver's counterexample.
    """

    for exact_bits in _EXACT_BITS:
        sample = partial(_sample, exact_bits, seen)
        try:
            return _difference(old, new, [_values(argument, sample) for argument in arguments], sample)
        except TooManyValues:
            continue
    return ""


def _difference(old: Body, new: Body, arguments: Sequence[Values], undef: Undef) -> str:
    allowed = interpreter.behaviours(old, arguments, undef)
    for behaviour in interpreter.behaviours(new, arguments, undef):
        if not any(interpreter.refines(behaviour, each) for each in allowed):
            return f"the old function {_words(*allowed)}, the new one {_words(behaviour)}"
    return ""


def _sample(exact_bits: int, seen: frozenset[tuple[int, int]], width: int) -> list[int]:
    """All integers of a small width; of a larger one the extremes, and those that were seen."""
    if width <= exact_bits:
        return list(range(1 << width))
    return sorted({0, 1, (1 << width) - 1, *(value for bits, value in seen if bits == width)})


def _values(argument: Argument, undef: Undef) -> Values:
    lanes: list[set[int | None]] = []
    for width, value, poison, mask in zip(
        argument.widths, argument.values, argument.poison, argument.undef, strict=True
    ):
        chosen = undef(width) if mask else (0,)
        lanes.append({None} if poison else {(value & ~mask) | (bits & mask) for bits in chosen})
    if math.prod(map(len, lanes)) > _MOST_VALUES:
        raise TooManyValues
    return frozenset(itertools.product(*lanes))


def _words(*behaviours: Behaviour) -> str:
    if None in behaviours:
        return "is undefined behaviour"
    possible = {value for values in behaviours if values for value in values}
    # Poison stands for every value, and comes last.
    shown = [
        _value(value) for value in sorted(possible, key=lambda value: [(lane is None, lane or 0) for lane in value])
    ]
    if len(shown) <= 1:
        return f"returns {''.join(shown)}".rstrip()
    several = "undef that is" if any(values and len(values) > 1 for values in behaviours) else ""
    more = ", …" if len(shown) > _MOST_SHOWN else ""
    return f"returns {several} one of {', '.join(shown[:_MOST_SHOWN])}{more}".replace("  ", " ")


def _value(value: Value) -> str:
    lanes = ["poison" if lane is None else str(lane) for lane in value]
    return lanes[0] if len(lanes) == 1 else f"<{', '.join(lanes)}>"
