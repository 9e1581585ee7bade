"""The guide that learns from the run: what gained most for its cost gets more, what gained nothing gets less."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from llmcoop.guide import Action, ActionKind, Option, State, quiet
from llmcoop.guide.search import STOP_EXHAUSTED, STOP_UNAFFORDABLE
from llmcoop.values import Outcome

# What an action is hoped to gain before anything is known, as a natural logarithm: rather too much, so that
# everything gets a try. Published systems and our own runs agree that the source gives most.
PRIORS: Mapping[ActionKind, float] = MappingProxyType(
    {
        ActionKind.SOURCE: 0.4,
        ActionKind.RECIPES: 0.1,
        ActionKind.FUNCTIONS: 0.03,
        ActionKind.IR: 0.06,
        ActionKind.ASM: 0.06,
    }
)
_ROOTS = (ActionKind.SOURCE, ActionKind.RECIPES)  # what they gain carries over from one source to another
_MOST_GAIN = math.log(2)  # that one step may teach: a better algorithm is found once
_CONVINCED = 0.3  # chance that tests which a model writes turn weak evidence into enough


@dataclass(frozen=True, slots=True)
class BanditPolicy:
    """Takes what promises the most gain for its part of what is left of the budget.

    What an action promises: the mean gain of its kind over the candidates that it was tried on, where the prior counts
    as `weight` candidates; less by `fade` for each try on the same candidate that gained nothing. From a candidate
    that is behind the best one, a gain must first make up for that: with gains distributed exponentially of mean m and
    a distance d, what is expected beyond the best is m * exp(-d / m). So the best candidate comes first, and after
    some tries in vain an earlier one, or a sibling, has its turn.
    """

    priors: Mapping[ActionKind, float] = field(default_factory=lambda: PRIORS)
    weight: float = 2.0
    fade: float = 0.6
    least: float = math.log(1.01)  # an action that promises less is not worth it

    def next(self, state: State) -> Action:
        """See `Policy.next`."""
        promises = {option: self.promise(state, option) for option in state.affordable}
        worthy = [option for option, promise in promises.items() if promise >= self.least]
        if not promises:
            return STOP_UNAFFORDABLE if state.options else STOP_EXHAUSTED
        if not worthy:
            return Action(ActionKind.STOP, reason=f"nothing promises a gain of {math.expm1(self.least):.0%}")
        chosen = max(worthy, key=lambda option: promises[option] / _price(state, option.kind))
        reason = f"promises {math.expm1(promises[chosen]):.1%} for {_price(state, chosen.kind):.1%} of what is left"
        return Action.of(chosen, reason)

    def promise(self, state: State, option: Option) -> float:
        """The expected gain over the best so far, as a natural logarithm."""
        if option.kind is ActionKind.TESTS:
            return _worth_of_tests(state)
        hope = self._mean(state, option.kind) * self.fade ** quiet(state.taken(option.kind, option.parent))
        return hope * math.exp(-_distance(state, option) / hope) if hope > 0 else 0.0

    def _mean(self, state: State, kind: ActionKind) -> float:
        """Of the gains that a kind made from each candidate that it was tried on, and of the prior."""
        taken = state.taken(kind)
        tried = len({step.action.parent for step in taken})
        gained = sum(min(_MOST_GAIN, max(0.0, step.gain)) for step in taken)
        return (self.weight * self.priors.get(kind, 0.0) + gained) / (self.weight + tried)


def _distance(state: State, option: Option) -> float:
    """How far the candidate of an option is behind the one that it must beat."""
    rivals = state.best
    if option.kind in _ROOTS:
        rivals = max((state.log_speedup(each.parent) for each in state.options if each.kind in _ROOTS), default=0.0)
    return max(0.0, rivals - state.log_speedup(option.parent))


def _worth_of_tests(state: State) -> float:
    """What would be gained if a candidate with weak evidence were believed, times the chance of that."""
    weak = [node.log_speedup for node in state.nodes if node.outcome is Outcome.WEAK and node.log_speedup]
    lead = max(weak, default=0.0) - state.best
    return max(0.0, lead) * _CONVINCED / (1 + len(state.taken(ActionKind.TESTS)))


def _price(state: State, kind: ActionKind) -> float:
    """The part of what is left that an action of this kind takes."""
    return min(1.0, max(1e-6, state.remaining.share(state.cost(kind))))
