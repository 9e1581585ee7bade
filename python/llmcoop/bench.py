"""Optimize many programs and sum up, and compare what parts of LLMCoop are worth by leaving them out.

Each program is optimized in a process of its own, and its results stay in a folder of its own: a program that fails is
reported, the others go on, and a bench that was killed continues where it stopped.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

from llmcoop import bench_report, plot, process, report, workspace
from llmcoop import spec as specs
from llmcoop.bench_report import Bench, ProgramResult, Status, Summary
from llmcoop.errors import LLMCoopError, UsageError
from llmcoop.plot import Curve
from llmcoop.recheck import recheck
from llmcoop.spec import FILE_NAME

CURVE = "bench.svg"
_LIMIT = 3.0  # times its budget: after that, a run hangs
_LEAST_S = 600.0  # what that budget is taken for at least
_SLACK_S = 300.0

Announce = Callable[[ProgramResult], None]


@dataclass(frozen=True, slots=True)
class Arm:
    """A part of an ablation: what it is called, and the options of `llmcoop optimize` that make it."""

    name: str
    options: tuple[str, ...]


# The options of an arm come last, and the last one counts.
ARMS = (
    Arm("all levels", ()),
    Arm("source only", ("--levels", "source")),
    Arm("ir only", ("--levels", "ir")),
    Arm("asm only", ("--levels", "asm")),
    Arm("no guide", ("--guide", "fixed")),
    Arm("no testing agent", ("--no-testing-agent",)),
    Arm("search only", ("--model", "none")),
)


@dataclass(frozen=True, slots=True)
class ArmResult:
    """An arm and its figures over all programs."""

    arm: Arm
    summary: Summary


def bench(
    folder: Path,
    out: Path,
    options: Sequence[str] = (),
    *,
    again: bool = False,
    announce: Announce = lambda _: None,
) -> Bench:
    """Optimize the program in `folder`, or each one in a folder below it, with options of `llmcoop optimize`.

    Leaves bench.json, the percentile curve as bench.svg and a folder for each program in `out`. Programs that have a
    result there are not optimized `again` unless told so, but their results are checked again.

    Raises UsageError when there are no programs, or `out` can't be used or has results of other options.
    """
    programs = [path.parent for path in programs_in(folder)]
    workspace.make(out)
    known = bench_report.read(out)
    if known and known.options != tuple(options) and not again:
        raise UsageError(
            f"the results in {out} were found with other options: {' '.join(known.options) or 'none'}",
            "choose another folder with --out, or say --again",
        )
    results: list[ProgramResult] = []
    _save(Bench(tuple(options)), out)
    if again:
        for program in programs:
            (out / program.name / report.FILE_NAME).unlink(missing_ok=True)
    for program in programs:
        results.append(_result(program, out / program.name, options))
        _save(Bench(tuple(options), tuple(results), bench_report.summarize(results)), out)
        announce(results[-1])
    return Bench(tuple(options), tuple(results), bench_report.summarize(results))


def ablate(
    folder: Path,
    out: Path,
    options: Sequence[str] = (),
    *,
    arms: Sequence[Arm] = ARMS,
    again: bool = False,
    announce: Callable[[Arm, ProgramResult], None] = lambda *_: None,
) -> tuple[ArmResult, ...]:
    """A bench for each arm, with the same budget, in a folder of its own below `out`; see `bench`.

    Leaves ablation.json and the percentile curves as ablation.svg in `out`. Raises UsageError as `bench` does.
    """
    results: list[ArmResult] = []
    for arm in arms:
        done = bench(
            folder,
            out / arm.name.replace(" ", "-"),
            (*options, *arm.options),
            again=again,
            announce=partial(announce, arm),
        )
        results.append(ArmResult(arm, done.summary))
        bench_report.write(out / "ablation.json", ablation_json(results))
        curves = [Curve(each.arm.name, each.summary.percentiles) for each in results]
        bench_report.write(out / "ablation.svg", plot.percentile_curves(curves))
    return tuple(results)


def ablation_json(results: Sequence[ArmResult]) -> str:
    """The content of ablation.json."""
    content = {"schema": bench_report.SCHEMA_VERSION, "arms": [asdict(result) for result in results]}
    return json.dumps(content, indent=2) + "\n"


def programs_in(folder: Path) -> list[Path]:
    """The spec file of the program in `folder`, or those below it, by name. Raises UsageError when there are none."""
    own = folder.absolute() / FILE_NAME
    found = [own] if own.is_file() else sorted(folder.absolute().glob(f"*/{FILE_NAME}"))
    if not found:
        raise UsageError(f"no program in {folder}", f"it needs a folder with an {FILE_NAME} for each program")
    return found


def _save(done: Bench, out: Path) -> None:
    bench_report.write(out / bench_report.FILE_NAME, bench_report.to_json(done))
    curve = Curve(f"{done.summary.programs} programs", done.summary.percentiles)
    bench_report.write(out / CURVE, plot.percentile_curves([curve]))


def _result(program: Path, out: Path, options: Sequence[str]) -> ProgramResult:
    """Optimize one program, unless it has a result, and check what came out."""
    try:
        failure = "" if (out / report.FILE_NAME).exists() else _optimize(program, out, options)
        if failure:
            return ProgramResult(program.name, Status.FAILED, message=failure)
        run = report.read(out)
        if run.winner is None:
            return bench_report.of_run(program.name, run, 0, ())
        checked = recheck(specs.load(program), run, out)
        return bench_report.of_run(program.name, run, checked.inputs, checked.wrong)
    except LLMCoopError as error:
        return ProgramResult(program.name, Status.FAILED, message=error.message)


def _optimize(program: Path, out: Path, options: Sequence[str]) -> str:
    """Run `llmcoop optimize` on a program; gives what went wrong if there is no result."""
    command = [sys.executable, "-m", "llmcoop", "optimize", "--spec", str(program), "--out", str(out), "--resume"]
    limit_s = _limit_s(program, options)
    # As a child that dies with us: a killed bench leaves nothing behind.
    done = process.run(process.dying_with_us([*command, *options]), timeout_s=limit_s)
    if (out / report.FILE_NAME).exists():
        return ""
    if done.timed_out:
        return f"no result after {limit_s:.0f} s"
    said = done.stderr.decode(errors="replace").strip().splitlines()
    message = next((line.removeprefix("llmcoop: ") for line in said if line.startswith("llmcoop: ")), "")
    return message or f"{_ending(done.returncode)}; it says: {said[-1] if said else 'nothing'}"


def _ending(returncode: int) -> str:
    if returncode < 0:
        return f"`llmcoop optimize` was ended by {signal.Signals(-returncode).name}"
    return f"`llmcoop optimize` ended with exit code {returncode}"


def _limit_s(program: Path, options: Sequence[str]) -> float:
    """Seconds after which a run that should have ended hangs."""
    budget = specs.load(program).budget
    given = [value for name, value in pairwise(options) if name == "--budget"]
    for text in given:
        with suppress(UsageError):  # the run itself will say so
            budget = specs.parse_budget(text, budget)
    return _LIMIT * max(budget.seconds, _LEAST_S) + _SLACK_S
