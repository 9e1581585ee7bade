"""What can go wrong with IR and with LLVM itself."""

from __future__ import annotations

from dataclasses import dataclass

from llmcoop.errors import LLMCoopError


class IRError(LLMCoopError):
    """IR, a pipeline or an option is not valid. `line` and `column` start at 1; 0 when there is no place."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        place = f"{line}:{column}: " if line else ""
        super().__init__(place + message)
        self.reason = message  # without the place
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Culprit:
    """What LLVM was doing when it failed."""

    pass_name: str  # empty: before the first pass
    function: str  # empty: the pass ran on the whole module, or the function is not known
    options: tuple[str, ...]  # the LLVM options that were set

    def __str__(self) -> str:
        doing = f"in {self.pass_name}" if self.pass_name else "before the first pass"
        place = f" on function {self.function}" if self.function else ""
        options = f" with {' '.join(self.options)}" if self.options else ""
        return doing + place + options


class CompilerFailed(LLMCoopError):  # noqa: N818 - it says what happened
    """LLVM failed on a candidate; the worker is as good as new, and the candidate is to be dropped."""

    exit_code = 4

    def __init__(self, happened: str, culprit: Culprit, detail: str = "") -> None:
        super().__init__(
            f"LLVM {happened} {culprit}" + (f": {detail}" if detail else ""),
            "leave out the pass or the options that it names, or report it to the LLVM project",
        )
        self.culprit = culprit
        self.detail = detail


class CompilerCrashed(CompilerFailed):
    """A signal, a fatal error or an exit. `signal` is 0 when there was none."""

    def __init__(self, signal: int, culprit: Culprit, detail: str = "") -> None:
        super().__init__(f"crashed (signal {signal})" if signal else "gave up", culprit, detail)
        self.signal = signal


class CompilerTimedOut(CompilerFailed):
    """A pass or the code generator took longer than the limit."""

    def __init__(self, seconds: float, culprit: Culprit) -> None:
        super().__init__(f"took more than {seconds:g} s", culprit)
        self.seconds = seconds


class CompilerOutOfMemory(CompilerFailed):
    """A pass or the code generator wanted more memory than the limit."""

    def __init__(self, limit_bytes: int, culprit: Culprit) -> None:
        super().__init__(f"wanted more than {limit_bytes >> 20} MiB of memory", culprit)
        self.limit_bytes = limit_bytes
