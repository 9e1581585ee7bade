"""What is known of a program's time, as plain values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cpu:
    """The processor of this machine, and what the program is compiled for."""

    name: str  # as -mcpu= takes it: "znver4"
    model: str  # as the system calls it
    march: str  # what the baseline is compiled for
    features: tuple[str, ...]  # vector and bit instructions of this machine: "sse4.2", "avx2", "bmi2", …
    l1d_bytes: int  # of one core; 0 where it is not known
    l2_bytes: int
    l3_bytes: int  # shared


@dataclass(frozen=True, slots=True)
class LineCount:
    """How often a line was executed in the workload."""

    line: int
    count: int


@dataclass(frozen=True, slots=True)
class FunctionFacts:
    """One executed function of the program."""

    name: str
    file: str  # name of the file
    first_line: int
    last_line: int
    share: float  # of the time, 0 to 1, without what it calls; an estimate
    lines: tuple[LineCount, ...]  # executed ones, in their order


@dataclass(frozen=True, slots=True)
class Remark:
    """What the compiler did or could not do at a place that matters."""

    file: str  # name of the file
    line: int
    column: int
    function: str  # the one in the source, wherever it was inlined
    pass_name: str
    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What an expert would ask for before rewriting the program."""

    cpu: Cpu
    functions: tuple[FunctionFacts, ...] = ()  # the hottest first
    remarks: tuple[Remark, ...] = ()  # the most executed line first

    def remarks_of(self, function: str) -> tuple[Remark, ...]:
        """Those in a function of the source."""
        return tuple(remark for remark in self.remarks if remark.function == function)

    def hot_lines(self, least_share: float) -> tuple[tuple[str, LineCount], ...]:
        """Lines by file, most executed first: those with at least that share (0 to 1) of the hottest one's count."""
        lines = [(function.file, line) for function in self.functions for line in function.lines]
        hottest = max((line.count for _, line in lines), default=0)
        hot = {(file, line) for file, line in lines if line.count >= max(1, least_share * hottest)}
        return tuple(sorted(hot, key=lambda entry: (-entry[1].count, entry[0], entry[1].line)))


_SHOWN_SHARE = 0.001  # of the hottest line's count: lines below it get an empty margin
MARGIN = 15  # characters before each line of an annotated text


def annotated(text: str, facts: Facts, file: str) -> str:
    """The source with a margin: each line's number, and how often the hot ones are executed ("1.6e8").

    Without the first `MARGIN` characters of every line it is the source again.
    """
    counts = {line.line: line.count for name, line in facts.hot_lines(_SHOWN_SHARE) if name == file}
    lines = text.split("\n")
    last = lines.pop() if text.endswith("\n") else None
    numbered = (f"{number:>5} {_brief(counts.get(number, 0)):>6} | {line}" for number, line in enumerate(lines, 1))
    return "\n".join(numbered) + ("" if last is None else "\n")


def _brief(count: int) -> str:
    """A count in at most six characters; nothing for 0."""
    if count < 10_000:
        return str(count or "")
    return f"{count:.1e}".replace("e+0", "e").replace("e+", "e")
