"""Decide what the run does next: which proposer gets the next piece of the budget, or that it is enough."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What a run can do next."""

    SEARCH_RECIPES = "search recipes"  # passes, parameters and code generation of the whole program
    SEARCH_FUNCTIONS = "search functions"  # further passes on single hot functions, inside opt
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class State:
    """What a guide may base its decision on."""

    remaining_s: float  # of the budget, what confirming the winner needs already taken off
    remaining_candidates: int | None
    round_s: float  # what one more round of builds and timings will take
    recipes_exhausted: bool  # the recipe search proposes nothing that is likely to gain
    functions_exhausted: bool
    rounds_without_gain: int


class Guide:
    """A fixed order: recipes while they gain or promise to, then single functions, then stop.

    Recipes come first because one of them changes all of the program at the price of one measurement. After
    `PATIENCE` rounds without gain the single functions get a turn even if untried recipes are left.
    """

    PATIENCE = 3

    def next(self, state: State) -> Action:
        """The next action."""
        spent = state.remaining_candidates is not None and state.remaining_candidates <= 0
        if spent or state.remaining_s < state.round_s:
            return Action.STOP
        tired = state.rounds_without_gain >= self.PATIENCE
        if not state.functions_exhausted and (state.recipes_exhausted or tired):
            return Action.SEARCH_FUNCTIONS
        return Action.STOP if state.recipes_exhausted else Action.SEARCH_RECIPES
