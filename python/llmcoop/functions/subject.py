"""Both versions of a function, compiled into this process and callable with inputs."""

from __future__ import annotations

import ctypes
import re
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from llvmlite import binding

from llmcoop.functions import arena, guard, layout
from llmcoop.functions.guard import Guard, Stop
from llmcoop.functions.inputs import RETURNED, Behaviour, Input, Region
from llmcoop.functions.instrument import instrument
from llmcoop.functions.notes import Undefined
from llmcoop.functions.signature import CALL, SLOT_BYTES, Parameter, Signature, signature, size_name
from llmcoop.ir import IRError

_LITTER = {0: 0x5A, 1: 0xC3}
_TOUCHED_NOTHING = (1 << 62, -(1 << 62))


class Version(Enum):
    """Which code runs."""

    OLD = "old"
    OBSERVED = "observed"  # the old one, taking notes
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Global:
    """A variable that the function uses, as a region of its own at a fixed place."""

    name: str
    size: int  # bytes; 0 when the module does not say
    align: int

    def region(self, contents: bytes) -> Region:
        """Its memory; the place depends on the size only."""
        return Region(("@" + self.name,), 0, contents, self.align, at_end=self.size > 0)


@dataclass(frozen=True, slots=True)
class Notes:
    """What the observed version wrote down about one zone, and so about one region."""

    low: int
    high: int
    align: int
    written: bool
    kinds: bytes  # a Kind for each byte from the origin on

    @property
    def touched(self) -> bool:
        return self.low < self.high


