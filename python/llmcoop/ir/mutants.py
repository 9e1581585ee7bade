"""Deliberately broken versions of a program, all in one module, and which of them are not broken at all."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmcoop.ir import Module

MUTANT_LIMIT = 400  # of one program, unless told otherwise
# Variables go to registers, so that operations stand for those of the source; the control flow stays the source's.
# Attributes tell what allocates and frees.
_CANONICAL = "inferattrs,function(sroa,early-cse,adce)"
# Removes the mutants that are not there any more.
_CLEANING = "function(instsimplify,simplifycfg)"
# What -O2 does to one function but for vectorization and unrolling, which only make differences larger.
_COMBINE = "instcombine<no-verify-fixpoint>"
_NORMAL_FORM = (
    f"function(sroa,early-cse<memssa>,correlated-propagation,simplifycfg,{_COMBINE},reassociate,"
    f"loop-mssa(loop-simplifycfg,licm,loop-rotate,licm,simple-loop-unswitch),simplifycfg,{_COMBINE},"
    f"loop(loop-idiom,indvars,loop-deletion),gvn,sccp,bdce,{_COMBINE},correlated-propagation,"
    f"constraint-elimination,adce,dse,simplifycfg,{_COMBINE})"
)


class Operator(StrEnum):
    """Ways to break a program."""

    SWAPPED_OPERANDS = "swapped-operands"  # of operations that do not commute
    OFF_BY_ONE = "off-by-one"  # integer constants, and < for <=
    CHANGED_PREDICATE = "changed-predicate"
    NEGATED_BRANCH = "negated-branch"
    REMOVED_EXIT = "removed-exit"  # an early end of a function, or one of several ways out of a loop
    REPLACED_ARITHMETIC = "replaced-arithmetic"  # + for -, << for >>, …
    NARROWED_ARITHMETIC = "narrowed-arithmetic"  # in half the bits
    REORDERED_FLOATS = "reordered-floats"  # other grouping or rounding
    SPECIAL_FLOATS = "special-floats"  # NaN and -0.0
    SWAPPED_ARMS = "swapped-arms"  # of ?:
    CHANGED_RETURN = "changed-return"
    DROPPED_STORE = "dropped-store"
    DROPPED_CALL = "dropped-call"  # of functions without a result
    DROPPED_INITIALISATION = "dropped-initialisation"  # memset, memcpy


@dataclass(frozen=True, slots=True)
class Mutant:
    """One broken version."""

    number: int  # from 1; 0 stands for the original
    operator: Operator
    function: str
    line: int  # of the source; 0 if unknown
    description: str  # "< becomes <="


@dataclass(frozen=True, slots=True)
class Mutated:
    """A module that is the original or any mutant, as its variable `llmcoop_mutant` says at run time.

    It expects of its runtime `uint32_t llmcoop_mutant` and `uint8_t *llmcoop_reached`; before the place of mutant k is
    executed, `llmcoop_reached[k]` becomes 1.
    """

    bitcode: bytes
    mutants: tuple[Mutant, ...]


@dataclass(frozen=True, slots=True)
class Fixed:
    """A module that is one mutant only."""

    bitcode: bytes


@dataclass(frozen=True, slots=True)
class Equivalent:
    """Numbers of mutants that are the original in other words."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Mutate:
    """Add at most `limit` mutants to a module before any pass; gives `Mutated`."""

    bitcode: bytes
    limit: int

    def run(self) -> Mutated:
        module = _parse(self.bitcode)
        module.verify()
        module.run_passes(_CANONICAL)
        mutants = module.add_mutants(self.limit)
        module.verify()
        return Mutated(module.bitcode, tuple(mutants))


@dataclass(frozen=True, slots=True)
class FixMutant:
    """Make mutant `number` (0: the original) of a mutated module the only one; gives `Fixed`, without debug info."""

    bitcode: bytes
    number: int

    def run(self) -> Fixed:
        return Fixed(_fixed(self.bitcode, self.number).bitcode)


@dataclass(frozen=True, slots=True)
class FindEquivalent:
    """Say which mutants become the same code as the original when their function is optimized; gives `Equivalent`.

    Trivial compiler equivalence: Papadakis, Jia, Harman and Le Traon, ICSE 2015.
    """

    bitcode: bytes
    mutants: tuple[Mutant, ...]

    def run(self) -> Equivalent:
        module = _parse(self.bitcode)
        equivalent: list[int] = []
        for function in dict.fromkeys(mutant.function for mutant in self.mutants):
            part = module.extract([function]).bitcode
            original = _optimized(part, 0)
            numbers = [mutant.number for mutant in self.mutants if mutant.function == function]
            equivalent += [number for number in numbers if _optimized(part, number) == original]
        return Equivalent(tuple(equivalent))


def _fixed(bitcode: bytes, number: int) -> Module:
    module = _parse(bitcode)
    module.fix_mutant(number)
    module.run_passes(_CLEANING)
    return module


def _optimized(bitcode: bytes, number: int) -> str:
    module = _fixed(bitcode, number)
    module.run_passes(_NORMAL_FORM)
    return module.text


def _parse(bitcode: bytes) -> Module:
    from llmcoop.ir import Module  # noqa: PLC0415 - loads LLVM, which who only asks a worker does not need

    return Module.parse(bitcode)
