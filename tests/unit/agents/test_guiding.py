"""A model that guides: what it is shown, what its replies do, and who decides when it can't."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from llmcoop.agents.guiding import GuidingAgent, ModelPolicy
from llmcoop.guide import Action, ActionKind, Node, Option, Remaining, Spent, State, Step
from llmcoop.models import BudgetSpent, ModelUnavailable, Reply, Request
from llmcoop.models.scripted import ScriptedModel
from llmcoop.prompts import Prompts
from llmcoop.values import Level, Outcome

NODES = (
    Node("k1", "", Level.SOURCE, "source: a | table\nlookup", Outcome.ACCEPTED, math.log(2.5)),
    Node("k2", "k1", Level.IR, "ir: widen", Outcome.DOES_NOT_COMPILE, None, "error: 'x'\nundefined"),
)
STATE = State(
    Remaining(300.0, calls=7, usd=0.25),
    round_s=7.0,
    call_s=60.0,
    nodes=NODES,
    steps=(Step(Action(ActionKind.SOURCE), math.log(2.5), Spent(80.0, 3, 9000, 0.02)),),
    options=(Option(ActionKind.SOURCE), Option(ActionKind.IR, "k1"), Option(ActionKind.RECIPES, "k1")),
)


class Asked:
    """A scripted model that remembers what it was asked."""

    name, calls_tools = "scripted", False

    def __init__(self, *replies: str) -> None:
        self._model = ScriptedModel({"guide": replies})
        self.requests: list[Request] = []

    def complete(self, request: Request) -> Reply:
        self.requests.append(request)
        return self._model.complete(request)


class Failing:
    """A model that always fails in the same way."""

    name, calls_tools = "failing", False

    def __init__(self, error: Exception) -> None:
        self._error = error

    def complete(self, request: Request) -> Reply:
        raise self._error


class Stopping:
    """A fallback that can be told from a model's decision."""

    def next(self, state: State) -> Action:
        return Action(ActionKind.STOP, reason="the fallback")


def decided(model: Asked | Failing, state: State = STATE) -> tuple[Action, GuidingAgent]:
    agent = GuidingAgent(model, Prompts())
    return ModelPolicy(agent, Stopping()).next(state), agent


def reply(number: object, reason: str = "it gained") -> str:
    return f'I think so.\n\n```json\n{{"action": {number}, "reason": "{reason}"}}\n```\n'


def test_the_model_sees_candidates_steps_budget_and_options() -> None:
    model = Asked(reply(1))
    decided(model)
    system, task = (message.content for message in model.requests[0].messages)
    assert "0 stops the run" in system
    for part in (
        "2.500x",
        "| C1 | source | the program | 2.500 | accepted | source: a / table lookup |",
        "| C2 | ir | C1 | not timed | does-not-compile | ir: widen | error: 'x' undefined |",
        "| source | the program | 2.500 | 80 | 3 |",
        "300 seconds, 7 model calls, 0.250 USD.",
        "0. stop\n1. ir, from C1 (2.500x); taken 0 times; about 60 s\n2. recipes, from C1 (2.500x)",
        "3. source, from the program (1.000x); taken 1 times; about 80 s",
    ):
        assert part in task
    assert "k1" not in task


def test_the_number_names_an_option_and_0_stops() -> None:
    action, agent = decided(Asked(reply(2, "cheap")))
    assert action == Action(ActionKind.RECIPES, "k1", "cheap")
    assert decided(Asked(reply(0, "enough")))[0] == Action(ActionKind.STOP, reason="enough")
    assert agent.unusable == 0


def test_each_decision_is_a_conversation_of_its_own() -> None:
    model = Asked(reply(1), reply(1))
    policy = ModelPolicy(GuidingAgent(model, Prompts()))
    policy.next(STATE)
    policy.next(replace(STATE, steps=STATE.steps * 2))
    turns = [request.turn for request in model.requests]
    assert [(turn.agent, turn.conversation, turn.number) for turn in turns] == [("guide", 2, 1), ("guide", 3, 1)]


BAD = ["no block", reply(4), reply(-1), reply('"1"'), reply("true"), "```json\n[1]\n```", "```json\n{]\n```", ""]


@pytest.mark.parametrize("bad", BAD)
def test_an_unusable_reply_gets_one_more_chance(bad: str) -> None:
    action, agent = decided(Asked(bad, reply(1)))
    assert (action.kind, agent.unusable) == (ActionKind.IR, 1)


@pytest.mark.parametrize("bad", BAD)
def test_after_two_unusable_replies_the_fallback_decides(bad: str) -> None:
    action, agent = decided(Asked(bad, bad))
    assert (action.reason, agent.unusable) == ("the fallback", 2)


def test_the_fallback_decides_when_the_budget_is_spent() -> None:
    assert decided(Failing(BudgetSpent("no calls left")))[0].reason == "the fallback"


def test_other_failures_of_the_model_pass_through() -> None:
    with pytest.raises(ModelUnavailable):
        decided(Failing(ModelUnavailable("gone")))


@pytest.mark.parametrize(
    "state",
    [replace(STATE, options=STATE.options[:1]), replace(STATE, remaining=Remaining(8.0, calls=7))],
    ids=["one-option", "one-affordable"],
)
def test_nobody_is_asked_where_there_is_no_choice(state: State) -> None:
    model = Asked()
    assert decided(model, state)[0].reason == "the fallback"
    assert model.requests == []


def test_a_long_history_is_cut_to_the_candidates_that_matter() -> None:
    nodes = tuple(Node(f"n{number}", "", Level.IR, "search", Outcome.NOT_FASTER, 0.0) for number in range(500))
    model = Asked(reply(1))
    decided(model, replace(STATE, nodes=(*NODES, *nodes), steps=STATE.steps * 200))
    task = model.requests[0].messages[-1].content
    assert "| C1 |" in task and "| C502 |" in task and "| C3 |" not in task
    assert "472 older ones left out" in task
    assert len(task) < 10_000


def test_a_project_can_write_its_own_prompt(tmp_path: Path) -> None:
    (tmp_path / "guide.md").write_text(
        "{% block system %}Decide.{% endblock %}{% block task %}{{ best }}: {{ choices|length }}{% endblock %}"
    )
    model = Asked(reply(1))
    GuidingAgent(model, Prompts(tmp_path)).choose(STATE, STATE.options)
    assert [message.content for message in model.requests[0].messages] == ["Decide.", f"{math.exp(STATE.best)}: 3"]
