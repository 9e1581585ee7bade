"""The statistics of timing: each promise checked on noise made here from a fixed seed."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcoop.statistics import (
    Floats,
    Interval,
    Standing,
    Verdict,
    contenders,
    expanded_tail,
    interval,
    log_ratios,
    look_confidence,
    look_schedule,
    speedup,
    standings,
    verdict,
)

Noise = Callable[[np.random.Generator, int], tuple[Floats, Floats]]

times = st.lists(st.tuples(st.integers(1, 10**10), st.integers(1, 10**10)), min_size=1, max_size=30)


def noisy_pairs(generator: np.random.Generator, count: int, true_speedup: float = 1.0) -> tuple[Floats, Floats]:
    """Like a real machine: shared drift, 0.6 % noise, one run in twenty disturbed by up to a half."""
    drift = 1 + 0.05 * np.sin(np.arange(count) / 7)
    noise = generator.normal(1, 0.006, (2, count))
    disturbed = generator.random((2, count)) < 0.05
    noise += disturbed * generator.uniform(0, 0.5, (2, count))
    return 50e6 * true_speedup * drift * noise[0], 50e6 * drift * noise[1]


def two_humped_pairs(generator: np.random.Generator, count: int) -> tuple[Floats, Floats]:
    """A memory-bound program that is 8 % slower in half of its runs, by where its pages lie."""
    humps = 1 + 0.08 * (generator.random((2, count)) < 0.5)
    noise = 25e6 * humps * generator.normal(1, 0.005, (2, count))
    return noise[0], noise[1]


@given(times)
def test_swapping_the_two_inverts_the_speedup(pairs: list[tuple[int, int]]) -> None:
    baseline, candidate = zip(*pairs, strict=True)
    assert speedup(baseline, candidate) * speedup(candidate, baseline) == pytest.approx(1)


@given(times)
def test_a_program_against_itself_is_exactly_one(pairs: list[tuple[int, int]]) -> None:
    same = [ours for ours, _ in pairs]
    assert interval(same, same) == Interval(1.0, 1.0, 1.0)


@given(times, st.integers(2, 1000))
def test_the_unit_of_time_does_not_matter(pairs: list[tuple[int, int]], factor: int) -> None:
    baseline, candidate = zip(*pairs, strict=True)
    scaled = speedup([t * factor for t in baseline], [t * factor for t in candidate])
    assert scaled == pytest.approx(speedup(baseline, candidate))


@given(times)
def test_the_interval_holds_its_speedup_and_repeats(pairs: list[tuple[int, int]]) -> None:
    baseline, candidate = zip(*pairs, strict=True)
    found = interval(baseline, candidate, seed=3)
    assert found.low <= found.speedup * (1 + 1e-9) and found.speedup <= found.high * (1 + 1e-9)
    assert found == interval(baseline, candidate, seed=3)


def test_drift_that_hits_both_cancels() -> None:
    drift = np.linspace(1, 3, 20)
    assert speedup(20e6 * drift, 10e6 * drift) == pytest.approx(2)


def test_one_wild_run_in_five_changes_nothing() -> None:
    baseline = [50e6] * 10
    candidate = [50e6] * 8 + [900e6, 5e6]
    assert speedup(baseline, candidate) == pytest.approx(1)


@pytest.mark.parametrize(("baseline", "candidate"), [([], []), ([1, 2], [1]), ([0, 1], [1, 1]), ([1, 1], [1, -1])])
def test_samples_that_are_no_pairs_are_refused(baseline: list[int], candidate: list[int]) -> None:
    with pytest.raises(ValueError, match=r"pairs need|not positive"):
        log_ratios(baseline, candidate)


@pytest.mark.parametrize("count", [10, 20, 40])
@pytest.mark.parametrize("noise", [noisy_pairs, two_humped_pairs])
def test_the_interval_keeps_its_confidence(noise: Noise, count: int) -> None:
    generator = np.random.default_rng(count)
    trials = 400
    found = [interval(*noise(generator, count), confidence=0.95) for _ in range(trials)]
    missed = sum(not one.low <= 1 <= one.high for one in found)
    assert missed / trials <= 0.075


def test_an_interval_of_few_pairs_uses_wider_tails() -> None:
    assert expanded_tail(0.95, 6) < expanded_tail(0.95, 20) < expanded_tail(0.95, 10_000) < 0.025
    assert expanded_tail(0.95, 10_000) == pytest.approx(0.025, rel=0.01)
    assert expanded_tail(0.95, 1) == 0


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1.011, 1.5, Verdict.FASTER),
        (0.5, 0.98, Verdict.SLOWER),
        (0.995, 1.005, Verdict.NO_DIFFERENCE),
        (1.001, 1.009, Verdict.NO_DIFFERENCE),  # surely faster, but by less than counts
        (1.005, 1.02, Verdict.UNDECIDED),
        (0.95, 1.05, Verdict.UNDECIDED),
        (0.98, 1.0, Verdict.UNDECIDED),
    ],
)
def test_the_whole_interval_decides(low: float, high: float, expected: Verdict) -> None:
    assert verdict(Interval(math.sqrt(low * high), low, high), 0.01) is expected


@given(st.integers(1, 50), st.integers(1, 500), st.integers(1, 9))
def test_looks_ascend_to_the_last_pair(min_pairs: int, max_pairs: int, looks: int) -> None:
    schedule = look_schedule(min_pairs, max_pairs, looks)
    assert 1 <= len(schedule) <= looks
    assert list(schedule) == sorted(set(schedule))
    assert schedule[-1] == max(min_pairs, max_pairs)
    assert len(schedule) == 1 or schedule[0] == min_pairs


def decide(baseline: Floats, candidate: Floats) -> Verdict:
    """The sequential decision of five looks, as `measure.compare` takes it."""
    schedule = look_schedule(10, 60, 5)
    found = Verdict.UNDECIDED
    for count in schedule:
        confidence = look_confidence(0.95, len(schedule))
        found = verdict(interval(baseline[:count], candidate[:count], confidence=confidence))
        if found is not Verdict.UNDECIDED:
            break
    return found


@pytest.mark.parametrize("noise", [noisy_pairs, two_humped_pairs])
def test_looking_again_and_again_finds_no_gain_where_none_is(noise: Noise) -> None:
    generator = np.random.default_rng(1)
    found = [decide(*noise(generator, 60)) for _ in range(200)]
    assert found.count(Verdict.FASTER) + found.count(Verdict.SLOWER) <= 2


def test_two_percent_is_found() -> None:
    generator = np.random.default_rng(2)
    found = [decide(*noisy_pairs(generator, 60, 1.0204)) for _ in range(100)]
    assert found.count(Verdict.FASTER) >= 90


def race(true_speedups: list[float], rounds: int, seed: int) -> list[int]:
    """Who is left after some rounds with 0.5 % noise."""
    generator = np.random.default_rng(seed)
    baseline = 50e6 * generator.normal(1, 0.005, rounds)
    logs = [log_ratios(baseline, 50e6 / s * generator.normal(1, 0.005, rounds)) for s in true_speedups]
    return contenders(standings(logs))


def test_a_race_drops_the_slow_and_keeps_the_best() -> None:
    for seed in range(50):
        left = race([0.8, 1.0, 1.05, 1.3, 1.31], 4, seed)
        assert 4 in left and not {0, 1, 2} & set(left)


def test_a_race_without_a_gain_ends_empty() -> None:
    emptied = sum(race([1.0, 0.99, 0.9], 12, seed) == [] for seed in range(50))
    assert emptied >= 40


def test_one_round_drops_nobody() -> None:
    assert race([0.5, 1.0, 2.0], 1, 0) == [0, 1, 2]


def test_a_contender_may_be_the_best() -> None:
    assert contenders([Standing(1.2, 1.05), Standing(1.1, 1.05), Standing(1.15, 1.02)]) == [0, 1, 2]
    assert contenders([Standing(1.2, 1.01), Standing(1.1, 1.05)]) == [0]
    assert contenders([]) == []
