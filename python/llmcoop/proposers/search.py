"""Search over recipes: which of LLVM's own levers, on top of the best recipe so far, is worth trying next."""

from __future__ import annotations

from collections.abc import Sequence

from llmcoop.proposers import Trial
from llmcoop.proposers.levers import Lever
from llmcoop.values import Candidate, Level, Outcome, Recipe

WORTHWHILE = 0.002  # a logarithm of a speedup; less than this is not worth a measurement
_NO_EFFECT = 4.0  # weight of a lever that left the code as it was, against 1 for its prior
_FAILURE = -0.04  # what a lever is charged when its candidate crashed the compiler or could not be timed


class RecipeSearch:
    """Greedy ascent with memory: levers are tried on top of the best recipe, the most promising first.

    The effect of a lever is learnt from every pair of trials that differ by just this lever, whatever else
    they had in common; an old observation counts less once the best recipe has changed under it. The method
    is the additive model that iterative-compilation work found to carry most of the signal (Agakov et al.,
    "Using Machine Learning to Focus Iterative Optimization", CGO 2006), with a prior instead of training.
    """

    def __init__(self, levers: Sequence[Lever], root: Candidate | None = None) -> None:
        """`root` is the source-level candidate that recipes lower; without one, it is the program itself."""
        self._levers = tuple(levers)
        self._parent = root.key if root else ""

    def propose(self, trials: Sequence[Trial], count: int) -> list[Candidate]:
        """See `Proposer.propose`."""
        tried = {trial.candidate.recipe.canonical(): trial for trial in trials}
        best = _best(trials)
        scored: dict[str, tuple[float, Candidate]] = {}
        for lever in self._levers:
            recipe = lever.applied(best)
            key = recipe.canonical()
            if key in tried or recipe == Recipe():
                continue
            score = _expected_effect(lever, best, tried)
            if score > WORTHWHILE and (key not in scored or scored[key][0] < score):
                scored[key] = (score, Candidate(Level.IR, f"search: {lever.name}", recipe, parent=self._parent))
        ranked = sorted(scored.values(), key=lambda entry: (-entry[0], entry[1].origin))
        return [candidate for _, candidate in ranked[:count]]


def _expected_effect(lever: Lever, best: Recipe, tried: dict[str, Trial]) -> float:
    """The prior, averaged with every observed effect; observations near the best recipe count twice."""
    total, weight = lever.prior, 1.0
    for trial in tried.values():
        changed = tried.get(lever.applied(trial.candidate.recipe).canonical())
        if changed is None or changed is trial:
            continue
        relevance = 1.5 if _related(trial.candidate.recipe, best) else 0.75
        if changed.outcome is Outcome.SAME_CODE and _effect(trial, changed) == 0.0:
            relevance = _NO_EFFECT  # certain, not measured
        total += relevance * _effect(trial, changed)
        weight += relevance
    return total / weight


def _best(trials: Sequence[Trial]) -> Recipe:
    timed = [trial for trial in trials if trial.log_speedup is not None]
    if not timed:
        return Recipe()
    return max(timed, key=lambda trial: trial.log_speedup or 0.0).candidate.recipe


def _effect(before: Trial, after: Trial) -> float:
    """What the lever did to the logarithm of the speedup; a candidate that failed counts as a loss."""
    if before.log_speedup is None or after.log_speedup is None:
        return _FAILURE
    return after.log_speedup - before.log_speedup


def _related(one: Recipe, other: Recipe) -> bool:
    return (one.clones, one.profile, one.options) == (other.clones, other.profile, other.options)
