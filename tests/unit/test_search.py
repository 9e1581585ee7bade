"""The recipe search on programs whose response to every lever is known."""

from __future__ import annotations

import itertools

import pytest

from llmcoop.proposers import Trial
from llmcoop.proposers.levers import PROGRAM_LEVERS, Lever, function_levers, with_option
from llmcoop.proposers.search import RecipeSearch
from llmcoop.values import Candidate, FunctionRecipe, Level, Outcome, Recipe

IDENTITY = Trial(Candidate(Level.IR, "identity"), Outcome.SAME_CODE, 0.0)


def respond(recipe: Recipe, effects: dict[str, float]) -> float:
    """The logarithm of the speedup of a made-up program: the sum of what its settings do."""
    shown = recipe.canonical()
    return sum(effect for setting, effect in effects.items() if setting in shown)


def run(effects: dict[str, float], rounds: int, levers: tuple[Lever, ...] = PROGRAM_LEVERS) -> list[Trial]:
    search, trials = RecipeSearch(levers), [IDENTITY]
    for _ in range(rounds):
        for candidate in search.propose(trials, 8):
            trials.append(Trial(candidate, Outcome.ACCEPTED, respond(candidate.recipe, effects)))
    return trials


def best(trials: list[Trial]) -> float:
    return max(trial.log_speedup or 0.0 for trial in trials)


def test_combines_levers_that_gain_each_alone() -> None:
    effects = {"x86-64-v3": 0.2, "-enable-loopinterchange": 0.1, "-x86-cmov-converter=false": 0.05}
    assert best(run(effects, rounds=8)) == pytest.approx(0.35)


def test_leaves_out_levers_that_lose() -> None:
    effects = {'"profile"': 0.1, "x86-64": -0.2, "-polly": -0.5}
    trials = run(effects, rounds=8)
    winner = max(trials, key=lambda trial: trial.log_speedup or 0.0).candidate.recipe
    assert winner.profile
    assert not winner.clones
    assert "-polly" not in winner.options


def test_stops_when_nothing_changes_anything() -> None:
    trials = run({}, rounds=40)
    assert RecipeSearch(PROGRAM_LEVERS).propose(trials, 8) == []
    assert len(trials) < 2 * len(PROGRAM_LEVERS)


def test_never_proposes_a_recipe_twice() -> None:
    keys = [trial.candidate.key for trial in run({"-polly": 0.3, "x86-64-v3": 0.1}, rounds=20)]
    assert len(keys) == len(set(keys))


def test_equal_trials_give_equal_proposals() -> None:
    trials = run({"x86-64-v3": 0.1}, rounds=3)
    search = RecipeSearch(PROGRAM_LEVERS)
    assert search.propose(trials, 8) == search.propose(list(trials), 8)


def test_a_lever_whose_candidates_crash_the_compiler_is_dropped() -> None:
    lever = Lever((("options", "-polly"),), 0.03)
    other = Lever((("whole_program", True),), 0.03)
    search = RecipeSearch((lever, other))
    crashed = Trial(Candidate(Level.IR, "", lever.applied(Recipe())), Outcome.COMPILER_FAILED, None)
    gained = Trial(Candidate(Level.IR, "", other.applied(Recipe())), Outcome.ACCEPTED, 0.05)
    assert search.propose([IDENTITY, crashed, gained], 8) == []


def test_an_option_replaces_another_value_of_itself() -> None:
    assert with_option(("-a=1", "-b"), "-a=2") == ("-a=2", "-b")


def test_hints_for_one_function_are_merged() -> None:
    recipe = Recipe()
    for hint in (("unroll.count", "4"), ("inline", "never"), ("unroll.count", "8")):
        recipe = Lever((("functions", FunctionRecipe("f", (hint,))),), 0.0).applied(recipe)
    assert recipe.functions == (FunctionRecipe("f", (("inline", "never"), ("unroll.count", "8"))),)


def test_every_lever_changes_the_recipe_and_survives_the_store() -> None:
    for lever in itertools.chain(PROGRAM_LEVERS, function_levers(["hot"])):
        recipe = lever.applied(Recipe())
        assert recipe != Recipe()
        assert Recipe.parse(recipe.canonical()) == recipe
