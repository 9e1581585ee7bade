"""What a run found, as a value, as result.json and as a few lines for a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from llmcoop import record
from llmcoop.errors import UsageError
from llmcoop.values import Adequacy, Candidate, EvidenceKind, Level, Measurement, Outcome, Program

SCHEMA_VERSION = 4
FILE_NAME = "result.json"


@dataclass(frozen=True, slots=True)
class Event:
    """Progress, for whoever watches."""

    elapsed_s: float
    phase: str
    message: str
    best_speedup: float | None = None  # a first estimate while the search goes on


Listener = Callable[[Event], None]


class RunOutcome(StrEnum):
    """How a run ended."""

    IMPROVED = "improved"
    NOTHING_FASTER = "nothing-faster"
    INTERRUPTED = "interrupted"  # by Ctrl-C or a signal: what is reported is the best so far


class CheckStatus(StrEnum):
    """How a check of the harness, or of the installation, ended."""

    PASSED = "passed"
    FAILED = "failed"
    WARNING = "warning"  # it works, but less well
    SKIPPED = "skipped"  # what it needs was missing


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what was looked at, what came out, and what to do about it."""

    name: str
    status: CheckStatus
    detail: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Winner:
    """The accepted candidate, with everything that speaks for it."""

    candidate: Candidate
    measurement: Measurement  # on the workload, from scratch
    variants: tuple[Measurement, ...]  # on variants of the workload that no proposer saw
    evidence: EvidenceKind
    cases_passed: int
    cases_hidden: int  # of those, how many no proposer saw
    inputs_compared: int  # further inputs on which it did what the original does
    sanitizers: tuple[str, ...]  # under which it was as clean as the original


@dataclass(frozen=True, slots=True)
class LevelGain:
    """What one level adds to the winner: with it / without it, everything else the same."""

    level: Level
    speedup: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What of a winner is no rewrite of a function."""

    function: str  # or another part of it, such as "assembly"
    reason: str


@dataclass(frozen=True, slots=True)
class KeptRewrites:
    """What later builds can have of the winner: rewrites of single functions, in the folder `rewrites`."""

    files: tuple[str, ...]
    evidence: EvidenceKind | None  # of the program that is built with all of them; None without any
    measurement: Measurement | None  # of that program, on the workload
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class OutcomeCount:
    """How many candidates ended so."""

    outcome: Outcome
    candidates: int


@dataclass(frozen=True, slots=True)
class LevelSpending:
    """What one level used of the budget."""

    level: Level
    candidates: int
    seconds: float
    calls: int = 0
    tokens: int = 0
    usd: float = 0.0


@dataclass(frozen=True, slots=True)
class ModelUse:
    """What a language model did in a run."""

    name: str
    calls: int
    tokens: int
    usd: float
    unusable: int  # replies, and tool calls in them, that nothing could be made of
    unanswered: int  # questions of the testing agent without a reply: the search for tests went on by itself
    ended: str  # why it was asked no more before the run ended; empty if it was asked to the end
    lost: bool  # whether that is a failure, and not the end of the model's budget


@dataclass(frozen=True, slots=True)
class Environment:
    """Where and with what it was measured."""

    llmcoop: str  # version
    llvm: str  # version
    cpu: str  # model name
    kernel: str
    sandbox: str  # description of what was active


@dataclass(frozen=True, slots=True)
class TimedFile:
    """An executable that was timed."""

    role: str  # "baseline" or "best"
    sha256: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Inputs that prove nothing, by why they do not."""

    reason: str
    inputs: int


@dataclass(frozen=True, slots=True)
class Testing:
    """The test cases that were made up for the program, and how good they are."""

    __test__ = False  # not a pytest class

    cases: int
    hidden: int  # of those, how many no proposer sees
    inputs_tried: int
    rejected: tuple[Rejected, ...]
    seconds: float
    adequacy: Adequacy | None  # None where it can not be measured


@dataclass(frozen=True, slots=True)
class Run:
    """All that a run found. `files` are relative to `out`."""

    outcome: RunOutcome
    reason: str  # one sentence for the user
    spec_key: str
    program: Program
    out: Path
    required_speedup: float | None
    elapsed_s: float
    winner: Winner | None
    gain_by_level: tuple[LevelGain, ...]
    rewrites: KeptRewrites | None  # None without a winner
    candidates: tuple[OutcomeCount, ...]
    tests: Testing | None  # None where no candidate needed them: all were correct by construction
    model: ModelUse | None  # None for a run by search alone
    spending: tuple[LevelSpending, ...]
    checks: tuple[Check, ...]
    environment: Environment
    timed: tuple[TimedFile, ...]
    files: tuple[str, ...]

    @property
    def speedup(self) -> float:
        """Baseline time / best time on the workload; 1.0 when the baseline is the answer."""
        return self.winner.measurement.speedup if self.winner else 1.0

    @property
    def requirement_missed(self) -> bool:
        """Whether a speedup was required and not reached."""
        return self.required_speedup is not None and self.speedup < self.required_speedup


