"""Instructions and intrinsics on concrete integers, written down a second time, independent of the solver.

Every function takes the instruction and one lane of each operand, unsigned, none of them poison, and returns
an integer, or None for poison. It raises UndefinedBehaviour.
"""

from __future__ import annotations

import operator
from collections.abc import Callable

from llmcoop.ir.body import Instruction


class UndefinedBehaviour(Exception):  # noqa: N818 - it says what happened
    """The program may do anything from here on."""


def signed(value: int, width: int) -> int:
    """An unsigned integer of that width as a signed one."""
    return value - (1 << width) if value >> (width - 1) else value


def wrapped(value: int, width: int) -> int:
    """An integer modulo 2 ** width, unsigned."""
    return value & ((1 << width) - 1)


_EXACT: dict[str, Callable[[int, int], int]] = {"add": operator.add, "sub": operator.sub, "mul": operator.mul}


def overflows(opcode: str, a: int, b: int, width: int, *, as_signed: bool) -> bool:
    """Whether the mathematical result is no integer of that width."""
    if as_signed:
        exact = _EXACT[opcode](signed(a, width), signed(b, width))
        return not -(1 << (width - 1)) <= exact < 1 << (width - 1)
    return not 0 <= _EXACT[opcode](a, b) < 1 << width


def _wrapping(instruction: Instruction, a: int, b: int) -> int | None:
    width, opcode = instruction.type.width, instruction.opcode
    if any(overflows(opcode, a, b, width, as_signed=flag == "nsw") for flag in instruction.flags):
        return None
    return wrapped(_EXACT[opcode](a, b), width)


def _shift(instruction: Instruction, a: int, b: int) -> int | None:
    width, flags = instruction.type.width, instruction.flags
    if b >= width:
        return None
    if instruction.opcode == "shl":
        exact = signed(a, width) << b
        lost_sign = "nsw" in flags and exact != signed(wrapped(exact, width), width)
        lost_bits = "nuw" in flags and a << b >= 1 << width
        return None if lost_sign or lost_bits else wrapped(exact, width)
    if "exact" in flags and a % (1 << b):
        return None
    return wrapped((signed(a, width) if instruction.opcode == "ashr" else a) >> b, width)


def _divide(instruction: Instruction, a: int, b: int) -> int | None:
    width, opcode = instruction.type.width, instruction.opcode
    if b == 0:
        raise UndefinedBehaviour
    if opcode in ("udiv", "urem"):
        quotient, rest = divmod(a, b)
    else:
        x, y = signed(a, width), signed(b, width)
        if y == -1 and x == -(1 << (width - 1)):
            raise UndefinedBehaviour
        quotient = abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1)  # rounds towards zero
        rest = x - quotient * y
    if "exact" in instruction.flags and rest:
        return None
    return wrapped(quotient if opcode in ("udiv", "sdiv") else rest, width)


def _bitwise(instruction: Instruction, a: int, b: int) -> int | None:
    if "disjoint" in instruction.flags and a & b:
        return None
    return {"and": operator.and_, "or": operator.or_, "xor": operator.xor}[instruction.opcode](a, b)


