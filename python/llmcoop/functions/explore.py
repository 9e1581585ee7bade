"""Find inputs that a function accepts, by trial.

Nothing says how large the memory behind a pointer is, or where in it other pointers lie. So the function is run
on a guess, and the guess is mended by what the run did: memory grows where it went out of bounds, and gets
pointers where it looked for them. What it still faults on, does not end on, or has undefined behaviour on is
outside of its contract. The idea of giving a function memory as it asks for it is that of under-constrained
execution (Ramos and Engler, USENIX Security 2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

from llmcoop.functions import draw, layout
from llmcoop.functions.guard import Stop
from llmcoop.functions.inputs import Behaviour, Input, Link, Region
from llmcoop.functions.notes import KIND_BYTES, Kind, Undefined, kinds_in
from llmcoop.functions.same import Floats, same
from llmcoop.functions.signature import Parameter
from llmcoop.functions.subject import Notes, Subject, Version

_MAX_BYTES = 1 << 20  # of a region
_MAX_REGIONS = layout.ZONES - 8
_REPAIRS = 48
_CPU_S = 0.02  # a run that takes longer is not worth it
_CLASSES = len(draw.SIZES) + 1
_FIRST_BYTES, _MOST_AT_FIRST = 64, 1 << 14  # how much memory a region has before it is known to want more
_SHAPE_BYTES = 2048  # how much of a region's shape is remembered
_PATTERN_BYTES = 256  # how much of a region's shape is looked at before it is filled again


@dataclass(frozen=True, slots=True)
class Examined:
    """What became of one trial; without a reason, the input is in contract and `behaviour` is the old version's."""

    reason: str
    given: Input = field(default_factory=lambda: Input((), (), ()))
    behaviour: Behaviour = field(default_factory=lambda: Behaviour(""))
    blocks: tuple[int, ...] = ()
    floats: tuple[Floats, ...] = ()  # of each region


class Rejected(Exception):  # noqa: N818 - it says what happened; never leaves this module
    """The input is out of contract, and can't be mended."""


