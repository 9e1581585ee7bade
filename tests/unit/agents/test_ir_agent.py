"""The IR agent: what a model proposes is judged and told, inside a real opt."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from preparing import Prepare
from summing import CHANGED, FUNCTION, workshop_of

import llmcoop
from llmcoop.agents import ir_text
from llmcoop.agents.errands import served
from llmcoop.agents.ir import IrAgent, IrBrief
from llmcoop.agents.workshop import Workshop
from llmcoop.evaluate import Evaluator
from llmcoop.history import IDENTITY
from llmcoop.ir.worker import Worker
from llmcoop.judge import Proposal, Verdict
from llmcoop.models import BudgetSpent, Message, ModelUnavailable, Reply, Request, Role, ToolCall, ToolsRefused
from llmcoop.models.scripted import ScriptedModel
from llmcoop.prepare import Prepared
from llmcoop.prompts import Prompts
from llmcoop.proposers.functions import FunctionProposal, FunctionVerdict, expand_functions
from llmcoop.sandbox import Sandbox
from llmcoop.values import Candidate, Expectation, Invocation, Level

# The work is a constant that shows in the IR and not in the output.
SOURCE = """
#include <stdio.h>
#include <stdlib.h>
static volatile unsigned spin;
__attribute__((noinline)) unsigned work(unsigned n) {
  for (spin = 0; spin < n * 100019u;) spin++;
  return n + 1111;
}
int main(int argc, char **argv) {
  printf("%u\\n", work(argc > 1 ? (unsigned)atoi(argv[1]) : 1));
  return 0;
}
"""
ACCEPTED = FunctionVerdict(True, 2.0, "2.00 times as fast")


@pytest.fixture(scope="module")
def worker(sandbox: Sandbox) -> Iterator[Worker]:
    with Worker(sandbox) as started:
        yield started


@pytest.fixture
def workshop(worker: Worker) -> Workshop:
    return workshop_of(worker)


# Conversations


def proposals(
    workshop: Workshop, model: ScriptedModel, verdicts: Sequence[Verdict], samples: int = 1
) -> list[Proposal]:
    agent = IrAgent(model, Prompts(), IrBrief(model.name, model.calls_tools, rounds=3, samples=samples))
    steps = agent.expand(FUNCTION, workshop)
    made = [next(steps)]
    for verdict in verdicts:
        try:
            made.append(steps.send(verdict))
        except StopIteration:
            break
    steps.close()
    return made


def reply(ir: str) -> str:
    return f"Other flags.\n\n```llvm\n{ir}\n```\n"


def call(name: str, **arguments: str) -> Message:
    return Message(Role.ASSISTANT, "", (ToolCall("id", name, json.dumps(arguments)),))


def test_an_evaluation_in_between_is_a_proposal_too(workshop: Workshop) -> None:
    model = ScriptedModel({"ir": [call("evaluate", ir=CHANGED, idea="no overflow"), "```stop\nenough\n```"]})
    (made,) = proposals(workshop, model, [Verdict(True, 1.5, "fine")])
    assert made.pipeline == "ir agent: no overflow"
    assert made.authored


def test_samples_are_proposed_one_after_the_other(workshop: Workshop) -> None:
    texts = [CHANGED, CHANGED.replace("nuw", "nsw"), CHANGED.replace("nuw", "nuw nsw")]
    model = ScriptedModel({"ir": [*map(reply, texts), "```stop\n```"]}, repeat=True)
    made = proposals(workshop, model, [Verdict(False, None, "no")] * 3, samples=3)
    assert len({proposal.ir for proposal in made}) == 3


def test_an_agent_that_is_closed_leaves_no_thread_waiting(workshop: Workshop) -> None:
    steps = served(lambda errands: errands.propose(Proposal("first", "ir")) and None)
    assert next(steps).pipeline == "first"
    steps.close()


def test_what_the_talk_raises_comes_out() -> None:
    def talk(_: object) -> None:
        raise BudgetSpent("no calls are left")

    with pytest.raises(BudgetSpent, match="no calls are left"):
        next(served(talk))


# Inside opt


class Author:
    """A model that changes the function that it is shown: once so that it is not IR, once wrongly, once well."""

    name, calls_tools = "author", True

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def complete(self, request: Request) -> Reply:
        self.requests.append(request)
        shown = re.search(r"```llvm\n(.*?)```", request.messages[1].content, re.DOTALL)
        assert shown is not None
        body = ir_text.body(shown[1])
        texts = [
            body.replace("ret i32", "return i32"),
            body.replace(", 1111", ", 1112"),
            body.replace("100019", "10007"),
        ]
        return Reply(Message(Role.ASSISTANT, reply(texts[len(self.requests) - 1])))


@pytest.fixture(scope="module")
def program(prepare: Prepare) -> Prepared:
    return prepare(SOURCE, args=["3"], tests=[Expectation(Invocation(("2",)))])


def expand(
    program: Prepared,
    folder: Path,
    ask: Callable[[Request], Reply],
    judge: Callable[[FunctionProposal], FunctionVerdict] = lambda _: ACCEPTED,
    *,
    rounds: int = 2,
    budget_s: float = 60.0,
) -> str:
    (module,) = program.lowering.optimized(IDENTITY)
    brief = IrBrief("author", calls_tools=True, rounds=rounds, samples=1, conversation=7, shares={"work": 0.9})
    return expand_functions(
        program.toolchain,
        llmcoop.plugin_path(),
        module,
        ["work"],
        judge=judge,
        ask=ask,
        brief=brief,
        budget_s=budget_s,
        folder=folder,
    )


def test_a_model_improves_a_function_after_a_broken_and_a_wrong_one(program: Prepared, tmp_path: Path) -> None:
    evaluator = Evaluator(program.lowering, program.reference, program.baseline, program.open_runner, 10.0)
    program.lowering.remember(IDENTITY)
    verdicts: list[FunctionVerdict] = []
    author = Author()

    def judge(proposal: FunctionProposal) -> FunctionVerdict:
        assert proposal.authored
        candidate = Candidate(Level.IR, proposal.pipeline, text=proposal.ir, parent=IDENTITY.key, authored=True)
        evaluation = evaluator.check_one(candidate).evaluation
        refuted = FunctionVerdict(False, None, f"{evaluation.outcome}: 4 digits" if evaluation else "")
        verdicts.append(refuted if evaluation else ACCEPTED)
        return verdicts[-1]

    expand(program, tmp_path, author.complete, judge)
    assert [verdict.accepted for verdict in verdicts] == [False, True]
    last = [request.messages[-1].content for request in author.requests]
    assert "90% of the program's time" in last[0]
    assert last[1].startswith("That can't be used: the IR is not valid")
    assert "refuted: 4 digits" in last[2]
    assert [(each.turn.conversation, each.turn.number) for each in author.requests] == [(7, 1), (7, 2), (7, 3)]


def test_a_model_error_comes_out_after_what_was_proposed(program: Prepared, tmp_path: Path) -> None:
    author = Author()
    judged: list[FunctionProposal] = []

    def ask(request: Request) -> Reply:
        if len(author.requests) == 2:
            raise ModelUnavailable("the server is gone", "start it again")
        return author.complete(request)

    def judge(proposal: FunctionProposal) -> FunctionVerdict:
        judged.append(proposal)
        return ACCEPTED

    with pytest.raises(ModelUnavailable, match="the server is gone"):
        expand(program, tmp_path, ask, judge)
    assert len(judged) == 1


def test_a_server_that_takes_no_tools_is_asked_without(program: Prepared, tmp_path: Path) -> None:
    asked: list[Request] = []

    def ask(request: Request) -> Reply:
        asked.append(request)
        if request.tools:
            raise ToolsRefused("it takes none")
        return Reply(Message(Role.ASSISTANT, "```stop\n```"))

    expand(program, tmp_path, ask)
    assert "run_passes" in asked[1].messages[0].content


def test_no_process_of_opt_has_the_key(program: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    seen: list[bytes] = []

    def ask(_: Request) -> Reply:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if b"run.sock" in (process / "cmdline").read_bytes() and (process / "cwd").readlink() == tmp_path:
                    seen.append((process / "environ").read_bytes())
            except OSError:  # it has ended
                continue
        return Reply(Message(Role.ASSISTANT, "```stop\n```"))

    expand(program, tmp_path, ask)
    assert seen
    assert not any(b"sk-very-secret" in environment for environment in seen)


def test_nothing_is_asked_after_the_time_is_up(program: Prepared, tmp_path: Path) -> None:
    author = Author()

    def ask(request: Request) -> Reply:
        time.sleep(2.0)
        return author.complete(request)

    expand(program, tmp_path, ask, budget_s=1.5)
    assert len(author.requests) <= 1


def test_an_unexpected_error_of_the_model_ends_opt_too(program: Prepared, tmp_path: Path) -> None:
    def ask(_: Request) -> Reply:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        expand(program, tmp_path, ask, budget_s=300.0)
