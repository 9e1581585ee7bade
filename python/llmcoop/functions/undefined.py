"""IR that notices undefined behaviour and poison of one instruction, by the LangRef's rules."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from llmcoop.functions.notes import Undefined
from llmcoop.functions.signature import Type
from llmcoop.functions.text import CALLEE, call_arguments, split, take_type

_BINARY = re.compile(r"(add|sub|mul|shl|lshr|ashr|or|udiv|sdiv)((?: nuw| nsw| exact| disjoint)*) (.*)")
_CAST = re.compile(r"(trunc|zext|uitofp|fptosi|fptoui)((?: nuw| nsw| nneg| \w+)*?) ([<i\w].*) to ([^,]+)")
_SAME_SIGN = re.compile(r"icmp samesign \w+ (.*)")
_RANGE = re.compile(r"!range !(\d+)")
_ALIGN_BUNDLE = re.compile(r'"align"\(ptr ([^,]+), i64 (\d+)\)')
_WIDEST = 64  # bits; beyond, a check needs functions that no library may have


@dataclass(slots=True)
class Check:
    """Lines of IR, and what they must have declared."""

    lines: list[str] = field(default_factory=list)
    declarations: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Checks:
    """What to put before and behind an instruction."""

    before: Check = field(default_factory=Check)
    after: Check = field(default_factory=Check)


def checks(result: str, instruction: str, metadata: dict[str, list[str]], fresh: Callable[[], str]) -> Checks:
    """The checks of one printed instruction; `fresh` gives unused names, `metadata` the module's nodes."""
    found = Checks()
    before, after = _Writer(found.before, fresh), _Writer(found.after, fresh)
    if instruction == "unreachable":
        before.note("true", None, Undefined.UNREACHABLE)
        before.line("call void @llvm.trap()", "llvm.trap", "declare void @llvm.trap()")
    elif match := _BINARY.match(instruction):
        _binary(before, match[1], match[2].split(), match[3])
    elif match := _CAST.match(instruction):
        _cast(before, match[1], match[2].split(), match[3], match[4])
    elif match := _SAME_SIGN.match(instruction):
        kind, left, right = _operands(match[1])
        before.when(
            "icmp slt {0} {1}, zeroinitializer", kind, before.value(f"xor {kind} {left}, {right}"), Undefined.PROMISE
        )
    elif instruction.startswith("load "):
        _loaded(after, result, instruction, metadata)
    elif "call " in instruction:
        _call(before, instruction)
    return found


@dataclass(slots=True)
class _Writer:
    check: Check
    fresh: Callable[[], str]

    def line(self, text: str, name: str = "", declaration: str = "") -> None:
        self.check.lines.append(text)
        if name:
            self.check.declarations[name] = declaration

    def value(self, expression: str) -> str:
        name = self.fresh()
        self.line(f"{name} = {expression}")
        return name

    def when(self, condition: str, kind: str, value: str, what: Undefined) -> None:
        """Note `what` if `condition`, of type i1 or a vector of them, holds for any lane of `value`."""
        self.note(self.value(condition.format(kind, value)), Type.parse(kind), what)

    def note(self, condition: str, kind: Type | None, what: Undefined) -> None:
        if kind is not None and kind.lanes > 1:
            lanes = f"<{kind.lanes} x i1>"
            name = f"llvm.vector.reduce.or.v{kind.lanes}i1"
            reduced = self.fresh()
            self.line(f"{reduced} = call i1 @{name}({lanes} {condition})", name, f"declare i1 @{name}({lanes})")
            condition = reduced
        self.line(f"call void @llmcoop.undefined(i1 {condition}, i64 {what.value})")


def _operands(text: str) -> tuple[str, str, str]:
    first, right, *_ = split(text)
    kind, left = take_type(first)
    return kind, left, right


def _binary(writer: _Writer, opcode: str, flags: list[str], text: str) -> None:
    kind, left, right = _operands(text)
    known = Type.parse(kind)
    if known is None or known.bits > _WIDEST:
        return
    if opcode in ("shl", "lshr", "ashr"):
        width = f"splat (i{known.bits} {known.bits})" if known.lanes > 1 else str(known.bits)
        writer.note(writer.value(f"icmp uge {kind} {right}, {width}"), known, Undefined.SHIFT)
    if opcode in ("add", "sub", "mul"):
        for flag in flags:
            _overflow(writer, f"{flag[1]}{opcode}", known, left, right)
    elif opcode == "or" and flags:
        writer.when(
            "icmp ne {0} {1}, zeroinitializer", kind, writer.value(f"and {kind} {left}, {right}"), Undefined.PROMISE
        )
    elif opcode == "shl":
        for flag in flags:
            back = "lshr" if flag == "nuw" else "ashr"
            _changed(writer, kind, left, right, "shl", back)
    elif opcode in ("lshr", "ashr") and flags:
        _changed(writer, kind, left, right, opcode, "shl")


