"""The guide of a run without a model: recipes while they gain or promise to, then single functions, then stop."""

from __future__ import annotations

from dataclasses import dataclass

from llmcoop.guide import Action, ActionKind, State, quiet

STOP_UNAFFORDABLE = Action(ActionKind.STOP, reason="the budget does not suffice for anything more")
STOP_EXHAUSTED = Action(ActionKind.STOP, reason="nothing is left to try")


@dataclass(frozen=True, slots=True)
class SearchPolicy:
    """A fixed order. It never asks for anything of a model.

    Recipes come first because one of them changes all of the program at the price of one measurement. After
    `patience` rounds without gain the single functions get a turn, once, even if untried recipes are left.
    """

    patience: int = 3

    def next(self, state: State) -> Action:
        """See `Policy.next`."""
        recipes, functions = state.fastest(ActionKind.RECIPES), state.fastest(ActionKind.FUNCTIONS)
        tired = recipes is None or quiet(state.taken(ActionKind.RECIPES, recipes.parent)) >= self.patience
        if functions and tired and not state.taken(ActionKind.FUNCTIONS):
            return Action.of(functions, "the recipes gain nothing more")
        if recipes:
            return Action.of(recipes, "untried recipes promise something")
        return STOP_UNAFFORDABLE if state.options and not state.affordable else STOP_EXHAUSTED
