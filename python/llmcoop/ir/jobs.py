"""What a worker can be asked to do with IR, and how it does it.

A job is a frozen dataclass; `run` executes it in this process. Each kind of job has one kind of result.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, get_args

from llmcoop.ir.comparison import Compare, Comparison
from llmcoop.ir.demands import Demand, Demands
from llmcoop.ir.mutants import Equivalent, FindEquivalent, Fixed, FixMutant, Mutate, Mutated
from llmcoop.ir.refining import Refine, Refined
from llmcoop.ir.settings import CodeGen, Tuning
from llmcoop.ir.values import FunctionInfo, Remark, Skipped
from llmcoop.values import FunctionRecipe

if TYPE_CHECKING:
    from llmcoop.ir import Module


@dataclass(frozen=True, slots=True)
class PassRequest:
    """What to do with a module before code is generated, in this order: hints, clones, passes."""

    tuning: Tuning = field(default_factory=Tuning)
    codegen: CodeGen = field(default_factory=CodeGen)
    pipeline: str = ""  # textual; empty: the one of `tuning.level`
    options: tuple[str, ...] = ()  # LLVM options while passes run, besides those in `tuning`
    codegen_options: tuple[str, ...] = ()  # LLVM options while code is generated, besides those in `codegen`
    profile: bytes = b""  # contents of a .profdata file; empty: none
    instrument: bool = False  # count how often edges are taken, for such a profile
    hints: tuple[FunctionRecipe, ...] = ()
    clones: tuple[str, ...] = ()  # x86-64 levels to clone `clone_functions` for, the best one last
    clone_functions: tuple[str, ...] = ()
    remarks: bool = False  # collect optimization remarks; costs time

    @property
    def all_options(self) -> tuple[str, ...]:
        """Every LLVM option that is set, for messages."""
        return (*self.tuning.options, *self.options, *self.codegen.options, *self.codegen_options)


@dataclass(frozen=True, slots=True)
class Optimized:
    """A module after its passes."""

    bitcode: bytes
    remarks: tuple[Remark, ...]
    skipped: tuple[Skipped, ...]  # hints and clones that were not possible


@dataclass(frozen=True, slots=True)
class Built:
    """A module lowered to code."""

    object: bytes  # an ELF relocatable file; empty if only assembly was asked for
    assembly: bytes  # empty if only an object was asked for
    remarks: tuple[Remark, ...]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class Costs:
    """Estimated cycles of one call of each defined function, by name, with its callees (see `Module.cost`)."""

    functions: tuple[tuple[str, float], ...]

    @property
    def total(self) -> float:
        """Their sum."""
        return sum(cost for _, cost in self.functions)


@dataclass(frozen=True, slots=True)
class Passed:
    """IR as text after a pipeline."""

    ir: str
    costs: Costs
    remarks: tuple[Remark, ...]


@dataclass(frozen=True, slots=True)
class Data:
    """Bitcode or text."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Functions:
    """The functions of a module, in its order."""

    functions: tuple[FunctionInfo, ...]


@dataclass(frozen=True, slots=True)
class Shares:
    """Functions and their share (0 to 1) of the program's estimated time, the hottest first."""

    shares: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Optimize:
    """Run passes; gives `Optimized`."""

    bitcode: bytes
    request: PassRequest

    def run(self) -> Optimized:
        module, remarks, skipped = _transformed(self.bitcode, self.request)
        return Optimized(module.bitcode, remarks, skipped)


@dataclass(frozen=True, slots=True)
class Build:
    """Run passes and generate code; gives `Built`."""

    bitcode: bytes
    request: PassRequest
    object: bool = True
    assembly: bool = False

    def run(self) -> Built:
        module, remarks, skipped = _transformed(self.bitcode, self.request)
        return _emitted(module, self.request, self.object, self.assembly, remarks, skipped)


@dataclass(frozen=True, slots=True)
class Emit:
    """Generate code for a module as it is, its passes done; gives `Built`."""

    bitcode: bytes
    request: PassRequest
    object: bool = True
    assembly: bool = False

    def run(self) -> Built:
        return _emitted(_parse(self.bitcode), self.request, self.object, self.assembly, (), ())


@dataclass(frozen=True, slots=True)
class Annotate:
    """Attach the request's profile to a module, before any other step; gives `Data` (bitcode)."""

    bitcode: bytes
    request: PassRequest

    def run(self) -> Data:
        module = _parse(self.bitcode)
        _annotate(module, self.request)
        return Data(module.bitcode)


@dataclass(frozen=True, slots=True)
class Replace:
    """Put functions that `ir` (text) defines in place of the module's own, through the gate; gives `Data` (bitcode).

    What the module does not define is left out: it belongs to another module of the program.
    """

    bitcode: bytes
    ir: str

    def run(self) -> Data:
        module = _parse(self.bitcode)
        for name in _defined(module) & _defined(_parse(self.ir)):
            module.replace_function(name, self.ir)
        return Data(module.bitcode)


@dataclass(frozen=True, slots=True)
class RunPasses:
    """Run a pipeline on text or bitcode; gives `Passed`."""

    ir: bytes
    request: PassRequest

    def run(self) -> Passed:
        module, remarks, _ = _transformed(self.ir, self.request)
        module.verify()
        return Passed(module.text, _costs(module), remarks)


@dataclass(frozen=True, slots=True)
class Analyze:
    """Run a pipeline for what it prints, such as `print<loops>`, and drop the module; gives `Data`, empty."""

    ir: bytes
    request: PassRequest

    def run(self) -> Data:
        _transformed(self.ir, self.request)
        return Data(b"")


