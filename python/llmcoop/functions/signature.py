"""What a function takes and gives, and IR that calls it with arguments from memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from llvmlite import binding

SLOT_BYTES = 64  # of memory for each argument and each part of the result
CALL = "llmcoop.call"  # void (ptr): slots of the arguments, then of the result

_SCALAR = re.compile(r"i\d+|half|bfloat|float|double|x86_fp80|fp128|ptr")
_VECTOR = re.compile(rf"<(\d+) x ({_SCALAR.pattern})>")
_FLOAT_BYTES = {"half": 2, "bfloat": 2, "float": 4, "double": 8, "x86_fp80": 10, "fp128": 16}
# What changes how an argument travels; the rest of the attributes only promise something about it.
_PASSING = re.compile(r"(zeroext|signext|inreg|byval\(.*\)|sret\(.*\)|align \d+)")
_CONVENTION = re.compile(r"\b(fastcc|coldcc|tailcc|preserve_mostcc|preserve_allcc|x86_\w+cc|cc \d+) ")


@dataclass(frozen=True, slots=True)
class Type:
    """A scalar, or a vector of `lanes` scalars, by LLVM's own name."""

    scalar: str
    lanes: int = 1

    def __str__(self) -> str:
        return self.scalar if self.lanes == 1 else f"<{self.lanes} x {self.scalar}>"

    @property
    def is_pointer(self) -> bool:
        return self.scalar == "ptr"

    @property
    def is_integer(self) -> bool:
        return self.scalar.startswith("i")

    @property
    def bits(self) -> int:
        """Of one scalar."""
        return int(self.scalar[1:]) if self.is_integer else 8 * _FLOAT_BYTES.get(self.scalar, 8)

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return -(-self.lanes * self.bits // 8)

    @staticmethod
    def parse(text: str) -> Type | None:
        """None for what is neither a scalar nor a vector of known length."""
        if _SCALAR.fullmatch(text):
            return Type(text)
        vector = _VECTOR.fullmatch(text)
        return Type(vector[2], int(vector[1])) if vector else None


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter and what its attributes promise."""

    name: str
    type: Type
    attributes: tuple[str, ...]

    def has(self, attribute: str) -> bool:
        return any(known.partition("(")[0] == attribute for known in self.attributes)

    def number(self, attribute: str) -> int:
        """The number in `attribute(n)` or `attribute n`; 0 without it."""
        for known in self.attributes:
            match = re.fullmatch(rf"{attribute}[ (](\d+)\)?", known)
            if match:
                return int(match[1])
        return 0

    @property
    def range(self) -> tuple[int, int] | None:
        """The half-open interval of `range(…)`, by LLVM's signed numbers; it wraps if the first is not less."""
        for known in self.attributes:
            match = re.fullmatch(r"range\(i\d+ (-?\d+), (-?\d+)\)", known)
            if match:
                return int(match[1]), int(match[2])
        return None

    @property
    def by_value(self) -> str:
        """The type that `byval` or `sret` gives to the memory behind a pointer; empty without them."""
        for known in self.attributes:
            match = re.fullmatch(r"(?:byval|sret)\((.*)\)", known)
            if match:
                return match[1]
        return ""

    @property
    def passing(self) -> str:
        """The type with the attributes that a call must repeat."""
        return " ".join((str(self.type), *(known for known in self.attributes if _PASSING.fullmatch(known))))


@dataclass(frozen=True, slots=True)
class Leaf:
    """A part of the result that is no aggregate; `path` are the indices that lead to it."""

    type: Type
    path: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """How a function is called."""

    name: str
    convention: str  # as the text of IR has it; empty for C's
    result: str  # the whole type, by LLVM's name
    parameters: tuple[Parameter, ...]
    leaves: tuple[Leaf, ...]

    def trampoline(self) -> str:
        """The definition of `CALL`, as text."""
        lines = [f"define void @{CALL}(ptr %slots) {{"]
        for number, parameter in enumerate(self.parameters):
            lines.append(f"  %at.{number} = getelementptr i8, ptr %slots, i64 {SLOT_BYTES * number}")
            lines.append(f"  %argument.{number} = load {parameter.type}, ptr %at.{number}, align 1")
        arguments = ", ".join(
            f"{parameter.passing} %argument.{number}" for number, parameter in enumerate(self.parameters)
        )
        call = f'call {self.convention} {self.result} @"{self.name}"({arguments})'
        lines.append(f"  %result = {call}" if self.leaves else f"  {call}")
        for number, leaf in enumerate(self.leaves):
            lines += self._store(number, leaf)
        return "\n".join((*lines, "  ret void", "}", ""))

    def sizes(self) -> str:
        """Definitions of i64 constants: `size_name(i)` holds how many bytes come by value with parameter i."""
        size = "constant i64 ptrtoint (ptr getelementptr ({}, ptr null, i64 1) to i64)"
        return "".join(
            f"@{size_name(number)} = {size.format(parameter.by_value)}\n"
            for number, parameter in enumerate(self.parameters)
            if parameter.by_value
        )

    def _store(self, number: int, leaf: Leaf) -> Iterator[str]:
        offset = SLOT_BYTES * (len(self.parameters) + number)
        yield f"  %to.{number} = getelementptr i8, ptr %slots, i64 {offset}"
        value = "%result"
        if leaf.path:
            value = f"%leaf.{number}"
            indices = ", ".join(map(str, leaf.path))
            yield f"  {value} = extractvalue {self.result} %result, {indices}"
        yield f"  store {leaf.type} {value}, ptr %to.{number}, align 1"


def size_name(parameter: int) -> str:
    """See `Signature.sizes`."""
    return f"llmcoop.size.{parameter}"


class NoSignature(Exception):  # noqa: N818 - it says what happened; never leaves this package
    """The function can't be called with arguments from memory; the message says why."""


def signature(function: binding.ValueRef) -> Signature:
    """How to call a function of a parsed module. Raises NoSignature."""
    head = str(function).partition("\ndefine ")[2] or str(function)
    head = head.partition("@")[0]
    convention = _CONVENTION.search(head)
    result, *_ = function.global_value_type.elements
    return Signature(
        name=function.name,
        convention=convention[1] if convention else "",
        result=str(result),
        parameters=tuple(_parameter(number, argument) for number, argument in enumerate(function.arguments)),
        leaves=tuple(_leaves(result, ())) if str(result) != "void" else (),
    )


def _parameter(number: int, argument: binding.ValueRef) -> Parameter:
    attributes = tuple(attribute.decode() for attribute in argument.attributes)
    name = argument.name or f"argument {number + 1}"
    kind = Type.parse(str(argument.type))
    unknown = next(
        (known for known in attributes if re.match("inalloca|preallocated|nest|swift|elementtype", known)), ""
    )
    if kind is None or kind.size > SLOT_BYTES or unknown:
        raise NoSignature(f"{name} is passed as {' '.join((str(argument.type), unknown)).strip()}")
    return Parameter(name, kind, attributes)


def _leaves(kind: binding.TypeRef, path: tuple[int, ...]) -> Iterator[Leaf]:
    known = Type.parse(str(kind))
    if known is not None and known.size <= SLOT_BYTES:
        yield Leaf(known, path)
        return
    text = str(kind)
    if not text.startswith(("{", "%", "[", "<{")):
        raise NoSignature(f"it returns {text}")
    if kind.is_array:
        element = next(iter(kind.elements))
        for index in range(kind.element_count):
            yield from _leaves(element, (*path, index))
        return
    for index, element in enumerate(kind.elements):
        yield from _leaves(element, (*path, index))