_COMPARE = {
    **{"eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "le": operator.le},
    **{"gt": operator.gt, "ge": operator.ge},
}


def compare(instruction: Instruction, a: int, b: int, width: int) -> int | None:
    """icmp; `width` is that of the operands."""
    predicate = instruction.predicate
    if "samesign" in instruction.flags and (a ^ b) >> (width - 1):
        return None
    if predicate in ("eq", "ne"):
        return int(_COMPARE[predicate](a, b))
    if predicate[0] == "s":
        a, b = signed(a, width), signed(b, width)
    return int(_COMPARE[predicate[1:]](a, b))


def cast(instruction: Instruction, a: int, width: int) -> int | None:
    """trunc, zext and sext; `width` is that of the operand."""
    to, flags = instruction.type.width, instruction.flags
    if instruction.opcode == "zext":
        return None if "nneg" in flags and a >> (width - 1) else a
    if instruction.opcode == "sext":
        return wrapped(signed(a, width), to)
    kept = wrapped(a, to)
    if ("nuw" in flags and kept != a) or ("nsw" in flags and signed(kept, to) != signed(a, width)):
        return None
    return kept


BINARY: dict[str, Callable[[Instruction, int, int], int | None]] = {
    **dict.fromkeys(("add", "sub", "mul"), _wrapping),
    **dict.fromkeys(("shl", "lshr", "ashr"), _shift),
    **dict.fromkeys(("udiv", "sdiv", "urem", "srem"), _divide),
    **dict.fromkeys(("and", "or", "xor"), _bitwise),
}


def intrinsic(name: str, lanes: tuple[int, ...], width: int) -> tuple[int | None, ...]:
    """One lane of each result of an elementwise intrinsic; `width` is that of the first operand."""
    match name.split(".")[1:]:
        case ["abs" | "ctlz" | "cttz" | "ctpop" | "bswap" | "bitreverse" as kind]:
            return (_of_one(kind, lanes, width),)
        case ["smin" | "smax" | "umin" | "umax" as kind]:
            key = (lambda value: signed(value, width)) if kind[0] == "s" else (lambda value: value)
            return ((min if kind.endswith("min") else max)(lanes, key=key),)
        case ["fshl" | "fshr" as kind]:
            return (_funnel(kind, lanes, width),)
        case [kind, "sat"]:
            return (_saturated(kind, lanes, width),)
        case [kind, "with", "overflow"]:
            a, b = lanes
            exceeds = overflows(kind[1:], a, b, width, as_signed=kind[0] == "s")
            return wrapped(_EXACT[kind[1:]](a, b), width), int(exceeds)
        case ["expect"]:
            return (lanes[0],)
    raise NotImplementedError(name)


def three_way(name: str, lanes: tuple[int, ...], width: int, result_width: int) -> int:
    """llvm.ucmp and llvm.scmp."""
    a, b = (signed(lane, width) for lane in lanes) if name == "llvm.scmp" else lanes
    return wrapped((a > b) - (a < b), result_width)


def _of_one(kind: str, lanes: tuple[int, ...], width: int) -> int | None:
    a, immediate = (*lanes, 0)[:2]
    digits = f"{a:0{width}b}"
    match kind:
        case "abs":
            return None if immediate and a == 1 << (width - 1) else wrapped(abs(signed(a, width)), width)
        case "ctpop":
            return digits.count("1")
        case "bswap":
            return int.from_bytes(a.to_bytes(width // 8, "little"), "big")
        case "bitreverse":
            return int(digits[::-1], 2)
    if a == 0:
        return None if immediate else width
    return len(digits) - len(digits.lstrip("0")) if kind == "ctlz" else len(digits) - len(digits.rstrip("0"))


def _funnel(kind: str, lanes: tuple[int, ...], width: int) -> int:
    high, low, amount = lanes
    whole, amount = (high << width) | low, amount % width
    return wrapped(whole << amount, 2 * width) >> width if kind == "fshl" else wrapped(whole >> amount, width)


def _saturated(kind: str, lanes: tuple[int, ...], width: int) -> int | None:
    a, b = lanes
    if kind[0] == "s":
        lowest, highest = -(1 << (width - 1)), (1 << (width - 1)) - 1
        a, b = signed(a, width), b if kind == "sshl" else signed(b, width)
    else:
        lowest, highest = 0, (1 << width) - 1
    if kind[1:] == "shl":
        if b >= width:
            return None
        exact = a << b
    else:
        exact = _EXACT[kind[1:]](a, b)
    return wrapped(min(max(exact, lowest), highest), width)


_REDUCE: dict[str, Callable[[int, int], int]] = {
    **_EXACT,
    **{"and": operator.and_, "or": operator.or_, "xor": operator.xor},
}


def reduction(name: str, lanes: tuple[int, ...], width: int) -> int:
    """llvm.vector.reduce.*"""
    kind = name.rpartition(".")[2]
    if kind not in _REDUCE:
        (result,) = intrinsic(f"llvm.{kind}", lanes, width)
        assert result is not None
        return result
    total = lanes[0]
    for lane in lanes[1:]:
        total = wrapped(_REDUCE[kind](total, lane), width)
    return total
