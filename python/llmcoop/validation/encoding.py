"""A loop-free function as formulas: what it returns, and when it is undefined behaviour.

undef is a set of values of which each use takes one: a register that depends on undef holds variables that every
use replaces by fresh ones. freeze takes one for all uses. Branching on undef is undefined behaviour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from llmcoop.ir.body import Attributes, Body, Constant, Instruction, Local, Operand, Type
from llmcoop.validation import intrinsics, lanes
from llmcoop.validation.lanes import Lane, Lanes
from llmcoop.validation.terms import FALSE, TRUE, Bits, Truth, constant, either, is_one, z3

_MOST_SAMPLES = 400


class TooManySamples(Exception):  # noqa: N818 - it says what happened
    """Values that may be undef are used so often that the formula would not fit."""


@dataclass(frozen=True, slots=True)
class Input:
    """One lane of an argument, the same for the old and the new function; `undef` says which bits are."""

    value: Bits
    poison: Truth
    undef: Bits | None = None  # None: no bit can be


@dataclass(frozen=True, slots=True)
class Sample:
    """A variable for a choice that the program does not determine."""

    variable: Bits
    origin: str  # the same for all samples of one argument's lane: "argument 0 lane 1", "undef", "poison"


@dataclass(frozen=True, slots=True)
class Register:
    """A value; `undef` are the samples in it that each use replaces by fresh ones."""

    lanes: Lanes
    undef: tuple[Sample, ...] = ()


@dataclass(frozen=True, slots=True)
class Encoded:
    """A function's behaviour in terms of its inputs and samples."""

    undefined: Truth
    returned: Register
    samples: tuple[Sample, ...]  # choices of undef in it
    frozen: tuple[Sample, ...]  # choices of freeze


def encode(body: Body, inputs: Sequence[Sequence[Input]], prefix: str) -> Encoded:
    """Encode a supported function. `prefix` names its variables.

    Raises TooManySamples.
    """
    return _Encoder(body, prefix).run(inputs)


