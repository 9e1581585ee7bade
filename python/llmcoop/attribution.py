"""Split a winner's gain by level: take each level's change out again and measure what is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from llmcoop.evaluate import THRESHOLD, Confirmed, Evaluator
from llmcoop.history import IDENTITY
from llmcoop.lowering import Lowering
from llmcoop.measure import Misrun, Plan
from llmcoop.report import LevelGain
from llmcoop.values import Candidate, Level, Measurement, Recipe


def gains(winner: Confirmed, lowering: Lowering, evaluator: Evaluator, seconds: float) -> tuple[LevelGain, ...]:
    """What each level of the winner adds to all the others, measured in about `seconds`."""
    candidate, measured = winner.evaluation.candidate, winner.evaluation.measurement
    assert measured is not None
    without = dict(without_each_level(candidate, lowering))
    if len(without) < 2:
        return (_gain(candidate.level, measured),)
    plan = Plan(max_seconds=seconds / len(without), threshold=THRESHOLD)
    best = lowering.finish(candidate).lowered
    compared = {
        level: evaluator.compare_on_workload(best, plan, against=lowering.lower(other))
        for level, other in without.items()
    }
    return tuple(_gain(level, each) for level, each in compared.items() if not isinstance(each, Misrun))


def without_each_level(candidate: Candidate, lowering: Lowering) -> Iterator[tuple[Level, Candidate]]:
    """The candidate with the change of one level taken out, for each level that it changes.

    What was rewritten below a change can't stay without it: IR and assembly are lost with the source that they were
    made from, and assembly with the IR; a recipe stays.
    """
    above = next(each for each in (*lowering.lineage(candidate), IDENTITY) if each.level is not Level.ASM)
    if above is not candidate:
        yield Level.ASM, above
    source = next((each for each in lowering.lineage(above) if each.level is Level.SOURCE), None)
    if above.level is Level.IR and (above.text or above.recipe != Recipe()):
        yield Level.IR, source or IDENTITY
    if source is not None:
        yield Level.SOURCE, replace(above, level=Level.IR, parent="", text="", source="", authored=False)


def _gain(level: Level, measured: Measurement) -> LevelGain:
    return LevelGain(level, measured.speedup, measured.low, measured.high)
