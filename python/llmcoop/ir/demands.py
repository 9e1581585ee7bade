"""What a function takes and how much memory it wants for it, found by running it, as a job of a worker."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ParameterDemand:
    """One parameter."""

    type: str  # i32, double, ptr, …
    attributes: tuple[str, ...]
    is_size: bool = False  # an integer on which the extent of some memory depends
    element: str = ""  # of the memory behind a pointer: i8, i16, i32, i64, float or double
    bytes_at: tuple[int, ...] = ()  # of that memory, for each of the sizes
    written: bool = False  # whether the function writes to that memory


@dataclass(frozen=True, slots=True)
class Demands:
    """The parameters of a function; with a reason, it can't be called from generated code."""

    reason: str
    result: str = ""  # type
    parameters: tuple[ParameterDemand, ...] = ()
    sizes: tuple[int, ...] = ()  # for which the function ran without a fault


@dataclass(frozen=True, slots=True)
class Demand:
    """Run `function` of a module with all its sizes set to small numbers; gives `Demands`."""

    ir: str
    function: str

    def run(self) -> Demands:
        from llmcoop.functions.demand import demands  # noqa: PLC0415 - brings a second LLVM, which compiles in process

        return demands(self.ir, self.function)
