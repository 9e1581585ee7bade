"""Split a winner's gain by level: take each level's change out again and measure what is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from llmcoop.evaluate import THRESHOLD, Confirmed, Evaluator
from llmcoop.lowering import Lowering
from llmcoop.measure import Misrun, Plan
from llmcoop.report import LevelGain
from llmcoop.values import Candidate, Level, Measurement


def gains(winner: Confirmed, lowering: Lowering, evaluator: Evaluator, seconds: float) -> tuple[LevelGain, ...]:
    """What each level of the winner adds to all the others, measured in about `seconds`."""
    candidate, measured = winner.evaluation.candidate, winner.evaluation.measurement
    assert measured is not None
    without = dict(_without_each_level(candidate, lowering))
    if len(without) < 2:
        return (_gain(candidate.level, measured),)
    plan = Plan(max_seconds=seconds / len(without), threshold=THRESHOLD)
    best = lowering.finish(candidate).lowered
    compared = {
        level: evaluator.compare_on_workload(best, plan, against=lowering.lower(other))
        for level, other in without.items()
    }
    return tuple(_gain(level, each) for level, each in compared.items() if not isinstance(each, Misrun))


def _without_each_level(candidate: Candidate, lowering: Lowering) -> Iterator[tuple[Level, Candidate]]:
    """The candidate with the change of one level taken out, for each level that it changes."""
    source = next((each for each in lowering.lineage(candidate) if each.level is Level.SOURCE), None)
    if source is not None and source is not candidate:
        yield candidate.level, source
        # IR that was rewritten after the source was is lost with it; the recipe stays.
        yield Level.SOURCE, replace(candidate, parent="", text="")


def _gain(level: Level, measured: Measurement) -> LevelGain:
    return LevelGain(level, measured.speedup, measured.low, measured.high)