def parse(ir: str) -> binding.ModuleRef:
    """A module that is well-formed. Raises IRError."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    try:
        # In a context that others share, types of the same name would get other names.
        module = binding.parse_assembly(ir, binding.create_context())
        module.verify()
    except RuntimeError as error:
        raise IRError(str(error).strip()) from None
    return module


def variables(*modules: binding.ModuleRef) -> tuple[Global, ...]:
    """What must lie in memory of ours: all variables but constants whose value is known."""
    found: dict[str, Global] = {}
    for module in modules:
        layout_of, text = binding.create_target_data(module.data_layout), str(module)
        for variable in module.global_variables:
            used = len(re.findall(rf'@"?{re.escape(variable.name)}(?![-\w.$])', text)) > 1
            if not used or variable.name.startswith("llvm.") or _is_known_constant(variable):
                continue
            kind = variable.global_value_type
            opaque = kind.is_struct and kind.is_opaque_struct
            size = 0 if opaque else layout_of.get_abi_size(kind)
            align = 16 if opaque else max(16, layout_of.get_abi_alignment(kind))
            known = found.get(variable.name)
            if known is None or known.size < size:
                found[variable.name] = Global(variable.name, size, align)
    return tuple(found.values())


class Subject:
    """Compiled code and the memory it works on. A call leaves nothing behind, but for what a wild write destroys."""

    def __init__(self, old_ir: str, new_ir: str, name: str) -> None:
        """Compile. Raises IRError for modules that are not well-formed, NoSignature, or ToolchainError."""
        old, new = parse(old_ir), parse(new_ir)
        self.signature: Signature = signature(old.get_function(name))
        self.globals = variables(old, new)
        observed = instrument(str(old))
        self.blocks = observed.blocks
        self._engines: list[binding.ExecutionEngine] = []
        addresses = {
            variable.name: layout.middle(zone) + variable.region(bytes(variable.size)).shift
            for zone, variable in enumerate(self.globals)
        }
        caller = self.signature.trampoline()
        plain = self._compile(str(old) + caller + self.signature.sizes() + guard.RUNTIME, addresses)
        self._entries = {Version.OLD: plain.get_function_address(CALL)}
        # A pointer to a constant must be the same in all versions.
        shared = {
            variable.name: (_value(variable), plain.get_global_value_address(variable.name))
            for variable in old.global_variables
            if _is_known_constant(variable)
        }
        new_caller = signature(new.get_function(name)).trampoline()  # types may have other names there
        for version, text in ((Version.OBSERVED, observed.text + caller), (Version.NEW, str(new) + new_caller)):
            engine = self._compile(text, addresses, shared)
            self._entries[version] = engine.get_function_address(CALL)
        self._guard = Guard(
            plain.get_function_address("llmcoop.guarded"),
            plain.get_function_address("llmcoop.on_signal"),
            plain.get_global_value_address("llmcoop.fault"),
        )
        self._by_value = {
            parameter.name: ctypes.c_int64.from_address(plain.get_global_value_address(size_name(number))).value
            for number, parameter in enumerate(self.signature.parameters)
            if parameter.by_value
        }
        slots = len(self.signature.parameters) + len(self.signature.leaves) + 1
        self._slots = ctypes.create_string_buffer(slots * SLOT_BYTES)

    def _compile(
        self,
        text: str,
        addresses: Mapping[str, int],
        constants: Mapping[str, tuple[str, int]] | None = None,
    ) -> binding.ExecutionEngine:
        """An engine whose module has its variables at the given addresses, and constants where others have them."""
        module = parse(text)
        places = dict(addresses)
        for variable in module.global_variables:
            value, address = (constants or {}).get(variable.name, ("", 0))
            if address and value == _value(variable):
                places[variable.name] = address
        for variable in module.global_variables:
            if variable.is_declaration or variable.name.startswith("llvm."):
                continue
            if variable.name in places:
                variable.linkage = binding.Linkage.available_externally
            elif _is_known_constant(variable):
                variable.linkage = binding.Linkage.external
        target = binding.Target.from_triple(binding.get_process_triple())
        # Data is far away from code.
        machine = target.create_target_machine(opt=1, reloc="static", codemodel="large", jit=True)
        engine = binding.create_mcjit_compiler(module, machine)
        for variable in module.global_variables:
            if variable.name in places:
                engine.add_global_mapping(variable, places[variable.name])
        engine.finalize_object()
        self._engines.append(engine)
        return engine

    def prepare(self) -> None:
        """Make this process one in which versions may fault. For good: only ever in a forked child."""
        self._guard.install()

    def run(self, version: Version, given: Input, *, cpu_s: float) -> tuple[Behaviour, Stop | None]:
        """Call a version with an input, at most for `cpu_s` seconds of CPU time."""
        arena.fill(given)
        for number, scalar in enumerate(given.scalars):
            self._put(number, scalar)
        for number, link in given.pointers:
            self._put(number, given.address(link).to_bytes(8, "little"))
        first = len(self.signature.parameters) * SLOT_BYTES
        ctypes.memset(ctypes.addressof(self._slots) + first, 0, len(self._slots) - first)
        if version is Version.OBSERVED:
            self._forget(given)
        litter = _LITTER[version is Version.OLD]
        started = time.thread_time()
        stop = self._guard.call(self._entries[version], ctypes.addressof(self._slots), cpu_s=cpu_s, litter=litter)
        spent = time.thread_time() - started
        if stop is None:
            behaviour = Behaviour(RETURNED, self._slots.raw[first:], arena.contents(given), spent)
        else:
            behaviour = Behaviour(_ending(stop, given), cpu_s=spent)
        arena.clear(given)
        return behaviour, stop

    def _put(self, slot: int, data: bytes) -> None:
        ctypes.memmove(ctypes.addressof(self._slots) + slot * SLOT_BYTES, data, len(data))

    def _forget(self, given: Input) -> None:
        """Empty the notes."""
        ctypes.memset(layout.NOTES, 0, layout.KINDS - layout.NOTES)
        for base, value in zip((layout.LOW, layout.HIGH), _TOUCHED_NOTHING, strict=True):
            ctypes.memmove(base, value.to_bytes(8, "little", signed=True) * layout.ZONES, 8 * layout.ZONES)
        for zone, region in enumerate(given.regions):
            reach = min(layout.SHADOW_BYTES, region.pages[1] + layout.PAGE)
            for base in (layout.KINDS, layout.TAGS):
                ctypes.memset(base + zone * layout.SHADOW_BYTES, 0, max(0, reach))

    def by_value_bytes(self, parameter: Parameter) -> int:
        """How much memory comes with a parameter whose value lies behind a pointer; 0 for all others."""
        return self._by_value.get(parameter.name, 0)

    def undefined(self) -> Undefined:
        """What undefined behaviour the last observed run noticed."""
        return Undefined(ctypes.c_uint64.from_address(layout.UNDEFINED).value)

    def blocks_run(self) -> frozenset[int]:
        """The numbers of the blocks that the last observed run executed."""
        marks = ctypes.string_at(layout.BLOCKS, self.blocks)
        return frozenset(number for number, mark in enumerate(marks) if mark)

    def notes(self, given: Input, zone: int) -> Notes:
        """What the last observed run noted about a region; offsets are from its origin."""
        shift = given.regions[zone].shift
        low, high, align, written = (
            ctypes.c_int64.from_address(base + 8 * zone).value
            for base in (layout.LOW, layout.HIGH, layout.ALIGNMENT, layout.WRITTEN)
        )
        length = max(0, min(high, layout.SHADOW_BYTES) - shift)
        kinds = ctypes.string_at(layout.KINDS + zone * layout.SHADOW_BYTES + shift, length)
        return Notes(low - shift, high - shift, max(1, align), bool(written), kinds)


def _is_known_constant(variable: binding.ValueRef) -> bool:
    head, constant, _ = str(variable).partition(" constant ")
    return bool(constant) and " global " not in head and not variable.is_declaration


def _value(variable: binding.ValueRef) -> str:
    return str(variable).partition(" constant ")[2]


def _ending(stop: Stop, given: Input) -> str:
    if stop.signal == signal.SIGVTALRM:
        return "does not end"
    if stop.signal not in (signal.SIGSEGV, signal.SIGBUS):
        return f"stops with {signal.Signals(stop.signal).name}"
    place = layout.place(stop.address)
    if place is None or place[0] >= len(given.regions):
        return f"faults at address {stop.address:#x}"
    region = given.regions[place[0]]
    offset = place[1] - region.shift
    where = " -> ".join(region.path)
    if region.low <= offset < region.high:
        return f"writes to [{where}], which it should only read, at byte {offset}"
    extent = f"bytes {region.low} to {region.high - 1}" if region.low < region.high else "no bytes"
    return f"goes out of bounds, to byte {offset} of [{where}], which has {extent}"
