"""Terms of the solver z3, and the few ways to make them that everything else is made of."""

from __future__ import annotations

from typing import Any, TypeAlias

import z3 as _z3

# What z3 declares of its own types is too loose to be checked: it does not tell bits from truth values.
z3: Any = _z3
Bits: TypeAlias = Any  # a term of so many bits
Truth: TypeAlias = Any  # a term that is true or false
Model: TypeAlias = Any  # a value for each variable

FALSE: Truth = z3.BoolVal(False)
TRUE: Truth = z3.BoolVal(True)


def constant(value: int, width: int) -> Bits:
    """An integer modulo 2 ** width."""
    return z3.BitVecVal(value, width)


def either(*conditions: Truth) -> Truth:
    """Whether one of them holds."""
    left = [condition for condition in conditions if not z3.is_false(condition)]
    return z3.Or(left) if left else FALSE


def as_bit(condition: Truth) -> Bits:
    """A condition as an i1."""
    return z3.If(condition, constant(1, 1), constant(0, 1))


def is_one(bit: Bits) -> Truth:
    """An i1 as a condition."""
    return bit == constant(1, 1)
