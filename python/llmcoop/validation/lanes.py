"""A value of the validator: its lanes, and what happens to each in every instruction, as formulas of z3.

An integer has one lane, a vector one for each element, a struct those of its fields. Semantics are those of
the LangRef of LLVM 22.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llmcoop.ir.body import Instruction
from llmcoop.validation.terms import FALSE, TRUE, Bits, Truth, as_bit, constant, either, is_one, z3


@dataclass(frozen=True, slots=True)
class Lane:
    """Bits, which mean nothing where `poison` holds."""

    bits: Bits
    poison: Truth

    @property
    def width(self) -> int:
        return self.bits.size()


@dataclass(frozen=True, slots=True)
class Effect:
    """What an instruction gives, and when it is undefined behaviour."""

    lanes: tuple[Lane, ...]
    undefined: Truth


Lanes = tuple[Lane, ...]


def outside(bits: Bits, ranges: tuple[tuple[int, int], ...]) -> Truth:
    """Whether an integer is in none of the promised ranges [low, high), which may wrap around."""
    width = bits.size()
    return either(
        *(z3.UGE(bits - constant(low, width), constant(high - low, width)) for low, high in ranges if low != high)
    )


def apply(instruction: Instruction, operands: Sequence[Lanes]) -> Effect:
    """The effect of an instruction that is no phi, freeze, call or terminator."""
    rearranged = _REARRANGING.get(instruction.opcode)
    if rearranged:
        return Effect(rearranged(instruction, operands), FALSE)
    lanes, undefined = [], []
    for used in zip(*operands, strict=True):
        bits, poison, condition = _ELEMENTWISE[instruction.opcode](instruction, *used)
        lanes.append(Lane(bits, either(poison, *(lane.poison for lane in used))))
        undefined.append(condition)
    return Effect(tuple(lanes), either(*undefined))


# Bits, further poison, undefined behaviour. Poison of operands is added by `apply`.
Parts = tuple[Bits, Truth, Truth]


def overflows(opcode: str, a: Bits, b: Bits, *, signed: bool) -> Truth:
    """Whether an addition, subtraction or multiplication wraps."""
    if opcode == "mul":
        # In one order, whichever way round the program has it: the solver would have to prove that they are equal.
        a, b = sorted((a, b), key=lambda term: term.get_id())
        fits = z3.BVMulNoOverflow(a, b, signed)
        return z3.Not(z3.And(fits, z3.BVMulNoUnderflow(a, b)) if signed else fits)
    extend = z3.SignExt if signed else z3.ZeroExt
    wide_a, wide_b = extend(1, a), extend(1, b)
    if opcode == "add":
        return wide_a + wide_b != extend(1, a + b)
    return wide_a - wide_b != extend(1, a - b)


def _wrapping(instruction: Instruction, a: Lane, b: Lane) -> Parts:
    opcode = instruction.opcode
    poison = [overflows(opcode, a.bits, b.bits, signed=flag == "nsw") for flag in sorted(instruction.flags)]
    bits = {"add": a.bits + b.bits, "sub": a.bits - b.bits, "mul": a.bits * b.bits}[opcode]
    return bits, either(*poison), FALSE


def _shl(instruction: Instruction, a: Lane, b: Lane) -> Parts:
    bits = a.bits << b.bits
    poison = [too_far(b)]
    if "nuw" in instruction.flags:
        poison.append(z3.LShR(bits, b.bits) != a.bits)
    if "nsw" in instruction.flags:
        poison.append((bits >> b.bits) != a.bits)
    return bits, either(*poison), FALSE


def too_far(amount: Lane) -> Truth:
    """Whether a shift is by the width or more."""
    return z3.UGE(amount.bits, constant(amount.width, amount.width)) if amount.width > 1 else is_one(amount.bits)


def _shift_right(instruction: Instruction, a: Lane, b: Lane) -> Parts:
    bits = a.bits >> b.bits if instruction.opcode == "ashr" else z3.LShR(a.bits, b.bits)
    lost = (bits << b.bits) != a.bits if "exact" in instruction.flags else FALSE
    return bits, either(too_far(b), lost), FALSE


def _divide(instruction: Instruction, a: Lane, b: Lane) -> Parts:
    signed = instruction.opcode in ("sdiv", "srem")
    quotient = a.bits / b.bits if signed else z3.UDiv(a.bits, b.bits)
    rest = z3.SRem(a.bits, b.bits) if signed else z3.URem(a.bits, b.bits)
    undefined = [b.poison, b.bits == 0]
    if signed:
        # A poison dividend may be the smallest integer.
        smallest = either(a.poison, a.bits == constant(1 << (a.width - 1), a.width))
        undefined.append(z3.And(smallest, b.bits == constant(-1, b.width)))
    inexact = rest != 0 if "exact" in instruction.flags else FALSE
    return quotient if instruction.opcode in ("sdiv", "udiv") else rest, inexact, either(*undefined)


def _bitwise(instruction: Instruction, a: Lane, b: Lane) -> Parts:
    bits = {"and": a.bits & b.bits, "or": a.bits | b.bits, "xor": a.bits ^ b.bits}[instruction.opcode]
    common = (a.bits & b.bits) != 0 if "disjoint" in instruction.flags else FALSE
    return bits, common, FALSE


_COMPARE: dict[str, Callable[[Bits, Bits], Truth]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "ult": z3.ULT,
    "ule": z3.ULE,
    "ugt": z3.UGT,
    "uge": z3.UGE,
    "slt": lambda a, b: a < b,
    "sle": lambda a, b: a <= b,
    "sgt": lambda a, b: a > b,
    "sge": lambda a, b: a >= b,
}


def _compare(instruction: Instruction, a: Lane, b: Lane) -> Parts:
    different_sign = (a.bits ^ b.bits) < 0 if "samesign" in instruction.flags else FALSE
    return as_bit(_COMPARE[instruction.predicate](a.bits, b.bits)), different_sign, FALSE


def _trunc(instruction: Instruction, a: Lane) -> Parts:
    width = instruction.type.width
    bits = z3.Extract(width - 1, 0, a.bits)
    poison = []
    if "nuw" in instruction.flags:
        poison.append(z3.ZeroExt(a.width - width, bits) != a.bits)
    if "nsw" in instruction.flags:
        poison.append(z3.SignExt(a.width - width, bits) != a.bits)
    return bits, either(*poison), FALSE


def _zext(instruction: Instruction, a: Lane) -> Parts:
    negative = a.bits < 0 if "nneg" in instruction.flags else FALSE
    return z3.ZeroExt(instruction.type.width - a.width, a.bits), negative, FALSE


def _sext(instruction: Instruction, a: Lane) -> Parts:
    return z3.SignExt(instruction.type.width - a.width, a.bits), FALSE, FALSE


_ELEMENTWISE: dict[str, Callable[..., Parts]] = {
    **dict.fromkeys(("add", "sub", "mul"), _wrapping),
    "shl": _shl,
    **dict.fromkeys(("lshr", "ashr"), _shift_right),
    **dict.fromkeys(("udiv", "sdiv", "urem", "srem"), _divide),
    **dict.fromkeys(("and", "or", "xor"), _bitwise),
    "icmp": _compare,
    "trunc": _trunc,
    "zext": _zext,
    "sext": _sext,
}


def choose(condition: Truth, a: Lane, b: Lane) -> Lane:
    """`a` where the condition holds, else `b`."""
    return Lane(z3.If(condition, a.bits, b.bits), z3.If(condition, a.poison, b.poison))


def poison_lane(width: int) -> Lane:
    return Lane(constant(0, width), TRUE)


def _select(_: Instruction, operands: Sequence[Lanes]) -> Lanes:
    conditions, ones, others = operands
    if len(conditions) == 1:
        conditions = conditions * len(ones)
    chosen = [choose(is_one(c.bits), a, b) for c, a, b in zip(conditions, ones, others, strict=True)]
    return tuple(Lane(lane.bits, either(c.poison, lane.poison)) for c, lane in zip(conditions, chosen, strict=True))


def _extractelement(_: Instruction, operands: Sequence[Lanes]) -> Lanes:
    vector, (index,) = operands
    lane = poison_lane(vector[0].width)
    for position, element in enumerate(vector):
        lane = choose(_is(index, position), element, lane)
    return (Lane(lane.bits, either(index.poison, lane.poison)),)


def _insertelement(_: Instruction, operands: Sequence[Lanes]) -> Lanes:
    vector, (element,), (index,) = operands
    nowhere = z3.Not(either(*(_is(index, position) for position in range(len(vector)))))
    lanes = [choose(_is(index, position), element, lane) for position, lane in enumerate(vector)]
    return tuple(Lane(lane.bits, either(index.poison, nowhere, lane.poison)) for lane in lanes)


def _is(index: Lane, position: int) -> Truth:
    return index.bits == constant(position, index.width) if position >> index.width == 0 else FALSE


def _bitcast(instruction: Instruction, operands: Sequence[Lanes]) -> Lanes:
    widths = instruction.type.lane_widths
    lanes = list(operands[0])
    if widths == tuple(lane.width for lane in lanes):
        return operands[0]
    whole = z3.Concat(*(lane.bits for lane in reversed(lanes))) if len(lanes) > 1 else lanes[0].bits
    width = widths[0]
    return tuple(
        Lane(
            z3.Extract((number + 1) * width - 1, number * width, whole),
            either(*(lane.poison for lane in _overlapping(lanes, number * width, width))),
        )
        for number in range(len(widths))
    )


def _overlapping(lanes: list[Lane], start: int, width: int) -> list[Lane]:
    """The lanes that hold some of the bits from `start` on; lane 0 has the lowest."""
    first, last = start // lanes[0].width, (start + width - 1) // lanes[0].width
    return lanes[first : last + 1]


_REARRANGING: dict[str, Callable[[Instruction, Sequence[Lanes]], Lanes]] = {
    "select": _select,
    "extractelement": _extractelement,
    "insertelement": _insertelement,
    "bitcast": _bitcast,
}

OPCODES = frozenset({*_ELEMENTWISE, *_REARRANGING})
