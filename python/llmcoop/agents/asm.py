"""The assembly agent: has a model rewrite the machine code of one function."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass

from llmcoop import assembly
from llmcoop.agents import outcomes, reading
from llmcoop.agents.conversation import BoundTool, Conversation
from llmcoop.agents.reading import Unusable
from llmcoop.agents.rounds import rounds
from llmcoop.assembly import Assembler
from llmcoop.facts import Cpu, mca
from llmcoop.models import Model, Tool
from llmcoop.prompts import Prompts
from llmcoop.values import Candidate, Evaluation, Level, Outcome

AGENT = "asm"

_KINDS = ("asm", "s", "assembly", "gas", "nasm", "x86asm")
_ORIGIN_CHARACTERS = 60
_TEXT = {
    "type": "object",
    "properties": {"asm": {"type": "string", "description": "the whole function, with its directives"}},
    "required": ["asm"],
}
_ASSEMBLE = Tool(
    "assemble",
    "Check a version of the function against the rules and the allowed instructions, and assemble it.",
    _TEXT,
)
_MCA = Tool(
    "mca", "What llvm-mca says of the innermost loops of a version: cycles for an iteration, and the bottleneck.", _TEXT
)


@dataclass(frozen=True, slots=True)
class AsmBrief:
    """One function of one version of the program, for which faster code is wanted."""

    parent: Candidate
    function: str
    assembly: str  # of the function, as `assembly.function` gives it
    module: str  # the assembly that it stands in
    features: str  # what it is compiled for, as `assembly.features` gives it
    ir: str  # its optimized IR, for reference; empty if it is too long
    source: str  # its C; empty where it is not known
    share: float  # of the time, 0 to 1
    cpu: Cpu
    mca: str  # what llvm-mca says of its loops; empty where it is not known
    baseline_s: float  # what the workload takes the program as the user builds it
    parent_speedup: float  # of the parent over that
    tried: tuple[Evaluation, ...]  # earlier candidates at this level
    rounds: int
    samples: int  # proposals a round

    @property
    def extensions(self) -> tuple[str, ...]:
        """What the function may use beyond SSE2: "sse4.2", "avx2", …"""
        return tuple(assembly.extensions(self.features))


class AsmAgent:
    """Proposes candidates at assembly level."""

    def __init__(self, model: Model, prompts: Prompts, assembler: Assembler) -> None:
        self._model, self._prompts, self._assembler = model, prompts, assembler
        self.unusable = 0  # replies and tool calls that nothing could be made of

    def expand(self, brief: AsmBrief, number: int) -> Generator[Candidate, Evaluation, None]:
        """Yield rewrites of a function and be sent what came of each; `number` is the conversation's.

        Raises ModelError, and UsageError when a prompt is broken.
        """
        rewriting = _Rewriting(brief, self._prompts)
        system = self._prompts.render(AGENT, "system", brief=brief)
        conversation = Conversation(self._model, AGENT, number, system, _tools(brief, self._assembler))
        try:
            yield from rounds(
                conversation,
                rewriting.task(),
                rewriting.read,
                rewriting.tell,
                rounds=brief.rounds,
                samples=brief.samples,
            )
        finally:
            self.unusable += conversation.unusable


class _Rewriting:
    """One task, and how fast the best version of it was so far."""

    def __init__(self, brief: AsmBrief, prompts: Prompts) -> None:
        self._brief, self._prompts = brief, prompts
        self._speedup = brief.parent_speedup

    def task(self) -> str:
        tried = [outcomes.summary(each) for each in self._brief.tried]
        return self._prompts.render(AGENT, "task", brief=self._brief, tried=tried)

    def tell(self, evaluation: Evaluation) -> str:
        """What the model hears of its proposal."""
        before = self._speedup
        speedup = evaluation.measurement.speedup if evaluation.measurement else 0.0
        improved = evaluation.outcome is Outcome.ACCEPTED and speedup > before
        if improved:
            self._speedup = speedup
        return self._prompts.render(
            AGENT,
            "outcome",
            outcome=evaluation.outcome,
            description=outcomes.describe(evaluation, self._brief.baseline_s, before),
            improved=improved,
            speedup=self._speedup,
        )

    def read(self, reply: str) -> Candidate:
        """The candidate that a reply proposes. Raises Unusable."""
        text = reading.last_block(reply, _KINDS)
        name = self._brief.function
        if assembly.defined(text) != (name,):
            raise Unusable(
                f"the block must hold the whole function '{name}' and no other, from its directives "
                f"(.type\t{name},@function) to .size"
            )
        if assembly.same(text, self._brief.assembly):
            raise Unusable("the function is as it was; change it, or end with a block ```stop")
        return Candidate(
            Level.ASM,
            f"asm agent: {name}: {_idea(reply)}",
            recipe=self._brief.parent.recipe,
            text=text,
            parent=self._brief.parent.key,
            authored=True,
        )


def _tools(brief: AsmBrief, assembler: Assembler) -> tuple[BoundTool, ...]:
    def assemble(arguments: Mapping[str, object]) -> str:
        assembler.rewritten(brief.module, brief.function, str(arguments["asm"]), brief.features)
        return "It assembles, and no rule speaks against it."

    def analyse(arguments: Mapping[str, object]) -> str:
        text = str(arguments["asm"])
        return mca.report(assembler.toolchain, assembler.sandbox, text, brief.function, brief.cpu.name)

    return BoundTool(_ASSEMBLE, assemble), BoundTool(_MCA, analyse)


def _idea(reply: str) -> str:
    """The first words of a reply, if it does not begin with a block."""
    said = (" ".join(line.strip(" \t\r#*_>-").split()) for line in reply.split("\n"))
    first = next((line for line in said if line), "")
    return "no summary" if first.startswith(("```", "~~~")) else first[:_ORIGIN_CHARACTERS]
