"""What came of a project, in lines for a terminal: report.txt."""

from __future__ import annotations

from collections.abc import Iterator

from llmcoop.project.result import Kept, ProjectRun, Trial, amdahl
from llmcoop.values import Measurement, Outcome


def summary(run: ProjectRun) -> str:
    """What was found, why, and what was tried."""
    return "\n".join(_lines(run)) + "\n"


def ratio(measured: Measurement) -> str:
    """A speedup with its interval: "1.34x [1.31, 1.37]"."""
    return f"{measured.speedup:.3f}x [{measured.low:.3f}, {measured.high:.3f}]"


def _lines(run: ProjectRun) -> Iterator[str]:
    yield run.reason
    if run.measurement:
        pairs = f"{run.measurement.confidence:.0%} interval, {run.measurement.samples} pairs"
        yield f"  whole benchmark: {ratio(run.measurement)} ({pairs})"
    counted = "wall time, less what others had its CPU," if run.alone else "wall time"
    compared = "" if run.same_output else "; it prints something else each time, so only its exit code was compared"
    yield f"  baseline: {run.baseline_s:.3f} s a run, {counted} counts{compared}"
    yield f"  hot functions, of {run.units} source files:"
    yield from (f"    {hot.share:6.1%}  {hot.function} ({hot.source})" for hot in run.hot)
    if run.kept:
        yield "  kept:"
        yield from (f"    {kept.function} ({kept.source}): {kept.change}{_gain(kept)}" for kept in run.kept)
    if run.measurement:
        together = sum(kept.share for kept in run.kept)
        yield f"  {amdahl([kept.function for kept in run.kept], together, run.measurement.speedup)}"
    yield f"  tried: {len(run.trials)}"
    yield from (f"    {_trial(trial)}" for trial in run.trials)
    yield from (f"  note: {note}" for note in run.notes)
    if run.requirement_missed:
        yield f"  the required speedup of {run.required_speedup:g}x was missed"
    yield f"  {run.elapsed_s:.0f} s; results: {run.out}"


def _gain(kept: Kept) -> str:
    return f", {ratio(kept.gain)} when it was tried" if kept.gain else ""


def _trial(trial: Trial) -> str:
    figures = f" {ratio(trial.measurement)}" if trial.measurement else ""
    kept = ", kept" if trial.kept else ""
    message = f": {trial.message}" if trial.message and trial.outcome is not Outcome.SAME_CODE else ""
    return f"{trial.change}: {trial.outcome}{figures}{kept}{message}"