@dataclass(frozen=True, slots=True)
class Cost:
    """Estimate text or bitcode as it is; gives `Costs`."""

    ir: bytes

    def run(self) -> Costs:
        return _costs(_parse(self.ir))


@dataclass(frozen=True, slots=True)
class Link:
    """Link modules and, if `keep` names any, make all other definitions internal; gives `Data` (bitcode)."""

    modules: tuple[bytes, ...]
    keep: tuple[str, ...] = ()

    def run(self) -> Data:
        first, *others = (_parse(bitcode) for bitcode in self.modules)
        for other in others:
            first.link(other)
        if self.keep:
            first.internalize(self.keep)
        return Data(first.bitcode)


@dataclass(frozen=True, slots=True)
class Hotness:
    """Where the time goes, by a profile; gives `Shares`."""

    bitcode: bytes
    request: PassRequest

    def run(self) -> Shares:
        module = _parse(self.bitcode)
        _annotate(module, self.request)
        shares = module.hotness(self.request.codegen)
        return Shares(tuple(sorted(shares.items(), key=lambda item: -item[1])))


@dataclass(frozen=True, slots=True)
class ListFunctions:
    """Say what a module defines and declares; gives `Functions`."""

    ir: bytes

    def run(self) -> Functions:
        return Functions(tuple(_parse(self.ir).functions))


@dataclass(frozen=True, slots=True)
class Canonical:
    """The canonical text of a function, or of `ir`, another version of it in the names of the module; gives `Data`."""

    module: bytes
    function: str
    ir: str = ""

    def run(self) -> Data:
        module = _parse(self.module)
        if self.ir:
            return Data(module.canonical_replacement(self.function, self.ir).encode())
        return Data(module.canonical(self.function).encode())


@dataclass(frozen=True, slots=True)
class Disassemble:
    """Bitcode as text; gives `Data`."""

    bitcode: bytes

    def run(self) -> Data:
        return Data(_parse(self.bitcode).text.encode())


Job = (
    Optimize
    | Build
    | Emit
    | Annotate
    | Replace
    | RunPasses
    | Analyze
    | Cost
    | Link
    | Hotness
    | ListFunctions
    | Canonical
    | Disassemble
    | Compare
    | Demand
    | Refine
    | Mutate
    | FixMutant
    | FindEquivalent
)
Result = (
    Optimized
    | Built
    | Passed
    | Costs
    | Data
    | Shares
    | Functions
    | Comparison
    | Demands
    | Refined
    | Mutated
    | Fixed
    | Equivalent
)

KINDS: dict[str, type[Job]] = {kind.__name__: kind for kind in get_args(Job)}

# A forced width allows the vectorizer to reorder floating-point sums, as a pragma would; this forbids it.
_KEEP_FP_ORDER = "-hints-allow-reordering=false"


def _parse(ir: str | bytes) -> Module:
    from llmcoop.ir import Module  # noqa: PLC0415 - loads LLVM, which who only asks a worker does not need

    return Module.parse(ir)


def _transformed(ir: bytes, request: PassRequest) -> tuple[Module, tuple[Remark, ...], tuple[Skipped, ...]]:
    module = _parse(ir)
    module.verify()
    pipeline = request.pipeline or request.tuning.pipeline
    own_steps = request.pipeline or request.options or request.hints or request.clones
    if request.profile and own_steps:  # a profile fits the code as it was; after that, it travels with the IR
        _annotate(module, request)
    options, skipped = _hint(module, request.hints)
    if any(option.lstrip("-").startswith("force-vector-width") for option in request.options):
        options.append(_KEEP_FP_ORDER)
    if request.clones:
        skipped += module.multiversion(request.clone_functions, request.clones)
    remarks = module.run_passes(
        pipeline,
        options=(*request.options, *options),
        tuning=request.tuning,
        codegen=request.codegen,
        profile=request.profile,
        instrument=request.instrument,
        remarks=request.remarks,
    )
    return module, tuple(remarks), tuple(skipped)


def _emitted(
    module: Module,
    request: PassRequest,
    object: bool,
    assembly: bool,
    remarks: tuple[Remark, ...],
    skipped: tuple[Skipped, ...],
) -> Built:
    # A clone with FMA must not fuse what the baseline can't.
    codegen = replace(request.codegen, fp_contract="on") if request.clones else request.codegen
    options = request.codegen_options
    return Built(
        module.emit("obj", codegen, options=options) if object else b"",
        module.emit("asm", codegen, options=options) if assembly else b"",
        remarks,
        skipped,
    )


def _annotate(module: Module, request: PassRequest) -> None:
    module.annotate(request.tuning.pipeline, request.profile, tuning=request.tuning, codegen=request.codegen)


def _hint(module: Module, recipes: tuple[FunctionRecipe, ...]) -> tuple[list[str], list[Skipped]]:
    """Attach hints; gives the LLVM options that they need, and what was not possible."""
    if not recipes:
        return [], []
    defined = _defined(module)
    options: dict[str, None] = {}
    skipped = []
    for recipe in recipes:
        if recipe.function in defined:
            options |= dict.fromkeys(module.set_hints(recipe.function, recipe.hints))
        else:
            skipped.append(Skipped(recipe.function, "is not defined here, or was inlined away"))
    return list(options), skipped


def _defined(module: Module) -> set[str]:
    return {function.name for function in module.functions if function.defined}


def _costs(module: Module) -> Costs:
    return Costs(tuple((name, module.cost(name)) for name in sorted(_defined(module))))
