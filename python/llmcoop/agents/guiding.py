"""The guiding agent: a model is shown where the run stands and says what comes next."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from llmcoop.agents import reading
from llmcoop.agents.conversation import Conversation
from llmcoop.agents.reading import Unusable
from llmcoop.guide import Action, ActionKind, Node, Option, Policy, State, Step
from llmcoop.guide.bandit import BanditPolicy
from llmcoop.models import BudgetSpent, Model
from llmcoop.prompts import Prompts

AGENT = "guide"
_PROGRAM = "the program"
_SHOWN_NODES = 30
_SHOWN_STEPS = 30
_SHOWN_OPTIONS = 24
_SHOWN_CHARACTERS = 160  # of an origin or a message


@dataclass(frozen=True, slots=True)
class Row:
    """A candidate, as the model sees it."""

    name: str
    level: str
    parent: str
    speedup: float | None  # over the baseline
    outcome: str
    origin: str
    message: str


@dataclass(frozen=True, slots=True)
class Past:
    """A step, as the model sees it."""

    kind: str
    parent: str
    gain: float  # the best speedup after / before
    seconds: float
    calls: float
    note: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A possible action, as the model sees it."""

    kind: str
    parent: str
    speedup: float  # of the parent, over the baseline
    taken: int  # how often it was taken already
    seconds: float  # that it will take, by what its kind took so far


class GuidingAgent:
    """Asks a model which option to take."""

    def __init__(self, model: Model, prompts: Prompts) -> None:
        self._model, self._prompts = model, prompts
        self.unusable = 0  # replies that nothing could be made of

    def choose(self, state: State, options: Sequence[Option]) -> Action:
        """One of the options, or STOP. Raises ModelError, and Unusable when the model names none twice."""
        system = self._prompts.render(AGENT, "system")
        conversation = Conversation(self._model, AGENT, len(state.steps) + 1, system)
        try:
            return conversation.ask(self._task(state, options), lambda reply: _chosen(reply, options))
        finally:
            self.unusable += conversation.unusable

    def _task(self, state: State, options: Sequence[Option]) -> str:
        names = {node.key: f"C{number}" for number, node in enumerate(state.nodes, 1)} | {"": _PROGRAM}
        rows = [_row(node, names) for node in _telling(state, options)]
        return self._prompts.render(
            AGENT,
            "task",
            best=math.exp(state.best),
            candidates=rows,
            left_out=len(state.nodes) - len(rows),
            steps=[_past(step, names) for step in state.steps[-_SHOWN_STEPS:]],
            remaining=state.remaining,
            choices=[_choice(option, state, names) for option in options],
        )


class ModelPolicy:
    """A model decides where there is something to decide; elsewhere, and when it can't, `fallback` does."""

    def __init__(self, agent: GuidingAgent, fallback: Policy | None = None) -> None:
        self._agent = agent
        self._fallback = fallback or BanditPolicy()

    def next(self, state: State) -> Action:
        """See `Policy.next`. Raises ModelError, but for a spent budget."""
        options = sorted(state.affordable, key=lambda option: -state.log_speedup(option.parent))[:_SHOWN_OPTIONS]
        if len(options) < 2:
            return self._fallback.next(state)
        try:
            return self._agent.choose(state, options)
        except (Unusable, BudgetSpent):
            return self._fallback.next(state)


def _chosen(reply: str, options: Sequence[Option]) -> Action:
    """What the model wants. Raises Unusable."""
    wanted = f"a number from 0 to {len(options)}"
    try:
        written = json.loads(reading.last_block(reply, ("json",)))
        number, reason = written["action"], str(written.get("reason", ""))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Unusable(f'the block must be JSON like {{"action": 1, "reason": "…"}}, with {wanted}') from None
    if type(number) is not int or not 0 <= number <= len(options):
        raise Unusable(f'"action" must be {wanted}, not {_line(json.dumps(number))}')
    if number == 0:
        return Action(ActionKind.STOP, reason=_line(reason))
    return Action.of(options[number - 1], _line(reason))


def _telling(state: State, options: Sequence[Option]) -> list[Node]:
    """The candidates to show, in their order: those that can be expanded, and of the others the latest."""
    parents = {option.parent for option in options}
    others = [node for node in state.nodes if node.key not in parents]
    room = max(0, _SHOWN_NODES - len(state.nodes) + len(others))
    shown = parents | {node.key for node in others[len(others) - min(room, len(others)) :]}
    return [node for node in state.nodes if node.key in shown]


def _row(node: Node, names: dict[str, str]) -> Row:
    speedup = None if node.log_speedup is None else math.exp(node.log_speedup)
    parent = names.get(node.parent, "?")
    return Row(names[node.key], node.level, parent, speedup, node.outcome, _line(node.origin), _line(node.message))


def _past(step: Step, names: dict[str, str]) -> Past:
    parent = names.get(step.action.parent, "?")
    spent = step.spent
    return Past(step.action.kind, parent, math.exp(step.gain), spent.seconds, spent.calls, _line(step.note))


def _choice(option: Option, state: State, names: dict[str, str]) -> Choice:
    return Choice(
        option.kind,
        names.get(option.parent, "?"),
        math.exp(state.log_speedup(option.parent)),
        len(state.taken(option.kind, option.parent)),
        state.cost(option.kind).seconds,
    )


def _line(text: str) -> str:
    """The beginning of a text, in one line that can stand in a table."""
    line = " ".join(text.replace("|", "/").split())
    return line if len(line) <= _SHOWN_CHARACTERS else f"{line[: _SHOWN_CHARACTERS - 1]}…"
