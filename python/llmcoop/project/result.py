"""What came of a project, as values, as project.json and as text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from llmcoop.report import RunOutcome
from llmcoop.values import Measurement, Outcome

SCHEMA_VERSION = 1
FILE_NAME = "project.json"
_ALL = 100.0  # the most that a part can gain says nothing any more if it is nearly everything


@dataclass(frozen=True, slots=True)
class Hot:
    """A function with its share (0 to 1) of the time of the project's own code in the benchmark."""

    function: str
    source: Path  # relative to the project
    share: float


@dataclass(frozen=True, slots=True)
class Trial:
    """A change that was tried."""

    change: str
    outcome: Outcome
    measurement: Measurement | None  # of the whole benchmark, against the project as it was
    message: str = ""
    kept: bool = False  # it was the best when it was tried


@dataclass(frozen=True, slots=True)
class Kept:
    """A function that the result changes."""

    function: str
    source: Path
    share: float
    change: str
    files: tuple[str, ...]  # its rewrites
    gain: Measurement | None  # of the trial that brought this change, as that of the whole benchmark


@dataclass(frozen=True, slots=True)
class ProjectRun:
    """All that a run over a project found. `files` are relative to `out`."""

    outcome: RunOutcome
    reason: str  # one sentence for the user
    directory: Path
    out: Path
    baseline_s: float  # of one run of the benchmark
    alone: bool  # whether a run is one process with one thread: then time that others had its CPU does not count
    same_output: bool  # whether the benchmark prints the same each time, so that it was compared
    required_speedup: float | None
    elapsed_s: float
    units: int  # source files compiled
    hot: tuple[Hot, ...]
    trials: tuple[Trial, ...]
    kept: tuple[Kept, ...]
    measurement: Measurement | None  # of the result, from scratch; None where nothing was kept
    notes: tuple[str, ...]
    files: tuple[str, ...]

    @property
    def speedup(self) -> float:
        """Of the whole benchmark; 1.0 where nothing was kept."""
        return self.measurement.speedup if self.measurement else 1.0

    @property
    def requirement_missed(self) -> bool:
        """Whether a speedup was required and not reached."""
        return self.required_speedup is not None and self.speedup < self.required_speedup


def to_json(run: ProjectRun) -> str:
    """The content of project.json."""
    return json.dumps({"schema": SCHEMA_VERSION, "speedup": run.speedup, **asdict(run)}, indent=2, default=str) + "\n"


def limit(share: float) -> float:
    """How much faster the whole gets if a part with this share of the time takes none at all (Amdahl 1967)."""
    return 1 / (1 - share) if share < 1 else float("inf")


def own_speedup(share: float, whole: float) -> float | None:
    """How much faster a part with this share of the time became if the whole became `whole` times faster.

    None where the part can't explain it: its share was estimated too low.
    """
    left = 1 / whole - (1 - share)
    return share / left if left > 0 else None


def amdahl(functions: Sequence[str], share: float, whole: float) -> str:
    """Both said plainly, of functions with this share of the time together."""
    one = len(functions) == 1
    who = functions[0] if one else f"{', '.join(functions[:-1])} and {functions[-1]}"
    text = f"{who} {'has' if one else 'have'} {share:.0%} of the time"
    most = limit(share)
    if most < _ALL:
        text += f": if {'it' if one else 'they'} took no time at all, the benchmark would be {most:.1f}x faster"
    own = own_speedup(share, whole)
    if own is None:
        return f"{text}; as measured the gain is more than that, so the share by the profile is an underestimate"
    became = f"{who} itself became about" if one else "they became, taken together, about"
    return f"{text}; as measured the gain means {became} {own:.1f}x faster"
