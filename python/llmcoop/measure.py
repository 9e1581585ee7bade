"""Time a baseline and its candidates side by side until the samples decide, and never average a wrong run."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from llmcoop import statistics
from llmcoop.errors import ProgramError
from llmcoop.runner import Runner, RunResult
from llmcoop.statistics import Interval, Verdict
from llmcoop.values import Measurement, TestCase

# Below this many pairs an interval says nothing, however slow the program is: all of six pairs lie on the
# same side of their true median by chance in 3 % of cases.
LEAST_PAIRS = 6


@dataclass(frozen=True, slots=True)
class Timing:
    """One run with the right output, on one core."""

    wall_ns: int
    cpu_ns: int
    queued_ns: int = 0  # of wall_ns, how long it was ready to run but others had the core

    @staticmethod
    def of(result: RunResult) -> Timing:
        """What the runner says about a run."""
        return Timing(result.wall_ns, result.cpu_ns, result.queued_ns)

    @property
    def own_ns(self) -> int:
        """The time that counts: what the run would have taken with the core to itself.

        It hardly notices neighbours: with eight busy processes on two cores, the middle half of the runs
        of one program spread over 46 % by wall time, and over 0.7 % by this. CPU time alone does as
        well, but is blind to a candidate that sleeps. Threads and children count in full: the runner
        reports no queueing for a run that has any, because it would also queue behind its own work.
        """
        return max(1, self.cpu_ns, self.wall_ns - self.queued_ns)


@dataclass(frozen=True, slots=True)
class Misrun:
    """A timed run that crashed, timed out or printed something else: it refutes whoever ran."""

    status: str
    stdout: bytes


Sample = Callable[[], Timing | Misrun]
Pair = tuple[Timing, Timing]  # baseline, candidate


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to measure and what to ask.

    `max_seconds` bounds the whole comparison, but `LEAST_PAIRS` are taken however slow the program is.
    `threshold` 0.01: a difference under one percent is none. Unless `two_sided`, it is enough to know
    that the candidate is not faster. `max_width` is the relative width that the interval must have
    reached as well.
    """

    min_pairs: int = 10
    max_pairs: int = 400
    max_seconds: float = 6.0
    looks: int = 5
    warmups: int = 1
    threshold: float = 0.01
    confidence: float = 0.95
    two_sided: bool = False
    max_width: float = math.inf
    seed: int = 0

    def settled(self, measured: Interval) -> bool:
        """Whether more pairs would be wasted."""
        if measured.width > self.max_width:
            return False
        decided = statistics.verdict(measured, self.threshold) is not Verdict.UNDECIDED
        return decided or (not self.two_sided and measured.high < 1 + self.threshold)

    def schedule(self, seconds_per_pair: float) -> tuple[int, ...]:
        """After how many pairs to look, given what one pair takes."""
        affordable = int(self.max_seconds / max(seconds_per_pair, 1e-6))
        last = max(LEAST_PAIRS, min(self.max_pairs, affordable))
        return statistics.look_schedule(min(self.min_pairs, last), last, self.looks)


def checked_sample(runner: Runner, executable: int, case: TestCase, *, timeout_s: float | None = None) -> Sample:
    """A sample that runs one of the runner's executables on `case` and compares exit code and output."""

    def sample() -> Timing | Misrun:
        result = runner.run(executable, case.invocation, timeout_s=timeout_s)
        return Timing.of(result) if result.passes(case) else Misrun(result.status, result.stdout)

    return sample


def compare(baseline: Sample, candidate: Sample, plan: Plan | None = None) -> Measurement | Misrun:
    """Measure pairs until the verdict is clear or the plan is used up.

    The plan's confidence holds over all looks together, and it is what the returned interval has.
    Returns the candidate's first wrong run instead, if there is one.
    Raises ProgramError when the baseline itself runs wrong.
    """
    plan = plan or Plan()
    started = time.monotonic()
    pairs: list[Pair] = []
    schedule: tuple[int, ...] = ()
    for turn, pair in enumerate(_take_pairs(baseline, candidate, plan.seed)):
        if isinstance(pair, Misrun):
            return pair
        if turn < plan.warmups:
            continue
        pairs.append(pair)
        if len(pairs) < LEAST_PAIRS:
            continue
        elapsed_s = time.monotonic() - started
        schedule = schedule or plan.schedule(elapsed_s / (turn + 1))
        last = len(pairs) >= schedule[-1] or elapsed_s > plan.max_seconds
        if not last and len(pairs) not in schedule:
            continue
        measurement = _measurement(pairs, plan, len(schedule))
        if last or plan.settled(_interval(measurement)):
            return measurement
    raise AssertionError("pairs never end")


def _take_pairs(baseline: Sample, candidate: Sample, seed: int) -> Iterator[Pair | Misrun]:
    """Run both for ever, as ABBA or BAAB by a seeded coin: linear drift and the place in a pair cancel."""
    coin = random.Random(seed)
    while True:
        candidate_first = coin.random() < 0.5
        for swapped in (candidate_first, not candidate_first):
            theirs = candidate() if swapped else None
            ours = _reliable(baseline)
            theirs = theirs or candidate()
            yield theirs if isinstance(theirs, Misrun) else (ours, theirs)


