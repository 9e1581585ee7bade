"""The plain values that `llmcoop.ir` gives back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Remark:
    """What a pass said: an optimization done or missed, an analysis, or a warning."""

    kind: str  # passed, missed, analysis, failure, warning or note
    pass_name: str  # "loop-vectorize"; empty for warnings
    name: str  # "Vectorized"
    function: str
    file: str  # empty without debug info
    line: int  # 0 without debug info
    message: str


@dataclass(frozen=True, slots=True)
class FunctionInfo:
    """One function of a module."""

    name: str
    defined: bool
    linkage: str  # LLVM's own word: external, internal, linkonce_odr, …
    not_eligible: str  # why the gate would refuse to replace it; empty when it would not
    instructions: int
    loops: int

    @property
    def eligible(self) -> bool:
        """Whether the function may be rewritten."""
        return not self.not_eligible


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was asked for and not done, and why."""

    function: str
    reason: str