@dataclass
class _Encoder:
    body: Body
    prefix: str
    registers: dict[int, Register] = field(default_factory=dict)
    types: dict[int, Type] = field(default_factory=dict)
    undefined: list[Truth] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    frozen: list[Sample] = field(default_factory=list)
    edges: dict[tuple[int, int], Truth] = field(default_factory=dict)
    returns: list[tuple[Truth, Register]] = field(default_factory=list)
    reached: Truth = FALSE  # the condition under which the current block runs
    count: int = 0

    def run(self, inputs: Sequence[Sequence[Input]]) -> Encoded:
        for number, (parameter, lanes_in) in enumerate(zip(self.body.parameters, inputs, strict=True)):
            self.types[number] = parameter.type
            self.registers[number] = self._argument(number, lanes_in, parameter.attributes)
        order = self.body.order()
        assert order is not None, "only functions without loops are encoded"
        for block in order:
            into = [condition for (_, target), condition in self.edges.items() if target == block]
            self.reached = TRUE if block == 0 else either(*into)
            for instruction in self.body.blocks[block]:
                self._execute(block, instruction)
        return Encoded(either(*self.undefined), self._returned(), tuple(self.samples), tuple(self.frozen))

    def _argument(self, number: int, lanes_in: Sequence[Input], attributes: Attributes) -> Register:
        made, undef = [], []
        for position, lane in enumerate(lanes_in):
            bits, poison = lane.value, lane.poison
            if attributes.noundef:
                poison = FALSE
            elif lane.undef is not None:
                sample = self._sample(f"argument {number} lane {position}", bits.size(), [])
                bits = (bits & ~lane.undef) | (sample.variable & lane.undef)
                undef.append(sample)
            made.append(Lane(bits, poison))
        register = Register(tuple(made), tuple(undef))
        if attributes.noundef and attributes.ranges:
            self.undefined += [lanes.outside(lane.bits, attributes.ranges) for lane in made]
        return _within(register, attributes)

    def _returned(self) -> Register:
        register = Register(tuple(lanes.poison_lane(width) for width in self.body.returns.lane_widths))
        for condition, value in self.returns:
            register = _merged(condition, value, register)
        return register

    def _sample(self, origin: str, width: int, kept: list[Sample]) -> Sample:
        self.count += 1
        if self.count > _MOST_SAMPLES:
            raise TooManySamples
        sample = Sample(z3.BitVec(f"{self.prefix}{self.count}", width), origin)
        kept.append(sample)
        return sample

    def _operand(self, operand: Operand) -> Register:
        """The value itself, with the samples that a use is to replace."""
        if isinstance(operand, Local):
            return self.registers[operand.number]
        assert isinstance(operand, Constant), "others are not supported"
        undef: list[Sample] = []
        made = []
        for element, width in zip(operand.elements, operand.type.lane_widths, strict=True):
            if element == "poison":
                made.append(lanes.poison_lane(width))
            elif element == "undef":
                made.append(Lane(self._sample("undef", width, undef).variable, FALSE))
            else:
                made.append(Lane(constant(int(element), width), FALSE))
        return Register(tuple(made), tuple(undef))

    def _use(self, operand: Operand, kept: list[Sample] | None = None) -> Register:
        """One use of an operand: what is undef in it takes values of its own, which are noted in `kept`."""
        register = self._operand(operand)
        if not register.undef:
            return register
        kept = self.samples if kept is None else kept
        fresh = tuple(self._sample(old.origin, old.variable.size(), kept) for old in register.undef)
        return resampled(register, fresh)

    def _execute(self, block: int, instruction: Instruction) -> None:
        self.types[instruction.number] = instruction.type
        match instruction.opcode:
            case "phi":
                self.registers[instruction.number] = self._phi(block, instruction)
            case "freeze":
                self.registers[instruction.number] = self._freeze(instruction)
            case "br" | "switch":
                self._branch(block, instruction)
            case "ret":
                self._return(instruction)
            case "unreachable":
                self._undefined_if(TRUE)
            case _:
                self.registers[instruction.number] = self._compute(instruction)

    def _compute(self, instruction: Instruction) -> Register:
        if instruction.callee in intrinsics.NOTHING:
            return Register(())
        for operand, attributes in zip(instruction.operands, instruction.operand_attributes, strict=False):
            if attributes.noundef:
                self._demand_one_value(operand)
        if instruction.opcode == "shufflevector":
            return self._shuffle(instruction)
        used = [self._use(operand) for operand in instruction.operands]
        operands = [register.lanes for register in used]
        if instruction.opcode == "extractvalue":
            part = self._type(instruction.operands[0]).part(instruction.indices)
            effect = lanes.Effect(operands[0][part], FALSE)
        elif instruction.opcode == "insertvalue":
            part = instruction.type.part(instruction.indices)
            effect = lanes.Effect((*operands[0][: part.start], *operands[1], *operands[0][part.stop :]), FALSE)
        else:
            effect = (intrinsics if instruction.opcode == "call" else lanes).apply(instruction, operands)
        self._undefined_if(effect.undefined)
        undef = tuple(sample for register in used for sample in register.undef)
        result = _within(Register(effect.lanes, undef), instruction.attributes)
        if instruction.attributes.noundef:
            self._demand_one_value_of(result)
        return result

    def _shuffle(self, instruction: Instruction) -> Register:
        """Each lane is a use of its own: LLVM takes the lanes of a splat of undef for independent."""
        made, undef = [], []
        for index in instruction.indices:
            one, other = (self._use(operand) for operand in instruction.operands)
            elements = (*one.lanes, *other.lanes)
            made.append(elements[index] if index >= 0 else lanes.poison_lane(elements[0].width))
            undef += [*one.undef, *other.undef]
        return Register(tuple(made), tuple(undef))

    def _type(self, operand: Operand) -> Type:
        if isinstance(operand, Local):
            return self.types[operand.number]
        assert isinstance(operand, Constant), "others are not supported"
        return operand.type

    def _phi(self, block: int, phi: Instruction) -> Register:
        merged: Register | None = None
        for source, operand in dict(zip(phi.blocks, phi.operands, strict=True)).items():
            condition = self.edges.get((source, block))
            if condition is None:  # from a block that is never reached
                continue
            value = self._operand(operand)
            merged = value if merged is None else _merged(condition, value, merged)
        assert merged is not None, "a reached block has a reached predecessor"
        return merged

    def _freeze(self, instruction: Instruction) -> Register:
        register = self._use(instruction.operands[0], self.frozen)
        made = []
        for lane in register.lanes:
            bits = lane.bits
            if not z3.is_false(z3.simplify(lane.poison)):
                bits = z3.If(lane.poison, self._sample("poison", lane.width, self.frozen).variable, bits)
            made.append(Lane(bits, FALSE))
        return Register(tuple(made))

    def _demand_one_value(self, operand: Operand) -> Register:
        """What poison, or undef that could be two different values, makes undefined behaviour here."""
        return self._demand_one_value_of(self._operand(operand))

    def _demand_one_value_of(self, register: Register) -> Register:
        if not register.undef:
            self._undefined_if(either(*(lane.poison for lane in register.lanes)))
            return register
        one, other = (
            resampled(register, [self._sample(s.origin, s.variable.size(), self.samples) for s in register.undef])
            for _ in range(2)
        )
        for a, b in zip(one.lanes, other.lanes, strict=True):
            self._undefined_if(either(a.poison, b.poison, a.bits != b.bits))
        return replace(one, undef=())

    def _undefined_if(self, condition: Truth) -> None:
        if not z3.is_false(condition):
            self.undefined.append(z3.And(self.reached, condition))

    def _branch(self, block: int, instruction: Instruction) -> None:
        targets = instruction.blocks
        if not instruction.operands:
            self._edge(block, targets[0], TRUE)
            return
        (condition,) = self._demand_one_value(instruction.operands[0]).lanes
        if instruction.opcode == "br":
            self._edge(block, targets[0], is_one(condition.bits))
            self._edge(block, targets[1], z3.Not(is_one(condition.bits)))
            return
        taken = []
        for case, target in zip(instruction.operands[1:], targets[1:], strict=True):
            (value,) = self._operand(case).lanes
            taken.append(condition.bits == value.bits)
            self._edge(block, target, taken[-1])
        self._edge(block, targets[0], z3.Not(either(*taken)))

    def _edge(self, block: int, target: int, condition: Truth) -> None:
        before = self.edges.get((block, target), FALSE)
        self.edges[block, target] = either(before, z3.And(self.reached, condition))

    def _return(self, instruction: Instruction) -> None:
        if not instruction.operands:
            return
        attributes = self.body.return_attributes
        register = _within(self._use(instruction.operands[0]), attributes)
        if attributes.noundef:
            register = self._demand_one_value_of(register)
        self.returns.append((self.reached, register))


def resampled(register: Register, fresh: Sequence[Sample]) -> Register:
    """The register with other samples in place of its own."""
    pairs = [(old.variable, new.variable) for old, new in zip(register.undef, fresh, strict=True)]
    if not pairs:
        return register
    made = (Lane(z3.substitute(x.bits, *pairs), z3.substitute(x.poison, *pairs)) for x in register.lanes)
    return Register(tuple(made), tuple(fresh))


def _within(register: Register, attributes: Attributes) -> Register:
    """Poison where a promised range is broken."""
    if not attributes.ranges:
        return register
    made = (Lane(x.bits, either(x.poison, lanes.outside(x.bits, attributes.ranges))) for x in register.lanes)
    return Register(tuple(made), register.undef)


def _merged(condition: Truth, one: Register, other: Register) -> Register:
    made = (lanes.choose(condition, a, b) for a, b in zip(one.lanes, other.lanes, strict=True))
    undef = {sample.variable.get_id(): sample for sample in (*one.undef, *other.undef)}
    return Register(tuple(made), tuple(undef.values()))
