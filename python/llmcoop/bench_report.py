"""What a bench over many programs found: a value for each program, the figures over all of them, bench.json."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np

from llmcoop import record
from llmcoop.errors import UsageError
from llmcoop.report import LevelGain, Run

SCHEMA_VERSION = 1
FILE_NAME = "bench.json"
_TOP = 0.01  # the share of the programs that one figure leaves out


class Status(StrEnum):
    """How a program came out."""

    IMPROVED = "improved"  # the whole interval of its speedup is over 1
    NOTHING_FASTER = "nothing-faster"
    WRONG = "wrong"  # what was reported as the best does not do what the original does; it counts as 1
    FAILED = "failed"  # there is no result; it does not count


@dataclass(frozen=True, slots=True)
class ProgramResult:
    """One program. Times are in seconds; `speedup` is 1 unless it is improved."""

    name: str
    status: Status
    speedup: float = 1.0
    low: float = 1.0  # confidence interval of the speedup
    high: float = 1.0
    gain_by_level: tuple[LevelGain, ...] = ()
    rechecked: int = 0  # inputs on which the best was compared with the original after the run
    wrong: tuple[str, ...] = ()  # what it does otherwise, an entry for each such input
    calls: int = 0
    tokens: int = 0
    usd: float = 0.0
    seconds: float = 0.0
    message: str = ""  # the reason that the run gives, or why there is no result


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures over all programs that have a result."""

    programs: int
    failed: int  # further programs, without a result
    improved: int
    wrong: int
    geomean: float
    geomean_without_top: float  # without the fastest hundredth, at least one of several
    median: float
    percentiles: tuple[float, ...]  # of the speedups: 101 of them, from the 0th to the 100th; none without programs
    calls: int
    tokens: int
    usd: float
    seconds: float

    @property
    def share_improved(self) -> float:
        """From 0 to 1."""
        return self.improved / self.programs if self.programs else 0.0


@dataclass(frozen=True, slots=True)
class Bench:
    """All programs, in the order of their names."""

    options: tuple[str, ...]  # of `llmcoop optimize`, the same for each program
    programs: tuple[ProgramResult, ...] = ()
    summary: Summary = field(default_factory=lambda: summarize(()))


def of_run(name: str, run: Run, rechecked: int, wrong: Sequence[str]) -> ProgramResult:
    """The result of a program whose run ended, and whose best executable was checked again."""
    measured = run.winner.measurement if run.winner else None
    improved = measured is not None and measured.low > 1 and not wrong
    status = Status.IMPROVED if improved else Status.NOTHING_FASTER
    return ProgramResult(
        name,
        Status.WRONG if wrong else status,
        *((measured.speedup, measured.low, measured.high) if measured and improved else (1.0, 1.0, 1.0)),
        gain_by_level=run.gain_by_level,
        rechecked=rechecked,
        wrong=tuple(wrong),
        calls=run.model.calls if run.model else 0,
        tokens=run.model.tokens if run.model else 0,
        usd=run.model.usd if run.model else 0.0,
        seconds=run.elapsed_s,
        message=run.reason,
    )


def summarize(programs: Sequence[ProgramResult]) -> Summary:
    """The figures over programs; the speedups of those that failed do not count."""
    done = [program for program in programs if program.status is not Status.FAILED]
    speedups = [program.speedup for program in done]
    return Summary(
        programs=len(done),
        failed=len(programs) - len(done),
        improved=sum(program.status is Status.IMPROVED for program in done),
        wrong=sum(program.status is Status.WRONG for program in done),
        geomean=geomean(speedups),
        geomean_without_top=geomean(without_top(speedups)),
        median=float(np.median(speedups)) if speedups else 1.0,
        percentiles=tuple(float(value) for value in np.percentile(speedups, range(101))) if speedups else (),
        calls=sum(program.calls for program in programs),
        tokens=sum(program.tokens for program in programs),
        usd=sum(program.usd for program in programs),
        seconds=sum(program.seconds for program in programs),
    )


def geomean(speedups: Sequence[float]) -> float:
    """The geometric mean of positive numbers; 1 of none."""
    return math.exp(math.fsum(map(math.log, speedups)) / len(speedups)) if speedups else 1.0


def without_top(speedups: Sequence[float]) -> list[float]:
    """All but the highest hundredth, rounded up: a few programs that gain a hundredfold must not be the whole story."""
    top = math.ceil(_TOP * len(speedups)) if len(speedups) > 1 else 0
    return sorted(speedups)[: len(speedups) - top]


def to_json(bench: Bench) -> str:
    """The content of bench.json."""
    return json.dumps({"schema": SCHEMA_VERSION, **asdict(bench)}, indent=2) + "\n"


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all. Raises UsageError."""
    draft = path.with_name(f"{path.name}.new")
    try:
        draft.write_text(text)
        draft.replace(path)
    except OSError as error:
        raise UsageError(f"can't write {path}: {error.strerror}", "choose another folder with --out") from error


def read(out: Path) -> Bench | None:
    """What bench.json in the folder `out` says; None where there is none. Raises UsageError for what is no bench."""
    path = out / FILE_NAME
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text())
        version = content.pop("schema")
        if version != SCHEMA_VERSION:
            raise UsageError(f"{path} has schema version {version}, and this LLMCoop reads {SCHEMA_VERSION}", _HINT)
        return record.load(Bench, content)
    except OSError as error:
        raise UsageError(f"can't read {path}: {error.strerror}", _HINT) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} is no report of a bench: {error}", _HINT) from error


_HINT = "choose another folder with --out, or remove it"
