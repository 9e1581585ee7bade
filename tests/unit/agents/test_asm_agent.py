"""The assembly agent: replies become candidates, outcomes become questions, and its tools use the real assembler."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from preparing import Prepare

from llmcoop import assembly
from llmcoop.agents.asm import AsmAgent, AsmBrief
from llmcoop.assembly import Assembler
from llmcoop.facts import Cpu
from llmcoop.history import IDENTITY
from llmcoop.models import Message, Model, Reply, Request, Role, ToolCall
from llmcoop.models.scripted import ScriptedModel
from llmcoop.prompts import Prompts
from llmcoop.sandbox import Sandbox
from llmcoop.toolchain import Toolchain
from llmcoop.values import Candidate, Evaluation, Invocation, Level, Measurement, Outcome

ORIGINAL = """\
	.text
	.globl	total
	.p2align	4
	.type	total,@function
total:
	xorl	%eax, %eax
	testq	%rsi, %rsi
	je	.LBB0_2
.LBB0_1:
	addl	(%rdi), %eax
	addq	$4, %rdi
	decq	%rsi
	jne	.LBB0_1
.LBB0_2:
	retq
	.size	total, .-total
"""
FASTER = ORIGINAL.replace("\taddq\t$4, %rdi\n\tdecq\t%rsi\n", "\tleaq\t4(%rdi), %rdi\n\tsubq\t$1, %rsi\n")
FASTEST = FASTER.replace("\txorl\t%eax, %eax\n", "\txorl\t%eax, %eax\n\t.p2align\t5\n")
CLOBBERS = FASTER.replace("\txorl\t%eax, %eax\n", "\txorl\t%eax, %eax\n\tmovl\t$1, %ebx\n")
MODULE = f"\t.text\n\t# -- Begin function total\n{ORIGINAL}\t# -- End function\n"
BRIEF = AsmBrief(
    parent=IDENTITY,
    function="total",
    assembly=ORIGINAL,
    module=MODULE,
    features="+cmov,+sse,+sse2",
    ir="define i32 @total(ptr %0, i64 %1)\n",
    source="unsigned total(const unsigned *x, size_t n);\n",
    share=0.75,
    cpu=Cpu("znver3", "A processor", "x86-64", ("avx2",), 32768, 1 << 20, 1 << 25),
    mca="IPC: 3.14",
    baseline_s=0.5,
    parent_speedup=1.0,
    tried=(),
    rounds=1,
    samples=1,
)


class Asked:
    """A scripted model that keeps what it is asked."""

    name, calls_tools = "asked", True

    def __init__(self, *replies: str | Message) -> None:
        self._model = ScriptedModel({"asm": replies})
        self.requests: list[Request] = []

    def complete(self, request: Request) -> Reply:
        self.requests.append(request)
        return self._model.complete(request)

    @property
    def heard(self) -> str:
        """The last message that it was sent."""
        return self.requests[-1].messages[-1].content


@pytest.fixture(scope="module")
def assembler(sandbox: Sandbox) -> Assembler:
    return Assembler(Toolchain.find(), sandbox)


def agent(model: Model, assembler: Assembler) -> AsmAgent:
    return AsmAgent(model, Prompts(), assembler)


def proposal(text: str, kind: str = "asm", idea: str = "Shorter way round the loop.") -> str:
    return f"{idea}\n\nThinking aloud.\n\n```{kind}\n{text}```\n"


def evaluation(candidate: Candidate, outcome: Outcome, speedup: float = 0.0, message: str = "") -> Evaluation:
    measured = Measurement((1,), (1,), speedup, speedup, speedup) if speedup else None
    return Evaluation(candidate, outcome, measurement=measured, message=message)


@pytest.mark.parametrize("kind", ["asm", "s", "assembly", "gas", ""])
def test_a_reply_becomes_a_candidate(kind: str, assembler: Assembler) -> None:
    candidate = next(agent(Asked(proposal(FASTER, kind)), assembler).expand(BRIEF, 1))
    assert candidate.level is Level.ASM
    assert (candidate.parent, candidate.recipe) == (IDENTITY.key, IDENTITY.recipe)
    assert candidate.text == FASTER
    assert candidate.authored
    assert candidate.origin == "asm agent: total: Shorter way round the loop."


def test_the_model_is_told_what_an_expert_would_ask_for(assembler: Assembler) -> None:
    candidate = Candidate(Level.ASM, "asm agent: total: unrolled", text=FASTER, parent=IDENTITY.key)
    tried = (evaluation(candidate, Outcome.NOT_FASTER, 0.97),)
    model = Asked(proposal(FASTER))
    next(agent(model, assembler).expand(replace(BRIEF, tried=tried, features="+sse2,+popcnt"), 3))
    (request,) = model.requests
    system, task = (message.content for message in request.messages)
    assert (request.turn.agent, request.turn.conversation) == ("asm", 3)
    assert {tool.name for tool in request.tools} == {"assemble", "mca"}
    for fact in ("A processor", "znver3", "these extensions: popcnt", "No `tzcnt`", "%r12-%r15", ".rodata"):
        assert fact in system
    assert "No `popcnt`" not in system
    for fact in (ORIGINAL, BRIEF.ir, BRIEF.source, "75%", "takes 0.5 s", "IPC: 3.14", "unrolled", "0.97"):
        assert fact in task


def test_outcomes_lead_to_the_next_round(assembler: Assembler) -> None:
    model = Asked(proposal(CLOBBERS), proposal(FASTER), proposal(FASTEST), "Done.\n\n```stop\nmemory\n```\n")
    expansion = agent(model, assembler).expand(replace(BRIEF, rounds=5), 1)
    first = next(expansion)
    second = expansion.send(evaluation(first, Outcome.DOES_NOT_COMPILE, message="line 7: %rbx changed"))
    assert "line 7: %rbx changed" in model.heard
    third = expansion.send(evaluation(second, Outcome.ACCEPTED, 1.25))
    assert "now the one to beat (1.250x" in model.heard
    with pytest.raises(StopIteration):
        expansion.send(evaluation(third, Outcome.NOT_FASTER, 1.0))
    assert "It was dropped" in model.heard
    assert [each.text for each in (first, second, third)] == [CLOBBERS, FASTER, FASTEST]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("No idea.", "no fenced block"),
        (proposal(FASTER)[:-4], "not closed"),
        (proposal(ORIGINAL), "as it was"),
        (proposal(ORIGINAL.replace("\t", "  ").replace("retq", "retq # done")), "as it was"),
        (proposal(FASTER.replace("total", "sum")), "whole function 'total'"),
        (proposal("\tretq\n"), "whole function 'total'"),
        (proposal(FASTER + FASTER.replace("total", "main")), "whole function 'total'"),
        ("```c\nint total;\n```\n", "no fenced block"),
        ("", "no fenced block"),
    ],
)
def test_what_is_no_proposal_gets_one_turn_to_mend(reply: str, reason: str, assembler: Assembler) -> None:
    model = Asked(reply, proposal(FASTER))
    one = agent(model, assembler)
    candidate = next(one.expand(BRIEF, 1))
    assert reason in model.heard
    assert candidate.text == FASTER
    assert one.unusable == 1
    twice = agent(Asked(reply, reply), assembler)
    assert list(twice.expand(BRIEF, 1)) == []
    assert twice.unusable == 2


def test_the_tools_say_what_is_wrong_with_a_version(assembler: Assembler) -> None:
    told = [
        call(assembler, "assemble", text)
        for text in (
            FASTER,
            CLOBBERS,
            FASTER.replace("leaq", "leax"),
            FASTER.replace("retq", "popcntl %eax, %eax\n\tretq"),
        )
    ]
    assert told[0].startswith("It assembles")
    assert "%rbx changed" in told[1]
    assert "line 11: invalid instruction mnemonic 'leax'" in told[2]
    assert "line 15: popcnt" in told[3]
    secret = call(assembler, "assemble", FASTER.replace("\tretq\n", '\tretq\n\t.incbin "/etc/passwd"\n'))
    assert ".incbin" in secret
    assert "root" not in secret
    assert "total" in call(assembler, "mca", FASTER)
    assert call(assembler, "mca", "total:\n\tfrobnicate\n").startswith("error")


def call(assembler: Assembler, tool: str, text: str) -> str:
    """What the model hears after a call of a tool."""
    wanted = ToolCall("1", tool, json.dumps({"asm": text}))
    model = Asked(Message(Role.ASSISTANT, "", (wanted,)), proposal(FASTER))
    next(agent(model, assembler).expand(BRIEF, 1))
    return model.heard


def test_a_proposal_runs_in_the_program(prepare: Prepare, assembler: Assembler) -> None:
    program = prepare(
        "#include <stdio.h>\n#include <stddef.h>\n"
        "__attribute__((noinline)) unsigned total(const unsigned *x, size_t n) {\n"
        "  unsigned sum = 0;\n  for (size_t i = 0; i < n; i++)\n    sum += x[i];\n  return sum;\n}\n"
        "int main(int argc, char **argv) {\n  static unsigned x[1000];\n  (void)argv;\n"
        "  for (unsigned i = 0; i < 1000; i++)\n    x[i] = i * i;\n"
        '  printf("%u\\n", total(x, 999 + (size_t)argc));\n  return 0;\n}\n'
    )
    finished = program.lowering.finish(IDENTITY)
    (module,) = finished.assembly
    brief = replace(
        BRIEF,
        assembly=assembly.function(module, "total"),
        module=module,
        features=assembly.features(finished.ir[0], "total"),
    )
    candidate = next(agent(Asked(proposal(FASTER)), assembler).expand(brief, 1))
    with program.open_runner([program.lowering.lower(candidate).executable]) as runner:
        assert runner.run(0, Invocation()).stdout == program.reference.workload.stdout