def _reliable(baseline: Sample) -> Timing:
    """Run the baseline, which must not fail."""
    timing = baseline()
    if isinstance(timing, Misrun):
        raise ProgramError(
            f"the original program went wrong while it was timed: {timing.status}",
            hint="It passed the same run before, so it is not deterministic, or the machine ran out of "
            "memory or time; fix its seed and inputs, or raise the limits.",
        )
    return timing


def _measurement(pairs: Sequence[Pair], plan: Plan, looks: int) -> Measurement:
    """What the pairs say at one of `looks` looks."""
    baseline_ns = tuple(ours.own_ns for ours, _ in pairs)
    candidate_ns = tuple(theirs.own_ns for _, theirs in pairs)
    confidence = statistics.look_confidence(plan.confidence, looks)
    found = statistics.interval(baseline_ns, candidate_ns, confidence=confidence, seed=plan.seed)
    return Measurement(baseline_ns, candidate_ns, found.speedup, found.low, found.high, plan.confidence)


def _interval(measurement: Measurement) -> Interval:
    return Interval(measurement.speedup, measurement.low, measurement.high)


def verdict(measurement: Measurement, threshold: float = 0.01) -> Verdict:
    """What a measurement proves: see `statistics.verdict`."""
    return statistics.verdict(_interval(measurement), threshold)


OpenSamples = Callable[[], AbstractContextManager[tuple[Sample, Sample]]]


def confirm(open_samples: OpenSamples, plan: Plan | None = None) -> Measurement | Misrun:
    """Measure a winner again from scratch; report only this number.

    Whoever was picked as the best of many owes part of its lead to luck, and so does a verdict that stopped
    at a lucky moment. `open_samples` starts a fresh runner over fresh copies of both files (which also lie in
    other physical pages). The interval must get down to 1 % width while the plan lasts.
    """
    plan = plan or Plan()
    fresh = replace(plan, two_sided=True, max_width=min(plan.max_width, 0.01), seed=plan.seed + 1)
    with open_samples() as (baseline, candidate):
        return compare(baseline, candidate, fresh)


@dataclass(frozen=True, slots=True)
class ScreenPlan:
    """How long several candidates race: at most `max_rounds` runs each, until `keep` or fewer are left."""

    min_rounds: int = 3
    max_rounds: int = 8
    keep: int = 1
    threshold: float = 0.01
    confidence: float = 0.95
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Screened:
    """How one candidate did: a first estimate, good for choosing whom to compare, not for reporting."""

    candidate: int  # index into the candidates given
    measurement: Measurement | None  # None when it ran wrong before its first estimate
    survived: bool
    misrun: Misrun | None = None

    @property
    def speedup(self) -> float:
        """The estimate; 0 without one."""
        return self.measurement.speedup if self.measurement else 0.0


def screen(baseline: Sample, candidates: Sequence[Sample], plan: ScreenPlan | None = None) -> list[Screened]:
    """Race candidates against one baseline in rounds of one run each, in a seeded random order.

    A candidate leaves when it runs wrong, or can no longer be both `threshold` faster than the baseline
    and the best. Returns all of them, survivors first, the fastest first. Raises ProgramError when the
    baseline runs wrong.
    """
    plan = plan or ScreenPlan()
    order = random.Random(plan.seed)
    times: dict[int, list[Timing]] = {index: [] for index in range(len(candidates))}
    ours: list[Timing] = []
    results: dict[int, Screened] = {}
    while times and len(ours) < plan.max_rounds:
        misruns = _round(baseline, candidates, ours, times, order)
        for index, misrun in misruns.items():
            del times[index]
            results[index] = Screened(index, None, False, misrun)
        if len(ours) < plan.min_rounds or not times:
            continue
        for screened in _standings(ours, times, plan):
            results[screened.candidate] = screened
            if not screened.survived:
                del times[screened.candidate]
        if len(times) <= plan.keep:
            break
    return sorted(results.values(), key=lambda one: (not one.survived, one.misrun is not None, -one.speedup))


def _round(
    baseline: Sample,
    candidates: Sequence[Sample],
    ours: list[Timing],
    times: dict[int, list[Timing]],
    order: random.Random,
) -> dict[int, Misrun]:
    """Run the baseline and everybody who is still in `times` once; return those who went wrong."""
    misruns: dict[int, Misrun] = {}
    turns = [-1, *times]
    order.shuffle(turns)
    for index in turns:
        if index < 0:
            ours.append(_reliable(baseline))
            continue
        timing = candidates[index]()
        if isinstance(timing, Misrun):
            misruns[index] = timing
        else:
            times[index].append(timing)
    return misruns


def _standings(ours: Sequence[Timing], times: dict[int, list[Timing]], plan: ScreenPlan) -> list[Screened]:
    """Everybody's standing after the last round."""
    baseline_ns = tuple(timing.own_ns for timing in ours)
    rows = [tuple(timing.own_ns for timing in theirs) for theirs in times.values()]
    standing = statistics.standings(
        [statistics.log_ratios(baseline_ns, row) for row in rows], confidence=plan.confidence
    )
    staying = set(statistics.contenders(standing, plan.threshold))
    return [
        Screened(
            index,
            Measurement(baseline_ns, rows[place], one.speedup, one.at_least, one.at_most, plan.confidence),
            place in staying,
        )
        for place, (index, one) in enumerate(zip(times, standing, strict=True))
    ]
