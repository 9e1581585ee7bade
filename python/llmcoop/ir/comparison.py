"""Compare two versions of one function by running both, as a job of a worker."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Agreement(StrEnum):
    """What running both versions of a function on many inputs showed."""

    AGREED = "agreed"  # on every input that the old version accepts
    DIFFERENT = "different"
    NO_VALID_INPUT = "no-valid-input"  # the old version accepted none of the inputs
    UNSUPPORTED = "unsupported"  # what it does can't be observed, or its inputs can't be made


@dataclass(frozen=True, slots=True)
class Comparison:
    """How far two versions of a function agree; `DIFFERENT` comes with the input and both behaviours."""

    answer: Agreement
    reason: str = ""  # why unsupported, or what became of the inputs when none was valid
    arguments: tuple[str, ...] = ()  # the input on which they differ: arguments, then memory
    old: str = ""  # what the old version did with it
    new: str = ""
    tried: int = 0  # inputs
    in_contract: int = 0  # of these: the old version returned, without undefined behaviour that was noticed
    blocks: int = 0  # basic blocks of the old version, with its callees
    blocks_run: int = 0  # of these, how many some input in contract executed

    @property
    def out_of_contract(self) -> int:
        """How many inputs proved nothing."""
        return self.tried - self.in_contract

    @property
    def counterexample(self) -> str:
        """The input and both behaviours in one line; empty unless the answer is `DIFFERENT`."""
        if self.answer is not Agreement.DIFFERENT:
            return ""
        return f"{', '.join(self.arguments) or 'no arguments'}: old {self.old}, new {self.new}"


@dataclass(frozen=True, slots=True)
class Compare:
    """Run an old and a new version of a function on many inputs; gives `Comparison`.

    Both modules define `function`, and whatever else they define goes along. `seconds` are wall time.
    """

    old_ir: str
    new_ir: str
    function: str
    seconds: float
    seed: int

    def run(self) -> Comparison:
        from llmcoop.functions.compare import compare  # noqa: PLC0415 - brings a second LLVM, which compiles in process

        return compare(self.old_ir, self.new_ir, self.function, seconds=self.seconds, seed=self.seed)
