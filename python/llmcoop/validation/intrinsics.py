"""What LLVM's integer intrinsics do to each lane, as formulas of z3."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llmcoop.ir.body import Instruction
from llmcoop.validation.lanes import Effect, Lane, Lanes, overflows, too_far
from llmcoop.validation.terms import FALSE, Bits, Truth, as_bit, constant, either, is_one, z3

# Bits of each result (two for *.with.overflow), and further poison.
Parts = tuple[tuple[Bits, ...], Truth]

NOTHING = frozenset({"llvm.donothing", "llvm.experimental.noalias.scope.decl", "llvm.sideeffect"})
ASSUME = "llvm.assume"


def apply(instruction: Instruction, operands: Sequence[Lanes]) -> Effect:
    """The effect of a call of one of `NAMES`."""
    name = instruction.callee
    if name in NOTHING:
        return Effect((), FALSE)
    if name == ASSUME:
        ((condition,),) = operands
        return Effect((), either(condition.poison, z3.Not(is_one(condition.bits))))
    if name in _REDUCING:
        return Effect((_reduce(_REDUCING[name], operands[0]),), FALSE)
    count = max(len(lanes) for lanes in operands)
    # An immediate, such as the second argument of llvm.abs, is one for all lanes.
    rows = zip(*(lanes if len(lanes) == count else lanes * count for lanes in operands), strict=True)
    columns: list[list[Lane]] = []
    for row in rows:
        results, poison = _ELEMENTWISE[name](instruction, *row)
        poison = either(poison, *(lane.poison for lane in row))
        columns.append([Lane(bits, poison) for bits in results])
    return Effect(tuple(lane for result in zip(*columns, strict=True) for lane in result), FALSE)


def _reduce(combine: Callable[[Bits, Bits], Bits], lanes: Lanes) -> Lane:
    bits = lanes[0].bits
    for lane in lanes[1:]:
        bits = combine(bits, lane.bits)
    return Lane(bits, either(*(lane.poison for lane in lanes)))


def _smin(a: Bits, b: Bits) -> Bits:
    return z3.If(a < b, a, b)


def _smax(a: Bits, b: Bits) -> Bits:
    return z3.If(a > b, a, b)


def _umin(a: Bits, b: Bits) -> Bits:
    return z3.If(z3.ULT(a, b), a, b)


def _umax(a: Bits, b: Bits) -> Bits:
    return z3.If(z3.UGT(a, b), a, b)


def _choosing(pick: Callable[[Bits, Bits], Bits]) -> Callable[..., Parts]:
    return lambda _, a, b: ((pick(a.bits, b.bits),), FALSE)


def _abs(_: Instruction, a: Lane, smallest_is_poison: Lane) -> Parts:
    smallest = a.bits == constant(1 << (a.width - 1), a.width)
    return (z3.If(a.bits < 0, -a.bits, a.bits),), z3.And(is_one(smallest_is_poison.bits), smallest)


def _ctpop(_: Instruction, a: Lane) -> Parts:
    total = constant(0, a.width)
    for position in range(a.width):
        total = total + _widened(z3.Extract(position, position, a.bits), a.width)
    return (total,), FALSE


def _widened(bits: Bits, width: int) -> Bits:
    return z3.ZeroExt(width - bits.size(), bits)


def _count_zeros(instruction: Instruction, a: Lane, zero_is_poison: Lane) -> Parts:
    count = constant(a.width, a.width)
    # The bit that is looked at last decides: that is the first one to be counted from.
    positions = range(a.width) if instruction.callee == "llvm.ctlz" else range(a.width - 1, -1, -1)
    for position in positions:
        zeros = a.width - 1 - position if instruction.callee == "llvm.ctlz" else position
        bit = z3.Extract(position, position, a.bits)
        count = z3.If(is_one(bit), constant(zeros, a.width), count)
    return (count,), z3.And(is_one(zero_is_poison.bits), a.bits == 0)


def _reversed_groups(width: int) -> Callable[..., Parts]:
    def operation(_: Instruction, a: Lane) -> Parts:
        groups = [z3.Extract(low + width - 1, low, a.bits) for low in range(0, a.width, width)]
        return (z3.Concat(*groups) if len(groups) > 1 else groups[0],), FALSE

    return operation


def _funnel(instruction: Instruction, a: Lane, b: Lane, amount: Lane) -> Parts:
    width = a.width
    # At width 1 every amount is a multiple of the width, which i1 can't even say.
    distance = z3.URem(amount.bits, constant(width, width)) if width > 1 else constant(0, 1)
    whole, far = z3.Concat(a.bits, b.bits), _widened(distance, 2 * width)
    if instruction.callee == "llvm.fshl":
        return (z3.Extract(2 * width - 1, width, whole << far),), FALSE
    return (z3.Extract(width - 1, 0, z3.LShR(whole, far)),), FALSE


def _saturating(instruction: Instruction, a: Lane, b: Lane) -> Parts:
    _, kind, _ = instruction.callee.split(".")
    signed, opcode = kind[0] == "s", kind[1:]
    if opcode == "shl":
        bits = a.bits << b.bits
        exceeds = (bits >> b.bits if signed else z3.LShR(bits, b.bits)) != a.bits
        poison = too_far(b)
    else:
        bits = a.bits + b.bits if opcode == "add" else a.bits - b.bits
        exceeds = overflows(opcode, a.bits, b.bits, signed=signed)
        poison = FALSE
    return (z3.If(exceeds, _limit(a, signed=signed, subtracting=opcode == "sub"), bits),), poison


def _limit(a: Lane, *, signed: bool, subtracting: bool) -> Bits:
    """What an operation that exceeds the integers of a width, and starts from `a`, saturates to."""
    if not signed:
        return constant(0 if subtracting else -1, a.width)
    smallest = 1 << (a.width - 1)
    return z3.If(a.bits < 0, constant(smallest, a.width), constant(smallest - 1, a.width))


def _with_overflow(instruction: Instruction, a: Lane, b: Lane) -> Parts:
    _, kind, _, _ = instruction.callee.split(".")
    signed, opcode = kind[0] == "s", kind[1:]
    bits = {"add": a.bits + b.bits, "sub": a.bits - b.bits, "mul": a.bits * b.bits}[opcode]
    return (bits, as_bit(overflows(opcode, a.bits, b.bits, signed=signed))), FALSE


def _three_way(instruction: Instruction, a: Lane, b: Lane) -> Parts:
    width = instruction.type.lane_widths[0]
    less = a.bits < b.bits if instruction.callee == "llvm.scmp" else z3.ULT(a.bits, b.bits)
    more = z3.If(a.bits == b.bits, constant(0, width), constant(1, width))
    return (z3.If(less, constant(-1, width), more),), FALSE


def _expect(_: Instruction, a: Lane, *_hints: Lane) -> Parts:
    return (a.bits,), FALSE


_ELEMENTWISE: dict[str, Callable[..., Parts]] = {
    "llvm.smin": _choosing(_smin),
    "llvm.smax": _choosing(_smax),
    "llvm.umin": _choosing(_umin),
    "llvm.umax": _choosing(_umax),
    "llvm.abs": _abs,
    "llvm.ctpop": _ctpop,
    **dict.fromkeys(("llvm.ctlz", "llvm.cttz"), _count_zeros),
    "llvm.bswap": _reversed_groups(8),
    "llvm.bitreverse": _reversed_groups(1),
    **dict.fromkeys(("llvm.fshl", "llvm.fshr"), _funnel),
    **{f"llvm.{sign}{kind}.sat": _saturating for sign in "us" for kind in ("add", "sub", "shl")},
    **{f"llvm.{sign}{kind}.with.overflow": _with_overflow for sign in "us" for kind in ("add", "sub", "mul")},
    **dict.fromkeys(("llvm.ucmp", "llvm.scmp"), _three_way),
    "llvm.expect": _expect,
}

_REDUCING: dict[str, Callable[[Bits, Bits], Bits]] = {
    "llvm.vector.reduce.add": lambda a, b: a + b,
    "llvm.vector.reduce.mul": lambda a, b: a * b,
    "llvm.vector.reduce.and": lambda a, b: a & b,
    "llvm.vector.reduce.or": lambda a, b: a | b,
    "llvm.vector.reduce.xor": lambda a, b: a ^ b,
    "llvm.vector.reduce.smin": _smin,
    "llvm.vector.reduce.smax": _smax,
    "llvm.vector.reduce.umin": _umin,
    "llvm.vector.reduce.umax": _umax,
}

NAMES = frozenset({*_ELEMENTWISE, *_REDUCING, *NOTHING, ASSUME})