def _overflow(writer: _Writer, name: str, known: Type, left: str, right: str) -> None:
    suffix = f"v{known.lanes}i{known.bits}" if known.lanes > 1 else f"i{known.bits}"
    flags = f"<{known.lanes} x i1>" if known.lanes > 1 else "i1"
    pair, callee = f"{{ {known}, {flags} }}", f"llvm.{name}.with.overflow.{suffix}"
    both = writer.fresh()
    call = f"{both} = call {pair} @{callee}({known} {left}, {known} {right})"
    writer.line(call, callee, f"declare {pair} @{callee}({known}, {known})")
    writer.note(writer.value(f"extractvalue {pair} {both}, 1"), known, Undefined.OVERFLOW)


def _changed(writer: _Writer, kind: str, left: str, right: str, there: str, back: str) -> None:
    """Note that shifting there and back does not give the value again."""
    shifted = writer.value(f"{there} {kind} {left}, {right}")
    returned = writer.value(f"{back} {kind} {shifted}, {right}")
    writer.note(writer.value(f"icmp ne {kind} {returned}, {left}"), Type.parse(kind), Undefined.OVERFLOW)


def _cast(writer: _Writer, opcode: str, flags: list[str], operand: str, target: str) -> None:
    kind, value = take_type(operand)
    known, wanted = Type.parse(kind), Type.parse(target)
    if known is None or wanted is None:
        return
    if "nneg" in flags:
        writer.when("icmp slt {0} {1}, zeroinitializer", kind, value, Undefined.PROMISE)
    for flag in flags if opcode == "trunc" else ():
        short = writer.value(f"trunc {kind} {value} to {target}")
        back = writer.value(f"{'zext' if flag == 'nuw' else 'sext'} {target} {short} to {kind}")
        writer.note(writer.value(f"icmp ne {kind} {back}, {value}"), known, Undefined.OVERFLOW)
    if opcode in ("fptosi", "fptoui") and known.scalar in ("float", "double") and wanted.bits <= _WIDEST:
        lowest = -(2.0 ** (wanted.bits - 1)) if opcode == "fptosi" else 0.0
        highest = 2.0 ** (wanted.bits - (opcode == "fptosi"))
        low = writer.value(f"fcmp uge {kind} {value}, {_float(known, lowest)}")
        high = writer.value(f"fcmp ult {kind} {value}, {_float(known, highest)}")
        ordered = writer.value(f"fcmp ord {kind} {value}, {value}")
        lanes = f"<{known.lanes} x i1>" if known.lanes > 1 else "i1"
        both = writer.value(f"and {lanes} {low}, {high}")
        valid = writer.value(f"and {lanes} {both}, {ordered}")
        ones = "splat (i1 true)" if known.lanes > 1 else "true"
        writer.note(writer.value(f"xor {lanes} {valid}, {ones}"), known, Undefined.CONVERSION)


def _float(kind: Type, value: float) -> str:
    bits = f"0x{struct.pack('>d', value).hex()}"
    return f"splat ({kind.scalar} {bits})" if kind.lanes > 1 else bits


def _loaded(writer: _Writer, result: str, instruction: str, metadata: dict[str, list[str]]) -> None:
    kind = split(instruction.removeprefix("load "))[0]
    if "!nonnull " in instruction:
        writer.note(writer.value(f"icmp eq ptr {result}, null"), None, Undefined.PROMISE)
    found = _RANGE.search(instruction)
    bounds = [bound.split()[-1] for bound in metadata.get(found[1], [])] if found else []
    if len(bounds) == 2 and "x" not in kind:
        moved = writer.value(f"sub {kind} {result}, {bounds[0]}")
        width = writer.value(f"sub {kind} {bounds[1]}, {bounds[0]}")
        writer.note(writer.value(f"icmp uge {kind} {moved}, {width}"), None, Undefined.PROMISE)


def _call(writer: _Writer, instruction: str) -> None:
    callee = CALLEE.search(instruction)
    if callee is None:
        return
    arguments = call_arguments(instruction[callee.end() - 1 :])
    name = ".".join(callee[1].split(".")[:2])
    if name == "llvm.assume":
        bad = writer.value(f"xor i1 {arguments[0][1]}, true")
        writer.note(bad, None, Undefined.PROMISE)
        for pointer, align in _ALIGN_BUNDLE.findall(instruction):
            address = writer.value(f"ptrtoint ptr {pointer} to i64")
            low = writer.value(f"and i64 {address}, {int(align) - 1}")
            writer.note(writer.value(f"icmp ne i64 {low}, 0"), None, Undefined.PROMISE)
    elif name in ("llvm.abs", "llvm.ctlz", "llvm.cttz") and arguments[1][1] == "true":
        kind, value = arguments[0]
        known = Type.parse(kind)
        if known is None:
            return
        lowest = f"{-(1 << (known.bits - 1))}" if name == "llvm.abs" else "0"
        bad = f"splat (i{known.bits} {lowest})" if known.lanes > 1 else lowest
        writer.note(writer.value(f"icmp eq {kind} {value}, {bad}"), known, Undefined.OVERFLOW)
