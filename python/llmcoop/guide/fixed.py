"""The guide that looks at nothing but the budget: a fixed part of it for each level, in a fixed order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from llmcoop.guide import Action, ActionKind, State, quiet, total
from llmcoop.guide.search import SearchPolicy

SHARES: Mapping[ActionKind, float] = MappingProxyType({ActionKind.SOURCE: 0.6, ActionKind.IR: 0.2, ActionKind.ASM: 0.2})


@dataclass(frozen=True, slots=True)
class FixedPolicy:
    """Source, then IR, then assembly, always from the best candidate; a round of recipes after each expansion.

    What a level that is not possible would get goes to the others. What is left in the end goes to search.
    """

    shares: Mapping[ActionKind, float] = field(default_factory=lambda: SHARES)
    rest: SearchPolicy = field(default_factory=SearchPolicy)

    def next(self, state: State) -> Action:
        """See `Policy.next`."""
        recipes = state.fastest(ActionKind.RECIPES)
        last = state.steps[-1].action.kind if state.steps else None
        if recipes and last in self.shares and quiet(state.taken(ActionKind.RECIPES, recipes.parent)) == 0:
            return Action.of(recipes, "after each expansion comes a round of recipes")
        for kind in self._kinds(state):
            option = state.fastest(kind)
            if option and self._used(state, kind) < self._share(state, kind):
                return Action.of(option, f"{kind} has not had its part of the budget yet")
        return self.rest.next(state)

    def _kinds(self, state: State) -> list[ActionKind]:
        """The levels that are possible, or were, in their order."""
        known = {option.kind for option in state.options} | {step.action.kind for step in state.steps}
        return [kind for kind in self.shares if kind in known]

    def _share(self, state: State, kind: ActionKind) -> float:
        return self.shares[kind] / sum(self.shares[each] for each in self._kinds(state))

    def _used(self, state: State, kind: ActionKind) -> float:
        """The part of the whole budget that a level has had, the recipes after its expansions not counted."""
        return state.remaining.before(total(state.steps)).share(total(state.taken(kind)))