class Explorer:
    """Makes one input after the other, and learns from how each went."""

    def __init__(self, subject: Subject, seed: int, constants: Sequence[int], aliasing: bool) -> None:
        """`constants` are numbers that the code compares with; `aliasing` allows parameters to overlap."""
        self._subject = subject
        self._random = Random(seed)
        self._constants = tuple(constants)
        self._aliasing = aliasing
        self._parameters = subject.signature.parameters
        self._outcomes = [[[1, 2] for _ in range(_CLASSES)] for _ in self._parameters]  # accepted, tried
        self._shapes: dict[tuple[str, ...], bytes] = {}
        self._reach: dict[tuple[str, ...], int] = {}  # how large a region of that shape was in the last input
        self._corpus: list[Input] = []
        self._covered: frozenset[int] = frozenset()
        self._trials = 0

    def examine(self) -> Examined:
        """Make an input, and run the old version on it."""
        self._trials += 1
        classes = [self._class(number) for number in range(len(self._parameters))]
        try:
            examined = self._settled(self._drawn(classes))
            accepted = True
        except Rejected as rejection:
            examined, accepted = Examined(str(rejection)), False
        for number, chosen in enumerate(classes):
            self._outcomes[number][chosen][0] += accepted
            self._outcomes[number][chosen][1] += 1
        blocks = frozenset(examined.blocks)
        if not blocks <= self._covered:
            self._covered |= blocks
            self._corpus.append(examined.given)
        return examined

    def demanded(self, scalars: Sequence[bytes]) -> Examined:
        """What the old version makes of these arguments; each pointer leads to memory of its own."""
        regions = self._variables()
        pointers: list[tuple[int, Link]] = []
        for number, parameter in enumerate(self._parameters):
            if parameter.type.is_pointer:
                pointers.append((number, self._fresh(parameter, regions)))
        try:
            return self._settled(Input(tuple(scalars), tuple(pointers), tuple(regions)))
        except Rejected as rejection:
            return Examined(str(rejection))

    def shape(self, parameter: Parameter) -> bytes:
        """A Kind for each byte of the memory behind a parameter, as far as it has been used so far."""
        return self._shape((parameter.name,))

    def _class(self, number: int) -> int:
        """A size class for an argument; those that were accepted more often come more often, the small ones first."""
        allowed = min(_CLASSES, 2 + self._trials // 6)
        weights = [accepted / tried for accepted, tried in self._outcomes[number][:allowed]]
        return self._random.choices(range(allowed), weights)[0]

    def _drawn(self, classes: Sequence[int]) -> Input:
        style = draw.style_of(self._random)
        scalars = [self._scalar(number, size, style) for number, size in enumerate(classes)]
        self._relate(scalars)
        if self._corpus and self._random.random() < 0.35:
            kept = self._random.choice(self._corpus).scalars
            changed = self._random.randrange(len(scalars)) if scalars else 0
            scalars = [*kept[:changed], *scalars[changed : changed + 1], *kept[changed + 1 :]]
        regions = self._variables()
        pointers: list[tuple[int, Link]] = []
        for number, parameter in enumerate(self._parameters):
            if parameter.type.is_pointer:
                pointers.append((number, self._pointer(parameter, regions, pointers)))
        return Input(tuple(scalars), tuple(pointers), tuple(regions))

    def _variables(self) -> list[Region]:
        return [
            variable.region(
                draw.memory(self._random, self._shape(("@" + variable.name,)), variable.size, self._constants)
            )
            for variable in self._subject.globals
        ]

    def _scalar(self, number: int, size: int, style: int) -> bytes:
        parameter = self._parameters[number]
        if parameter.type.is_pointer:
            return b""
        bounds = parameter.range
        if bounds is not None and parameter.type.lanes == 1:
            whole = 1 << parameter.type.bits
            width = (bounds[1] - bounds[0]) % whole or whole
            offset = draw.integer(self._random, parameter.type.bits, size, (), signed_minimum=False)
            return ((bounds[0] + offset % width) % whole).to_bytes(parameter.type.size, "little")
        return draw.scalar(self._random, parameter.type, size, style, self._constants)

    def _relate(self, scalars: list[bytes]) -> None:
        """Sometimes make one integer nearly equal to another: bounds and indexes often are."""
        numbers = [
            number
            for number, parameter in enumerate(self._parameters)
            if parameter.type.is_integer and parameter.type.lanes == 1 and parameter.range is None
        ]
        if len(numbers) > 1 and self._random.random() < 0.3:
            source, target = self._random.sample(numbers, 2)
            value = int.from_bytes(scalars[source], "little") + self._random.randint(-1, 1)
            kind = self._parameters[target].type
            scalars[target] = (value % (1 << kind.bits)).to_bytes(kind.size, "little")

    def _pointer(self, parameter: Parameter, regions: list[Region], earlier: list[tuple[int, Link]]) -> Link:
        optional = not (self._promised(parameter) or parameter.has("nonnull"))
        if optional and self._random.random() < 0.03:
            return Link(0, -1)
        partners = [link for number, link in earlier if link.region >= 0 and self._may_alias(number, parameter)]
        if partners and not parameter.by_value and self._random.random() < 0.2:
            partner = self._random.choice(partners)
            return Link(0, partner.region, self._distance(regions[partner.region]))
        return self._fresh(parameter, regions)

    def _promised(self, parameter: Parameter) -> int:
        """Bytes that may be read whether they are or not."""
        return max(parameter.number("dereferenceable"), self._subject.by_value_bytes(parameter))

    def _fresh(self, parameter: Parameter, regions: list[Region]) -> Link:
        path = (parameter.name,)
        length = max(self._promised(parameter), self._reach.get(_key(path), _FIRST_BYTES))
        contents = draw.memory(self._random, self._shape(path), length, self._constants)
        regions.append(Region(path, 0, contents, max(16, parameter.number("align"))))
        return Link(0, len(regions) - 1)

    def _may_alias(self, earlier: int, parameter: Parameter) -> bool:
        promised = self._parameters[earlier].has("noalias") or parameter.has("noalias")
        return self._aliasing and not promised and not self._parameters[earlier].by_value

    def _distance(self, region: Region) -> int:
        """How far from the origin another pointer into an array may lie; structures are only shared as a whole."""
        kinds = kinds_in(self._shape(region.path))
        if len(kinds) != 1:
            return 0
        width = KIND_BYTES.get(next(iter(kinds)), 8)
        return self._random.choice((0, 0, width, -width, 2 * width, -3 * width, 4 * width, 7 * width, -8 * width))

    def _shape(self, path: tuple[str, ...]) -> bytes:
        return self._shapes.get(_key(path), b"")

    def _settled(self, given: Input) -> Examined:
        """The input, mended until the old version returns. Raises Rejected."""
        for _ in range(_REPAIRS):
            behaviour, stop = self._subject.run(Version.OBSERVED, given, cpu_s=_CPU_S)
            notes = [self._subject.notes(given, zone) for zone in range(len(given.regions))]
            mended = self._refilled(given, notes)
            mended = self._linked(mended, notes)
            if mended == given and stop is None:
                return self._accepted(given, notes)
            if mended == given and stop is not None:
                mended = self._grown(given, stop, behaviour)
            given = mended
        raise Rejected("it wants ever more memory")

    def _refilled(self, given: Input, notes: Sequence[Notes]) -> Input:
        """The input with regions filled anew whose shape turned out to be another."""
        before = dict(self._shapes)
        for region, noted in zip(given.regions, notes, strict=True):
            key = _key(region.path)
            self._shapes[key] = _merged(self._shapes.get(key, b""), noted.kinds)
        for number, region in enumerate(given.regions):
            key = _key(region.path)
            if _pattern(before.get(key, b"")) != _pattern(self._shapes[key]):
                contents = draw.memory(self._random, self._shapes[key], len(region.contents), self._constants)
                given = given.with_region(number, replace(region, contents=contents))
        return given

    def _linked(self, given: Input, notes: Sequence[Notes]) -> Input:
        """The input with a pointer wherever one was loaded."""
        regions = list(given.regions)
        for number, noted in enumerate(notes):
            known = {link.offset for link in regions[number].links}
            at = noted.kinds.find(Kind.POINTER)
            while at >= 0:
                if at not in known:
                    link = self._link(at, number, regions)
                    regions[number] = replace(regions[number], links=(*regions[number].links, link))
                at = noted.kinds.find(Kind.POINTER, at + 1)
        return replace(given, regions=tuple(regions))

    def _link(self, offset: int, owner: int, regions: list[Region]) -> Link:
        path = (*regions[owner].path, str(offset))
        depth = len(path) - 1
        if self._random.random() < (0.03, 0.3, 0.4, 0.5)[min(depth, 4) - 1]:
            return Link(offset, -1)
        relatives = [number for number, region in enumerate(regions) if _key(region.path) == _key(path)]
        if relatives and (self._random.random() < 0.02 or len(regions) >= _MAX_REGIONS):
            return Link(offset, self._random.choice(relatives))
        if len(regions) >= _MAX_REGIONS:
            return Link(offset, -1)
        length = self._reach.get(_key(path), _FIRST_BYTES)
        contents = draw.memory(self._random, self._shape(path), length, self._constants)
        regions.append(Region(path, 0, contents))
        return Link(offset, len(regions) - 1)

    def _grown(self, given: Input, stop: Stop, behaviour: Behaviour) -> Input:
        """The input with more memory where the old version went out of bounds. Raises Rejected."""
        place = layout.place(stop.address)
        if place is None or not len(self._subject.globals) <= place[0] < len(given.regions):
            raise Rejected(behaviour.ending)
        number, offset = place
        region = given.regions[number]
        offset -= region.shift
        low, high = region.low, region.high
        if offset >= high:
            high = max(2 * high, offset + _FIRST_BYTES)
        elif offset < low:
            low = min(2 * low, offset - offset % 16)
        if high - low > _MAX_BYTES or (low, high) == (region.low, region.high):
            raise Rejected(behaviour.ending)
        fresh = draw.memory(self._random, self._shape(region.path), high, self._constants)
        front = draw.memory(self._random, self._shape(region.path), region.low - low, self._constants)
        contents = front + region.contents + fresh[region.high :]
        return given.with_region(number, replace(region, low=low, contents=contents))

    def _accepted(self, given: Input, notes: Sequence[Notes]) -> Examined:
        """The input with exactly the memory that was touched, if that is enough. Raises Rejected."""
        for version in (self._tightened(given, notes), given):
            observed, stop = self._subject.run(Version.OBSERVED, version, cpu_s=_CPU_S)
            undefined = self._subject.undefined()
            blocks = tuple(sorted(self._subject.blocks_run()))
            plain, _ = self._subject.run(Version.OLD, version, cpu_s=_CPU_S)
            if stop is not None or not plain.returned:
                continue
            if undefined:
                raise Rejected(f"undefined behaviour: {_names(undefined)}")
            floats = tuple(_floats(noted.kinds) for noted in notes)
            if not same(observed, plain, self._subject.signature, floats):
                raise Rejected("its result depends on uninitialised memory")
            for region, noted in zip(version.regions, notes, strict=True):
                self._reach[_key(region.path)] = min(_MOST_AT_FIRST, max(_FIRST_BYTES, noted.high))
            return Examined("", version, plain, blocks, floats)
        raise Rejected("it does not do the same twice")

    def _tightened(self, given: Input, notes: Sequence[Notes]) -> Input:
        regions = []
        for number, (region, noted) in enumerate(zip(given.regions, notes, strict=True)):
            writable = noted.written
            if number < len(self._subject.globals):
                regions.append(replace(region, writable=writable))
                continue
            required = self._required(given, number)
            low = min(0, noted.low) if noted.touched else 0
            high = max(required, noted.high if noted.touched else 0, 0)
            contents = region.contents[low - region.low : high - region.low]
            regions.append(
                replace(
                    region,
                    low=low,
                    contents=contents,
                    align=self._alignment(given, number, noted),
                    at_end=self._random.random() < 0.7,
                    writable=writable,
                )
            )
        return replace(given, regions=tuple(regions))

    def _parameters_to(self, given: Input, region: int) -> list[tuple[Parameter, Link]]:
        return [(self._parameters[number], link) for number, link in given.pointers if link.region == region]

    def _required(self, given: Input, region: int) -> int:
        """How many bytes attributes promise, touched or not."""
        return max(
            (link.delta + self._promised(parameter) for parameter, link in self._parameters_to(given, region)),
            default=0,
        )

    def _alignment(self, given: Input, region: int, noted: Notes) -> int:
        promised = (parameter.number("align") for parameter, _ in self._parameters_to(given, region))
        return max(1, noted.align, *promised)


def _key(path: tuple[str, ...]) -> tuple[str, ...]:
    """Under which name a region's shape is remembered: all nodes of a list have one."""
    return (path[0], path[-1]) if len(path) > 1 else path


def _merged(before: bytes, after: bytes) -> bytes:
    """What both say; the first to know a byte counts."""
    after = after[:_SHAPE_BYTES]
    if before.startswith(after):
        return before
    if after.startswith(before):
        return after
    tail = before[len(after) :] + after[len(before) :]
    return bytes(old or new for old, new in zip(before, after, strict=False)) + tail


def _pattern(kinds: bytes) -> tuple[frozenset[Kind], bytes]:
    """What of a shape matters when memory is filled."""
    used = kinds_in(kinds)
    return used, kinds[:_PATTERN_BYTES] if len(used) > 1 else b""


def _floats(kinds: bytes) -> Floats:
    return Floats(Kind.FLOAT in kinds, Kind.DOUBLE in kinds)


def _names(undefined: Undefined) -> str:
    return ", ".join(flag.name.lower() for flag in Undefined if flag in undefined and flag.name)
