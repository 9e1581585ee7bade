"""The IR agent as a proposer of the plugin: with the model of a run, or with one of the compiler's own."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from functools import partial

from llmcoop import record
from llmcoop.agents.ir import IrAgent, IrBrief
from llmcoop.agents.remote import RunModel, Timely
from llmcoop.agents.workshop import Workshop
from llmcoop.connection import Connection
from llmcoop.facts import mca
from llmcoop.ir.worker import Worker
from llmcoop.judge import Function, Proposal, Verdict
from llmcoop.models import Model
from llmcoop.models.client import OpenAIModel
from llmcoop.models.ledger import Ledger
from llmcoop.models.settings import ModelSettings
from llmcoop.prompts import Prompts
from llmcoop.toolchain import Toolchain
from llmcoop.values import Budget

Propose = Callable[[Function, Worker], Generator[Proposal, Verdict, None]]
Gate = Callable[[str, str], str | None]  # of a function's name and IR: why it can't be replaced, None when it can

_THIS_CPU = "native"
_ROUNDS = 3  # of a compiler that asks a model by itself
_RETRIES = 1


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user of a compiler says of a model."""

    model: str
    calls: int  # how often it may be asked
    budget_s: float


def by_run(connection: Connection, agent: object, gate: Gate, deadline: float) -> tuple[Propose, bool]:
    """The agent that a run wants, whose model answers through the run; and whether it wants a sandbox."""
    brief = record.load(IrBrief, agent)
    model = RunModel(connection, brief.model, brief.calls_tools)

    def count(unusable: int) -> None:
        connection.tell({"unusable": unusable})

    return _proposer(model, brief, gate, deadline, count), brief.sandbox


def by_server(settings: Settings, gate: Gate, deadline: float) -> Propose:
    """The agent with a model of its own, found through the environment as docs/models.md says. Raises UsageError."""
    asked = replace(
        ModelSettings.from_environment(settings.model), timeout_s=max(1.0, settings.budget_s), retries=_RETRIES
    )
    model = OpenAIModel(asked, Ledger(Budget(seconds=settings.budget_s, calls=settings.calls)))
    brief = IrBrief(settings.model, model.calls_tools, rounds=_ROUNDS, samples=1)
    return _proposer(model, brief, gate, deadline)


def _proposer(
    model: Model, brief: IrBrief, gate: Gate, deadline: float, count: Callable[[int], None] = lambda _: None
) -> Propose:
    """`count` is told after each function how many replies nothing could be made of so far."""
    agent = IrAgent(Timely(model, deadline), Prompts(brief.prompts), brief)
    cpu = brief.cpu.name if brief.cpu else _THIS_CPU

    def propose(function: Function, worker: Worker) -> Generator[Proposal, Verdict, None]:
        def report(assembly: str, name: str) -> str:
            return mca.report(Toolchain.find(), worker.sandbox, assembly, name, cpu)

        try:
            yield from agent.expand(function, Workshop(function, worker, partial(gate, function.name), report))
        finally:
            count(agent.unusable)

    return propose
