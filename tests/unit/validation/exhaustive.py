"""Refinement by trying everything: each argument at each value, poison, and with each set of bits undef."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from llmcoop.ir.body import Body, Parameter
from llmcoop.validation import interpreter
from llmcoop.validation.interpreter import Values


def undef(width: int) -> range:
    """Every integer of a width."""
    return range(1 << width)


def lane_sets(width: int) -> Iterator[frozenset[int | None]]:
    """What one lane of an argument can be."""
    yield frozenset({None})
    for mask in range(1 << width):
        chosen = {bits & mask for bits in range(1 << width)}
        for value in range(1 << width):
            if not value & mask:
                yield frozenset(value | bits for bits in chosen)


def argument_sets(parameter: Parameter) -> list[Values]:
    """What an argument can be; each set once."""
    lanes = [list(lane_sets(width)) for width in parameter.type.lane_widths]
    if parameter.attributes.noundef:
        lanes = [[lane for lane in each if len(lane) == 1 and None not in lane] for each in lanes]
    return list(dict.fromkeys(frozenset(itertools.product(*chosen)) for chosen in itertools.product(*lanes)))


def cases(function: Body) -> int:
    """How many combinations of arguments there are."""
    return math.prod(
        2**width if parameter.attributes.noundef else 3**width + 1
        for parameter in function.parameters
        for width in parameter.type.lane_widths
    )


def refinement_fails_at(old: Body, new: Body) -> tuple[Values, ...] | None:
    """Arguments for which `new` does something that `old` never would; None if there are none."""
    for arguments in itertools.product(*(argument_sets(parameter) for parameter in old.parameters)):
        allowed = interpreter.behaviours(old, arguments, undef)
        for behaviour in interpreter.behaviours(new, arguments, undef):
            if not any(interpreter.refines(behaviour, each) for each in allowed):
                return arguments
    return None
