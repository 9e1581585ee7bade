"""Run a loop-free function on concrete arguments; a value is the set of what undef lets it be.

Each use of undef takes a value of its own, so the operands of an instruction vary independently and sets are
enough. freeze takes one of the set: the run is repeated for each.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from llmcoop.ir.body import Attributes, Body, Constant, Instruction, Local, Operand, Type
from llmcoop.validation import arithmetic
from llmcoop.validation.arithmetic import UndefinedBehaviour, signed

Value = tuple[int | None, ...]  # lanes, unsigned; None is poison
Values = frozenset[Value]
Behaviour = Values | None  # what is returned; None: undefined behaviour
Undef = Callable[[int], Sequence[int]]  # the integers that undef of a width can be

_MOST_VALUES = 1 << 16
_NOTHING = ("llvm.donothing", "llvm.experimental.noalias.scope.decl", "llvm.sideeffect")


class TooManyValues(Exception):  # noqa: N818 - it says what happened
    """A set of possible values, or of possible runs, is too large to be listed."""


def behaviours(body: Body, arguments: Sequence[Values], undef: Undef, *, most: int = 1 << 12) -> frozenset[Behaviour]:
    """What the function can do, for each choice that freeze has.

    `undef(width)` lists the integers that undef of that width can be: all, or for wide ones a sample.
    Raises TooManyValues, also when there are more than `most` choices.
    """
    found: set[Behaviour] = set()
    choices: list[tuple[Value, ...]] = []
    path: list[int] = []
    for _ in range(most):
        run = _Run(body, arguments, undef, path, choices)
        found.add(run.behaviour())
        path += [0] * run.added
        while path and path[-1] + 1 == len(choices[len(path) - 1]):
            path.pop()
            choices.pop()
        if not path:
            return frozenset(found)
        path[-1] += 1
    raise TooManyValues


def refines(new: Behaviour, old: Behaviour) -> bool:
    """Whether `new` is something that `old` allows."""
    if old is None:
        return True
    return new is not None and all(any(_covers(wide, narrow) for wide in old) for narrow in new)


def _covers(old: Value, new: Value) -> bool:
    return all(a is None or a == b for a, b in zip(old, new, strict=True))


@dataclass
class _Run:
    """One run. `path` says which choices the first freezes take, later ones take the first of theirs."""

    body: Body
    arguments: Sequence[Values]
    undef: Undef
    path: Sequence[int]
    choices: list[tuple[Value, ...]]
    added: int = 0
    taken: int = 0
    values: dict[int, Values] = field(default_factory=dict)
    types: dict[int, Type] = field(default_factory=dict)

    def behaviour(self) -> Behaviour:
        try:
            for number, parameter in enumerate(self.body.parameters):
                self.types[number] = parameter.type
                self.values[number] = _promised(self.arguments[number], parameter.attributes, parameter.type)
            return self._blocks()
        except UndefinedBehaviour:
            return None

    def _blocks(self) -> Values:
        before, block = -1, 0
        while True:
            phis = {i.number: self._phi(i, before) for i in self.body.blocks[block] if i.opcode == "phi"}
            self.values |= phis
            for instruction in self.body.blocks[block]:
                self.types[instruction.number] = instruction.type
                if instruction.opcode == "ret":
                    return self._returned(instruction)
                if instruction.opcode in ("br", "switch"):
                    before, block = block, self._target(instruction)
                elif instruction.opcode == "unreachable":
                    raise UndefinedBehaviour
                elif instruction.opcode != "phi":
                    self.values[instruction.number] = self._computed(instruction)

    def _phi(self, phi: Instruction, before: int) -> Values:
        return self._operand(phi.operands[phi.blocks.index(before)])

    def _operand(self, operand: Operand) -> Values:
        if isinstance(operand, Local):
            return self.values[operand.number]
        assert isinstance(operand, Constant), "others are not supported"
        lanes = [
            self._element(element, width)
            for element, width in zip(operand.elements, operand.type.lane_widths, strict=True)
        ]
        return frozenset(itertools.product(*lanes))

    def _element(self, element: int | str, width: int) -> Sequence[int | None]:
        if element == "undef":
            return self.undef(width)
        return [None if element == "poison" else int(element)]

    def _returned(self, instruction: Instruction) -> Values:
        if not instruction.operands:
            return frozenset()
        return _promised(self._operand(instruction.operands[0]), self.body.return_attributes, self.body.returns)

    def _target(self, instruction: Instruction) -> int:
        if not instruction.operands:
            return instruction.blocks[0]
        condition = _the_only(self._operand(instruction.operands[0]))
        if instruction.opcode == "br":
            return instruction.blocks[0 if condition[0] else 1]
        cases = [_the_only(self._operand(case)) for case in instruction.operands[1:]]
        return instruction.blocks[cases.index(condition) + 1 if condition in cases else 0]

    def _computed(self, instruction: Instruction) -> Values:
        if instruction.callee in _NOTHING:
            return frozenset({()})
        operands = [self._operand(operand) for operand in instruction.operands]
        if instruction.opcode == "freeze":
            return frozenset({self._frozen(operands[0], instruction)})
        if instruction.opcode == "shufflevector":
            return _shuffled(instruction, *operands)
        for values, attributes in zip(operands, instruction.operand_attributes, strict=False):
            if attributes.noundef:
                _the_only(values)
        if math.prod(map(len, operands)) > _MOST_VALUES:
            raise TooManyValues
        operation = self._operation(instruction)
        results = frozenset(operation(*lanes) for lanes in itertools.product(*operands))
        return _promised(results, instruction.attributes, instruction.type)

    def _frozen(self, values: Values, instruction: Instruction) -> Value:
        """The choice of this run; a new one is noted for the runs to come."""
        if self.taken == len(self.choices):
            self.choices.append(tuple(self._definite(values, instruction.type.lane_widths)))
            self.added += 1
        number = self.path[self.taken] if self.taken < len(self.path) else 0
        chosen = self.choices[self.taken][number]
        self.taken += 1
        return chosen

    def _definite(self, values: Values, lane_widths: Sequence[int]) -> Iterator[Value]:
        found: dict[Value, None] = {}
        for value in sorted(values, key=repr):
            lanes = [[x] if x is not None else self.undef(width) for x, width in zip(value, lane_widths, strict=True)]
            if math.prod(map(len, lanes)) > _MOST_VALUES:
                raise TooManyValues
            found |= dict.fromkeys(itertools.product(*lanes))
        return iter(found)

    def _operation(self, instruction: Instruction) -> Callable[..., Value]:
        special = _OPERATIONS.get(instruction.opcode)
        if special:
            types = [self._type(operand) for operand in instruction.operands]
            return lambda *lanes: special(instruction, types, *lanes)
        width = self._type(instruction.operands[0]).lane_widths[0]
        operation = arithmetic.BINARY.get(instruction.opcode)
        if operation:
            return lambda a, b: tuple(_binary(instruction, x, y) for x, y in zip(a, b, strict=True))
        if instruction.opcode == "icmp":
            return lambda a, b: tuple(
                None if x is None or y is None else arithmetic.compare(instruction, x, y, width)
                for x, y in zip(a, b, strict=True)
            )
        return lambda a: tuple(None if x is None else arithmetic.cast(instruction, x, width) for x in a)

    def _type(self, operand: Operand) -> Type:
        if isinstance(operand, Local):
            return self.types[operand.number]
        assert isinstance(operand, Constant), "others are not supported"
        return operand.type


def _the_only(values: Values) -> Value:
    """The one value of a set; undefined behaviour if there are more, or poison."""
    if len(values) != 1 or None in next(iter(values)):
        raise UndefinedBehaviour
    return next(iter(values))


def _promised(values: Values, attributes: Attributes, type_: Type) -> Values:
    """The values, with what the attributes say of those that break a promise."""
    if attributes.ranges:
        values = frozenset(_kept(value, type_, attributes) for value in values)
    if attributes.noundef:
        _the_only(values)
    return values


def _kept(value: Value, type_: Type, attributes: Attributes) -> Value:
    """The lanes that are in the promised ranges; the others are poison."""
    lanes = zip(value, type_.lane_widths, strict=True)
    return tuple(None if lane is None or not _within(lane, width, attributes) else lane for lane, width in lanes)


def _within(value: int, width: int, attributes: Attributes) -> bool:
    return all(
        low == high or (value - low) % (1 << width) < (high - low) % (1 << width) for low, high in attributes.ranges
    )


def _binary(instruction: Instruction, a: int | None, b: int | None) -> int | None:
    if instruction.opcode in ("udiv", "sdiv", "urem", "srem") and (b is None or b == 0):
        raise UndefinedBehaviour
    if a is None or b is None:
        if instruction.opcode in ("sdiv", "srem") and b is not None and signed(b, instruction.type.width) == -1:
            raise UndefinedBehaviour  # the dividend may be the smallest integer
        return None
    return arithmetic.BINARY[instruction.opcode](instruction, a, b)


def _select(_: Instruction, types: Sequence[Type], condition: Value, one: Value, other: Value) -> Value:
    conditions = condition if types[0].lanes else condition * len(one)
    picked = zip(conditions, one, other, strict=True)
    return tuple(None if c is None else (a if c else b) for c, a, b in picked)


def _extractelement(_: Instruction, __: Sequence[Type], vector: Value, index: Value) -> Value:
    (position,) = index
    return (vector[position] if position is not None and position < len(vector) else None,)


def _insertelement(_: Instruction, __: Sequence[Type], vector: Value, element: Value, index: Value) -> Value:
    (position,) = index
    if position is None or position >= len(vector):
        return (None,) * len(vector)
    return (*vector[:position], *element, *vector[position + 1 :])


def _shuffled(instruction: Instruction, one: Values, other: Values) -> Values:
    """Each lane is a use of its own: LLVM takes the lanes of a splat of undef for independent."""
    count = len(next(iter(one)))
    lanes: list[set[int | None]] = []
    for index in instruction.indices:
        source, place = (one, index) if index < count else (other, index - count)
        lanes.append({value[place] for value in source} if index >= 0 else {None})
    if math.prod(map(len, lanes)) > _MOST_VALUES:
        raise TooManyValues
    return frozenset(itertools.product(*lanes))


def _bitcast(instruction: Instruction, types: Sequence[Type], value: Value) -> Value:
    from_, to = types[0].lane_widths, instruction.type.lane_widths
    if from_ == to:
        return value
    bits = [bit for lane, width in zip(value, from_, strict=True) for bit in _bits(lane, width)]
    groups = [bits[start : start + to[0]] for start in range(0, len(bits), to[0])]
    return tuple(
        None if None in group else sum(bit << place for place, bit in enumerate(group) if bit) for group in groups
    )


def _bits(lane: int | None, width: int) -> list[int | None]:
    return [None] * width if lane is None else [lane >> place & 1 for place in range(width)]


def _extractvalue(instruction: Instruction, types: Sequence[Type], value: Value) -> Value:
    return value[types[0].part(instruction.indices)]


def _insertvalue(instruction: Instruction, types: Sequence[Type], value: Value, part: Value) -> Value:
    place = types[0].part(instruction.indices)
    return (*value[: place.start], *part, *value[place.stop :])


def _call(call: Instruction, types: Sequence[Type], *operands: Value) -> Value:
    width = types[0].lane_widths[0]
    if call.callee == "llvm.assume":
        if operands[0] != (1,):
            raise UndefinedBehaviour
        return ()
    if call.callee.startswith("llvm.vector.reduce."):
        whole = tuple(x for x in operands[0] if x is not None)
        return (arithmetic.reduction(call.callee, whole, width) if len(whole) == len(operands[0]) else None,)
    count = len(operands[0])
    # An immediate is one for all lanes.
    rows = zip(*(lanes if len(lanes) == count else lanes * count for lanes in operands), strict=True)
    results = [_call_lane(call, row, width) for row in rows]
    return tuple(lane for column in zip(*results, strict=True) for lane in column)


def _call_lane(call: Instruction, row: Value, width: int) -> Value:
    lanes = tuple(lane for lane in row if lane is not None)
    if len(lanes) < len(row):
        return (None,) * (2 if call.type.fields else 1)
    if call.callee in ("llvm.ucmp", "llvm.scmp"):
        return (arithmetic.three_way(call.callee, lanes, width, call.type.lane_widths[0]),)
    return arithmetic.intrinsic(call.callee, lanes, width)


_OPERATIONS: dict[str, Callable[..., Value]] = {
    "select": _select,
    "extractelement": _extractelement,
    "insertelement": _insertelement,
    "bitcast": _bitcast,
    "extractvalue": _extractvalue,
    "insertvalue": _insertvalue,
    "call": _call,
}
