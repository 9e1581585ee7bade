"""Policies on states that are made by hand: what each does next, and when it stops."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from llmcoop.guide import Action, ActionKind, Node, Option, Policy, Remaining, Spent, State, Step
from llmcoop.guide.bandit import BanditPolicy
from llmcoop.guide.fixed import FixedPolicy
from llmcoop.guide.search import SearchPolicy
from llmcoop.values import Level, Outcome

SOURCE, IR, ASM = ActionKind.SOURCE, ActionKind.IR, ActionKind.ASM
RECIPES, FUNCTIONS, TESTS, STOP = ActionKind.RECIPES, ActionKind.FUNCTIONS, ActionKind.TESTS, ActionKind.STOP
EVERYTHING = tuple(Option(kind) for kind in (SOURCE, IR, ASM, RECIPES, FUNCTIONS, TESTS))
START = State(Remaining(600.0, calls=40), round_s=7.0, call_s=60.0, options=EVERYTHING)
POLICIES = (SearchPolicy(), BanditPolicy(), FixedPolicy())


def accepted(key: str, speedup: float, parent: str = "", level: Level = Level.SOURCE) -> Node:
    return Node(key, parent, level, "", Outcome.ACCEPTED, math.log(speedup))


def step(kind: ActionKind, parent: str = "", gain: float = 1.0, calls: int = 0, seconds: float = 7.0) -> Step:
    """A step after which the best is `gain` times as fast as before."""
    return Step(Action(kind, parent), math.log(gain), Spent(seconds, calls))


def after(state: State, *steps: Step) -> State:
    """The state with these steps behind it and paid for."""
    left = state.remaining
    for each in steps:
        left = left.before(Spent(-each.spent.seconds, -each.spent.calls, -each.spent.tokens, -each.spent.usd))
    return replace(state, steps=(*state.steps, *steps), remaining=left)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    "state",
    [
        replace(START, remaining=Remaining(6.9, calls=40)),
        replace(START, remaining=Remaining(-math.inf)),
        replace(START, remaining=Remaining(600.0, candidates=0)),
        replace(START, options=()),
    ],
    ids=["no-time-for-a-round", "interrupted", "no-candidates-left", "nothing-possible"],
)
def test_stops_when_nothing_is_possible_or_affordable(policy: Policy, state: State) -> None:
    assert policy.next(state).kind is STOP


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("left", [{"calls": 0}, {"tokens": 0}, {"usd": 0.0}], ids=str)
def test_asks_no_model_that_it_can_not_pay(policy: Policy, left: dict) -> None:
    paid = step(SOURCE, calls=2)
    paid = replace(paid, spent=Spent(60.0, 2, 9000, 0.4))
    state = replace(START, steps=(paid,), remaining=Remaining(600.0, **left))
    assert not policy.next(state).kind.asks_model


def test_a_free_model_needs_no_money() -> None:
    free = replace(START, remaining=Remaining(600.0, usd=0.0), steps=(step(SOURCE, calls=2),))
    assert Option(SOURCE) in free.affordable


@pytest.mark.parametrize("policy", POLICIES)
def test_what_comes_next_depends_on_the_state_alone(policy: Policy) -> None:
    state = after(START, step(SOURCE, gain=1.2, calls=3, seconds=50), step(RECIPES))
    assert policy.next(state) == policy.next(state)
    assert policy.next(state) == type(policy)().next(state)


# Search


def test_search_goes_from_recipes_to_functions_to_the_end() -> None:
    policy, state = SearchPolicy(), START
    assert policy.next(state).kind is RECIPES
    state = after(START, step(RECIPES, gain=1.1), step(RECIPES), step(RECIPES))
    assert policy.next(state).kind is RECIPES
    state = after(state, step(RECIPES))
    assert policy.next(state).kind is FUNCTIONS
    state = after(state, step(FUNCTIONS, gain=1.02))
    state = replace(state, options=(Option(RECIPES), Option(FUNCTIONS, "a new champion")))
    assert policy.next(state).kind is RECIPES, "functions had their turn"
    assert policy.next(replace(state, options=state.options[1:])).kind is STOP


def test_search_takes_functions_at_once_when_recipes_are_exhausted() -> None:
    assert SearchPolicy().next(replace(START, options=(Option(FUNCTIONS),))).kind is FUNCTIONS


# Bandit


def test_the_bandit_tries_the_source_before_the_other_levels_of_a_model() -> None:
    options = tuple(Option(kind) for kind in (ASM, IR, SOURCE))
    assert BanditPolicy().next(replace(START, options=options)).kind is SOURCE


def test_the_bandit_gives_each_new_best_source_a_round_of_recipes() -> None:
    state = after(START, *(step(RECIPES) for _ in range(6)), step(SOURCE, gain=1.5, calls=4, seconds=80))
    state = replace(
        state, nodes=(accepted("a", 1.5),), options=(*EVERYTHING, Option(RECIPES, "a"), Option(SOURCE, "a"))
    )
    chosen = BanditPolicy().next(state)
    assert (chosen.kind, chosen.parent) == (RECIPES, "a")


def test_the_bandit_expands_the_best_source_and_goes_back_when_that_gains_nothing() -> None:
    options = (Option(SOURCE), Option(SOURCE, "a"))
    state = after(replace(START, nodes=(accepted("a", 1.3),), options=options), step(SOURCE, gain=1.3, calls=2))
    assert BanditPolicy().next(state).parent == "a"
    state = after(state, *(step(SOURCE, "a", calls=2) for _ in range(3)))
    assert BanditPolicy().next(state).parent == ""


def test_the_bandit_lowers_the_best_candidate() -> None:
    nodes = (accepted("a", 1.5), accepted("b", 2.0))
    options = tuple(Option(IR, key) for key in ("", "a", "b"))
    assert BanditPolicy().next(replace(START, nodes=nodes, options=options)).parent == "b"


def test_the_bandit_leaves_a_level_that_gains_nothing_for_one_that_does() -> None:
    nodes = (accepted("x", 1.4, level=Level.ASM),)
    options = (Option(IR), Option(ASM, "x"), Option(IR, "x"))
    state = after(
        replace(START, nodes=nodes, options=options),
        *(step(IR, calls=3, seconds=60) for _ in range(2)),
        step(ASM, gain=1.4, calls=3, seconds=60),
    )
    chosen = BanditPolicy().next(state)
    assert (chosen.kind, chosen.parent) == (ASM, "x")


def test_the_bandit_spends_scarce_calls_rarely() -> None:
    options = (Option(SOURCE), Option(RECIPES))
    short = replace(START, options=options, remaining=Remaining(10_000.0, calls=1))
    assert BanditPolicy().next(short).kind is RECIPES


def test_the_bandit_stops_when_nothing_promises_a_gain() -> None:
    state = after(replace(START, remaining=Remaining(1e6)), *(step(option.kind) for option in EVERYTHING * 15))
    chosen = BanditPolicy().next(state)
    assert chosen.kind is STOP
    assert "1%" in chosen.reason


def test_the_bandit_has_tests_written_where_they_would_help() -> None:
    assert all(BanditPolicy().promise(START, option) == 0 for option in EVERYTHING if option.kind is TESTS)
    weak = Node("w", "", Level.SOURCE, "", Outcome.WEAK, math.log(3.0), "too few tests")
    tired = after(replace(START, nodes=(weak,)), *(step(each, calls=1) for each in (SOURCE, IR, ASM) for _ in range(3)))
    tired = replace(tired, options=(Option(SOURCE), Option(IR), Option(TESTS)))
    assert BanditPolicy().next(tired).kind is TESTS


# Fixed split


def test_the_fixed_split_goes_through_the_levels_in_order() -> None:
    policy, kinds = FixedPolicy(), []
    state = replace(START, remaining=Remaining(3000.0, calls=20))
    while (action := policy.next(state)).kind is not STOP and len(kinds) < 100:
        kinds.append(action.kind)
        state = after(state, step(action.kind, action.parent, calls=2 if action.kind.asks_model else 0))
    asked = [kind for kind in kinds if kind.asks_model]
    assert asked == [SOURCE] * 6 + [IR] * 2 + [ASM] * 2
    assert kinds[:3] == [SOURCE, RECIPES, SOURCE], "a round of recipes, until those gain nothing"


def test_the_fixed_split_gives_the_part_of_an_impossible_level_to_the_others() -> None:
    options = (Option(IR), Option(ASM))
    state = replace(START, options=options, remaining=Remaining(3000.0, calls=10))
    for expected in (IR, IR, IR, ASM):
        action = FixedPolicy().next(state)
        assert action.kind is expected
        state = after(state, step(action.kind, calls=2))


def test_the_fixed_split_builds_on_the_fastest_candidate() -> None:
    nodes = (accepted("a", 1.2), accepted("b", 1.6), accepted("c", 1.4))
    options = tuple(Option(SOURCE, node.key) for node in nodes)
    assert FixedPolicy().next(replace(START, nodes=nodes, options=options)).parent == "b"
