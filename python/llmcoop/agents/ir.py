"""The IR agent: has a language model rewrite one function of LLVM IR, with the compiler's parts as its tools."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from llmcoop.agents import ir_text, reading
from llmcoop.agents.conversation import BoundTool, Conversation
from llmcoop.agents.errands import Errands, served
from llmcoop.agents.rounds import rounds
from llmcoop.agents.workshop import EVALUATE, Workshop, name_of
from llmcoop.facts.values import Cpu
from llmcoop.judge import Function, Proposal, Verdict
from llmcoop.models import Model
from llmcoop.prompts import Prompts
from llmcoop.values import Candidate, Evaluation, Level, Measurement, Outcome

_AGENT = "ir"
_BLOCKS = ("llvm", "ll", "llvm-ir", "llvmir", "ir", "edit")
_LONGEST = 100_000  # characters of a function that a model can be asked to rewrite
_IDEA = 60  # characters


@dataclass(frozen=True, slots=True)
class IrBrief:
    """How the IR agent works on the functions of a module, and what it is told of them."""

    model: str  # its name
    calls_tools: bool
    rounds: int
    samples: int  # proposals a round
    conversation: int = 1  # the number of the first; each function takes the next one
    prompts: Path | None = None  # folder of prompts that go before ours
    sandbox: bool = True  # False is the user's --no-sandbox
    cpu: Cpu | None = None  # where versions are timed, and what the program is compiled for
    baseline_s: float | None = None  # what the workload takes the program as the user builds it; None: nothing is timed
    parent_speedup: float = 1.0  # of the version that is changed, over that
    shares: Mapping[str, float] = field(default_factory=dict)  # of the time (0 to 1), by function
    sources: Mapping[str, str] = field(default_factory=dict)  # functions in C, where they are known
    tried: tuple[str, ...] = ()  # earlier versions and what came of them, a text each


class IrAgent:
    """Proposes versions of functions, in conversations with a model."""

    def __init__(self, model: Model, prompts: Prompts, brief: IrBrief) -> None:
        self._model = model
        self._prompts = prompts
        self._brief = brief
        self._conversations = 0
        self.unusable = 0  # replies and tool calls that nothing could be made of

    def expand(self, function: Function, workshop: Workshop) -> Generator[Proposal, Verdict, None]:
        """Yield versions of a function and be sent the verdict on each, whether the model asks for it or is done.

        Raises ModelError, after the proposals that arrived nevertheless.
        """
        if len(function.ir) > _LONGEST:
            return
        number = self._brief.conversation + self._conversations
        self._conversations += 1
        yield from served(partial(self._talk, function, workshop, number))

    def _talk(self, function: Function, workshop: Workshop, number: int, errands: Errands) -> None:
        system = self._prompts.render(_AGENT, "system", brief=self._brief)
        conversation = Conversation(self._model, _AGENT, number, system, _tools(workshop, errands))
        proposals = rounds(
            conversation,
            self._task(function, workshop),
            partial(_read, workshop, errands),
            self._told,
            rounds=self._brief.rounds,
            samples=self._brief.samples,
        )
        try:
            _try_all(proposals, errands)
        finally:
            self.unusable += conversation.unusable

    def _task(self, function: Function, workshop: Workshop) -> str:
        return self._prompts.render(
            _AGENT,
            "task",
            brief=self._brief,
            function=function.name,
            ir=ir_text.shown(workshop.original.ir),
            cost=workshop.original.cost,
        )

    def _told(self, evaluation: Evaluation) -> str:
        accepted = evaluation.outcome is Outcome.ACCEPTED
        version = name_of(evaluation.candidate.text)
        return self._prompts.render(_AGENT, "outcome", version=version, accepted=accepted, message=evaluation.message)


def _tools(workshop: Workshop, errands: Errands) -> list[BoundTool]:
    """What the model may call; done by the thread that drives the agent."""

    def evaluate(arguments: Mapping[str, object]) -> str:
        version = errands.do(partial(workshop.admitted, str(arguments["ir"])))
        verdict = errands.propose(Proposal(_origin(str(arguments.get("idea", "")) or version.name), version.ir))
        return f"version {version.name}, {'accepted' if verdict.accepted else 'not accepted'}: {verdict.message}"

    def elsewhere(bound: BoundTool) -> BoundTool:
        return BoundTool(bound.tool, lambda arguments: errands.do(partial(bound.run, arguments)))

    return [*map(elsewhere, workshop.tools()), BoundTool(EVALUATE, evaluate)]


def _read(workshop: Workshop, errands: Errands, reply: str) -> Candidate:
    """The version in a reply. Raises Unusable."""
    block = reading.proposed(reply, _BLOCKS)
    _, _, base = block.info.partition(" ")
    version = errands.do(partial(workshop.admitted, block.text, base.strip()))
    return Candidate(Level.IR, _origin(_idea(reply) or version.name), text=version.ir, authored=True)


def _try_all(proposals: Generator[Candidate, Evaluation, None], errands: Errands) -> None:
    try:
        candidate = next(proposals)
        while True:
            verdict = errands.propose(Proposal(candidate.origin, candidate.text))
            candidate = proposals.send(_evaluation(candidate, verdict))
    except StopIteration:
        return


def _evaluation(candidate: Candidate, verdict: Verdict) -> Evaluation:
    """Of what the run or a cost model knows, the ratio and the words arrive here."""
    if verdict.speedup is None:
        return Evaluation(candidate, Outcome.REFUTED, message=verdict.message)
    outcome = Outcome.ACCEPTED if verdict.accepted else Outcome.NOT_FASTER
    measured = Measurement((), (), verdict.speedup, verdict.speedup, verdict.speedup)
    return Evaluation(candidate, outcome, measurement=measured, message=verdict.message)


def _idea(reply: str) -> str:
    """The first line that a model says."""
    said = (line.strip(" \t#*_>-") for line in reply.splitlines())
    first = next((line for line in said if line), "")
    return "" if first.startswith(("```", "~~~")) else first.rstrip(".:")


def _origin(idea: str) -> str:
    return f"{_AGENT} agent: {' '.join(idea.split())[:_IDEA]}"