def default_folder(program: Program) -> Path:
    """Where the results of a program go unless told otherwise: NAME.llmcoop in the current folder."""
    return Path(f"{program.sources[0].stem}.llmcoop")


def to_json(run: Run) -> str:
    """The content of result.json."""
    content = {"schema": SCHEMA_VERSION, "speedup": run.speedup, **asdict(run)}
    return json.dumps(content, indent=2, default=str) + "\n"


def write(run: Run, out: Path) -> Path:
    """Write result.json into the folder `out`, whole or not at all. Raises `UsageError`."""
    path = out / FILE_NAME
    draft = path.with_suffix(".new")
    try:
        draft.write_text(to_json(run))
        draft.replace(path)
    except OSError as error:
        raise UsageError(f"can't write {path}: {error.strerror}", "choose another folder with --out") from error
    return path


def read(out: Path) -> Run:
    """The run whose results are in the folder `out`, or in the file `out`. Raises `UsageError`."""
    path = out / FILE_NAME if out.is_dir() else out
    try:
        content = json.loads(path.read_text())
        version = content.pop("schema")
        if version != SCHEMA_VERSION:
            raise UsageError(
                f"{path} has schema version {version}, and this LLMCoop reads {SCHEMA_VERSION}",
                "read it with the LLMCoop that wrote it",
            )
        del content["speedup"]
        return record.load(Run, content)
    except OSError as error:
        raise UsageError(f"no result at {path}: {error.strerror}", "name the --out folder of a run") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} is not a result of LLMCoop: {error!r}", "run `llmcoop optimize` again") from error


def summary(run: Run) -> str:
    """A few lines that say what came out, why to believe it and where it is."""
    lines = [run.reason]
    if run.winner:
        lines += _winner_lines(run.winner)
    lines += [f"  gain at level {gain.level}: {_ratio(gain)}" for gain in run.gain_by_level]
    lines += _rewrite_lines(run.rewrites) if run.rewrites else []
    counts = ", ".join(f"{count.candidates} {count.outcome}" for count in run.candidates if count.candidates)
    lines.append(f"  candidates: {counts or 'none'}; {run.elapsed_s:.0f} s")
    lines += [
        f"  check {check.name}: {check.status}: {check.detail}"
        for check in run.checks
        if check.status is not CheckStatus.PASSED
    ]
    if run.model:
        lines.append(_model_line(run.model))
    if run.requirement_missed:
        lines.append(f"  the required speedup of {run.required_speedup:g}x was missed")
    lines.append(f"  results: {run.out}")
    return "\n".join(lines)


def _rewrite_lines(kept: KeptRewrites) -> list[str]:
    """What a build with the plugin will have of it."""
    gain = f", {_ratio(kept.measurement)} together" if kept.measurement else ""
    lost = [f"  not a rewrite: {each.function}: {each.reason}" for each in kept.left_out]
    return [f"  rewrites for builds: {len(kept.files)}{gain}", *lost]


def _model_line(model: ModelUse) -> str:
    used = f"  model {model.name}: {model.calls} calls, {model.tokens} tokens, {model.usd:.2f} USD"
    unusable = f"; {model.unusable} replies or tool calls were of no use" if model.unusable else ""
    ended = f"; asked no more: {model.ended}" if model.ended else ""
    return used + unusable + ended


def _winner_lines(winner: Winner) -> list[str]:
    measured = winner.measurement
    lines = [f"  speedup: {_ratio(measured)} ({measured.confidence:.0%} interval, {measured.samples} pairs)"]
    lines += [f"  hidden variant {number}: {_ratio(variant)}" for number, variant in enumerate(winner.variants, 1)]
    hidden = f", {winner.cases_hidden} of them hidden" if winner.cases_hidden else ""
    lines.append(f"  evidence: {winner.evidence}; {winner.cases_passed} test cases passed{hidden}")
    lines.append(f"  how: {winner.candidate.origin}; recipe {winner.candidate.recipe.canonical()}")
    return lines


def _ratio(measured: Measurement | LevelGain) -> str:
    return f"{measured.speedup:.3f}x [{measured.low:.3f}, {measured.high:.3f}]"
