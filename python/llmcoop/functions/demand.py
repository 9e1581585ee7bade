"""Find out by trial what a function takes: which integers are sizes, and how memory grows with them."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace

from llmcoop.functions import arena, constants
from llmcoop.functions.explore import Examined, Explorer
from llmcoop.functions.notes import KIND_OF, kinds_in
from llmcoop.functions.process import confine
from llmcoop.functions.reach import with_callees
from llmcoop.functions.signature import NoSignature, Parameter, Type
from llmcoop.functions.stream import Stream
from llmcoop.functions.subject import Subject, parse
from llmcoop.functions.support import why_unsupported
from llmcoop.ir.demands import Demands, ParameterDemand

SIZES = (1, 2, 4, 8, 16, 24, 32, 48, 64)
_SMALL, _LARGE = 16, 24
_TRIES = 4
_ANSWER_S = 20.0
_PLAIN = frozenset({"i1", "i8", "i16", "i32", "i64", "float", "double", "ptr"})
_ELEMENTS = {kind: name for name, kind in KIND_OF.items()}


def demands(ir: str, function: str) -> Demands:
    """What `function` takes. Raises IRError for a module that is not well-formed."""
    ir = with_callees(ir, function)
    reason = why_unsupported(parse(ir), function)
    if reason:
        return Demands(reason)
    try:
        subject = Subject(ir, ir, function)
    except NoSignature as obstacle:
        return Demands(str(obstacle))
    parameters = subject.signature.parameters
    for parameter in parameters:
        if str(parameter.type) not in _PLAIN or parameter.by_value:
            return Demands(f"its parameter {parameter.name} is passed as {parameter.passing}")
    if subject.signature.result not in {*_PLAIN, "void"} or subject.signature.result == "ptr":
        return Demands(f"it returns {subject.signature.result}")
    with arena.reserved(), closing(Stream(_trials(subject, constants.of(ir)), Demands)) as answers:
        return answers.next(_ANSWER_S) or Demands("it destroys the process that tries it out")


def _trials(subject: Subject, numbers: Sequence[int]) -> Iterator[Demands]:
    confine(subject)
    yield _Trial(subject, Explorer(subject, 1, numbers, aliasing=False)).demands()


class _Trial:
    """The function, run with sizes of our choice."""

    def __init__(self, subject: Subject, explorer: Explorer) -> None:
        self._subject = subject
        self._explorer = explorer
        self._parameters = subject.signature.parameters
        self._written: set[int] = set()
        self._reason = ""

    def demands(self) -> Demands:
        integers = [number for number, parameter in enumerate(self._parameters) if _is_integer(parameter)]
        if self._extents(dict.fromkeys(integers, 1)) is None:
            return Demands(f"it does not run with 1 for each of its integers: it {self._reason}")
        sizes = [number for number in integers if self._matters(number, integers)]
        measured = {size: self._extents({**dict.fromkeys(integers, 1), **dict.fromkeys(sizes, size)}) for size in SIZES}
        good = {size: extents for size, extents in measured.items() if extents is not None}
        found = []
        for number, parameter in enumerate(self._parameters):
            demand = ParameterDemand(str(parameter.type), parameter.attributes, number in sizes)
            if parameter.type.is_pointer:
                kinds = kinds_in(self._explorer.shape(parameter))
                if len(kinds) > 1 or not kinds <= _ELEMENTS.keys():
                    return Demands(f"its parameter {parameter.name} leads to structures or pointers")
                element = _ELEMENTS[next(iter(kinds))] if kinds else "i8"
                demand = replace(demand, element=element, bytes_at=tuple(each[number] for each in good.values()))
                demand = replace(demand, written=number in self._written)
            found.append(demand)
        result = self._subject.signature.result
        return Demands("", result, tuple(found), tuple(good))

    def _matters(self, number: int, integers: Sequence[int]) -> bool:
        """Whether memory grows or shrinks with this integer, be the others large or small."""
        return any(
            self._extents({**dict.fromkeys(integers, rest), number: _SMALL})
            != self._extents({**dict.fromkeys(integers, rest), number: _LARGE})
            for rest in (_LARGE, 1)
        )

    def _extents(self, values: dict[int, int]) -> dict[int, int] | None:
        """Bytes behind each pointer for these integers; None when the function does not run so."""
        scalars = [_scalar(parameter.type, values.get(number, 1)) for number, parameter in enumerate(self._parameters)]
        most: dict[int, int] = {}
        for _ in range(_TRIES):  # how far it goes may depend on what is in the memory
            examined = self._explorer.demanded(scalars)
            if examined.reason:
                self._reason = examined.reason
                return None
            for number, extent in self._found(examined).items():
                most[number] = max(most.get(number, 0), extent)
        return most

    def _found(self, examined: Examined) -> dict[int, int]:
        regions = examined.given.regions
        self._written |= {number for number, link in examined.given.pointers if regions[link.region].writable}
        return {number: max(0, regions[link.region].high) for number, link in examined.given.pointers}


def _is_integer(parameter: Parameter) -> bool:
    return parameter.type.is_integer and parameter.type.bits >= 32


def _scalar(kind: Type, value: int) -> bytes:
    if kind.is_pointer:
        return b""
    if kind.is_integer:
        return (value % (1 << kind.bits)).to_bytes(kind.size, "little")
    return struct.pack("<f" if kind.scalar == "float" else "<d", value / 2)
