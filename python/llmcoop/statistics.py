"""What timing samples say: robust ratio, interval, verdict, when to look, whom to drop. All of it pure.

Times are positive numbers of nanoseconds. Sample i of the baseline and sample i of the candidate were
taken side by side and form a pair; slow drift of the machine (frequency, neighbours) hits both and
cancels in their ratio. Everything works on the logarithm of pair ratios, so that swapping baseline and
candidate exactly inverts the answer.

Sources, named where they are used:
  Georges, Buytaert, Eeckhout: Statistically rigorous Java performance evaluation. OOPSLA 2007.
  Kalibera, Jones: Rigorous benchmarking in reasonable time. ISMM 2013.
  Efron, Tibshirani: An introduction to the bootstrap. 1993.
  Wilcox: Introduction to robust estimation and hypothesis testing. 4th ed. 2017.
  Hesterberg: What teachers should know about the bootstrap. The American Statistician 69(4), 2015.
  Jennison, Turnbull: Group sequential methods with applications to clinical trials. 2000.
  Maron, Moore: Hoeffding races. NIPS 1993. Birattari et al.: A racing algorithm (F-Race). GECCO 2002.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# A fifth from each end, Wilcox's default: over recorded runs as steady as the median, which fails on two
# humps, and half as wide as the mean.
TRIM = 0.2
RESAMPLES = 4000
# Each look has at least so many times the pairs of the one before.
LEAST_GROWTH = 1.4
# A median absolute deviation times this estimates the standard deviation of normal noise.
MAD_TO_SIGMA = 1.4826


class Verdict(StrEnum):
    """Where the whole interval of the speedup lies, for a threshold t: what is not shown is UNDECIDED."""

    FASTER = "faster"  # above 1 + t
    SLOWER = "slower"  # below 1 / (1 + t)
    NO_DIFFERENCE = "no-difference"  # between the two
    UNDECIDED = "undecided"  # across one of them


@dataclass(frozen=True, slots=True)
class Interval:
    """A speedup (baseline time / candidate time, over 1 is faster) and its confidence interval."""

    speedup: float
    low: float
    high: float

    @property
    def width(self) -> float:
        """Length of the interval relative to the speedup (0.01 is one percent)."""
        return (self.high - self.low) / self.speedup


def log_ratios(baseline_ns: ArrayLike, candidate_ns: ArrayLike) -> Floats:
    """Logarithm of baseline / candidate of each pair.

    Raises ValueError when the two differ in length, are empty, or hold a time that is not positive.
    """
    baseline = np.asarray(baseline_ns, dtype=np.float64)
    candidate = np.asarray(candidate_ns, dtype=np.float64)
    if baseline.ndim != 1 or baseline.shape != candidate.shape or baseline.size == 0:
        raise ValueError(f"pairs need equally many times, at least one: {baseline.shape} and {candidate.shape}")
    if baseline.min() <= 0 or candidate.min() <= 0:
        raise ValueError("a time is not positive")
    return np.log(baseline) - np.log(candidate)


def trimmed_mean(values: Floats) -> Floats:
    """Mean over the last axis without the `TRIM` share of values at each end (Wilcox 2017)."""
    ordered = np.sort(values, axis=-1)
    count = ordered.shape[-1]
    cut = int(TRIM * count)
    return ordered[..., cut : count - cut].mean(axis=-1)


def speedup(baseline_ns: ArrayLike, candidate_ns: ArrayLike) -> float:
    """The trimmed geometric mean of the pair ratios."""
    return math.exp(float(trimmed_mean(log_ratios(baseline_ns, candidate_ns))))


def interval(baseline_ns: ArrayLike, candidate_ns: ArrayLike, *, confidence: float = 0.95, seed: int = 0) -> Interval:
    """The speedup with its percentile bootstrap interval over pairs (Efron & Tibshirani 1993, chapter 13).

    It is the interval of the ratio itself, which says by how much, rather than two intervals that
    overlap or not (Kalibera & Jones 2013). Percentile, because it held its level on recorded runs of
    compute-bound and of two-humped memory-bound programs, where bootstrap-t and Yuen's t missed up to
    ten times too often at ten pairs. Its known defect, too narrow by sqrt((n-1)/n) and normal instead of
    t tails, is corrected by `expanded_tail`. The same samples and seed give the same interval.
    """
    logs = log_ratios(baseline_ns, candidate_ns)
    generator = np.random.default_rng(seed)
    chosen = generator.integers(0, logs.size, size=(RESAMPLES, logs.size))
    means = trimmed_mean(logs[chosen])
    tail = expanded_tail(confidence, logs.size)
    low, high = np.exp(np.quantile(means, (tail, 1 - tail)))
    return Interval(math.exp(float(trimmed_mean(logs))), float(low), float(high))


def expanded_tail(confidence: float, count: int) -> float:
    """The bootstrap quantile at which an interval of `count` values keeps `confidence` (Hesterberg 2015)."""
    if count < 2:
        return 0.0
    normal = NormalDist()
    z = -normal.inv_cdf((1 - confidence) / 2)
    df = count - 1
    # Student's t quantile by its expansion in 1/df (Abramowitz & Stegun 26.7.5).
    t = z + (z**3 + z) / (4 * df) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * df**2)
    return normal.cdf(-t * math.sqrt(count / df))


def verdict(measured: Interval, threshold: float = 0.01) -> Verdict:
    """Judge an interval, never the estimate alone (Georges et al. 2007).

    A difference under `threshold` (0.01 is one percent) counts as none, and the whole interval must lie
    beyond it, not only beyond 1: two copies of one file differ by some 0.3 % for as long as they stay in
    the same physical pages, and no number of samples averages that out.
    """
    upper, lower = 1 + threshold, 1 / (1 + threshold)
    if measured.low > upper:
        return Verdict.FASTER
    if measured.high < lower:
        return Verdict.SLOWER
    if measured.low >= lower and measured.high <= upper:
        return Verdict.NO_DIFFERENCE
    return Verdict.UNDECIDED


def look_schedule(min_pairs: int, max_pairs: int, looks: int) -> tuple[int, ...]:
    """After how many pairs to look: at most `looks` times, in geometric steps up to `max_pairs`.

    Fewer looks when the steps would be short: a look that adds few pairs costs confidence and tells nothing.
    """
    last = max(min_pairs, max_pairs)
    steps = min(looks - 1, int(math.log(last / min_pairs) / math.log(LEAST_GROWTH)))
    early = {round(min_pairs * (last / min_pairs) ** (step / steps)) for step in range(steps)}
    return tuple(sorted(early | {last}))


def look_confidence(confidence: float, looks: int) -> float:
    """The confidence of each look's interval so that all of them hold together with `confidence`.

    Looking again and again at a 95 % interval until it pleases is wrong far more often than in 5 %. The
    error is spent in equal parts (Bonferroni: needs no assumption on how looks depend on each other, and
    is 7 % wider than Pocock's exact constant for five looks; Jennison & Turnbull 2000, chapter 2).
    """
    return 1 - (1 - confidence) / looks


@dataclass(frozen=True, slots=True)
class Standing:
    """How a candidate stands in a race: its speedup so far, and how uncertain that is (a factor, over 1)."""

    speedup: float
    factor: float

    def may_exceed(self, other: float) -> bool:
        """Whether the true speedup could still be more than `other`."""
        return self.speedup * self.factor > other

    @property
    def at_least(self) -> float:
        """The speedup that is as good as certain."""
        return self.speedup / self.factor

    @property
    def at_most(self) -> float:
        """The speedup that it is as good as certain not to exceed."""
        return self.speedup * self.factor


def standings(logs: Sequence[Floats], *, confidence: float = 0.95) -> list[Standing]:
    """Compare several candidates that ran in the same rounds as the baseline.

    `logs` holds for each candidate its `log_ratios`, a value for each round. The noise is one figure
    pooled over all candidates (median absolute deviation from each one's median), because a handful of
    rounds is too few to estimate it for each alone; the confidence is shared out among them.
    """
    rows = np.array(logs)
    count, rounds = rows.shape
    centres = np.median(rows, axis=1)
    # Each row spent one degree of freedom on its own median.
    shrunk = math.sqrt(rounds / max(rounds - 1, 1))
    sigma = MAD_TO_SIGMA * shrunk * float(np.median(np.abs(rows - centres[:, None])))
    z = NormalDist().inv_cdf(1 - (1 - confidence) / (2 * count))
    # A median has pi/2 times the variance of a mean.
    margin = math.inf if rounds < 2 else z * sigma * math.sqrt(math.pi / 2 / rounds)
    factor = math.exp(margin) if margin < 100 else math.inf
    return [Standing(math.exp(centre), factor) for centre in centres]


def contenders(standing: Sequence[Standing], threshold: float = 0.01) -> list[int]:
    """Who stays in the race: may still beat the baseline by `threshold` and may still be the best of all.

    The rule of racing algorithms (Maron & Moore 1993; Birattari et al. 2002): drop one as soon as its upper
    bound falls below another's lower bound.
    """
    bar = max([1 + threshold, *(one.at_least for one in standing)])
    return [index for index, one in enumerate(standing) if one.may_exceed(bar)]
