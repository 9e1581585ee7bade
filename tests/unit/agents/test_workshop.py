"""The workshop: what a model writes is completed and gated, and LLVM's tools say what they find."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from summing import BODY, CHANGED, SUM, workshop_of

from llmcoop.agents.reading import Unusable
from llmcoop.agents.workshop import Workshop
from llmcoop.errors import LLMCoopError
from llmcoop.ir.worker import Worker
from llmcoop.sandbox import Sandbox


@pytest.fixture(scope="module")
def worker(sandbox: Sandbox) -> Iterator[Worker]:
    with Worker(sandbox) as started:
        yield started


@pytest.fixture
def workshop(worker: Worker) -> Workshop:
    return workshop_of(worker)


def tool(workshop: Workshop, name: str, **arguments: str) -> str:
    (bound,) = (each for each in workshop.tools() if each.tool.name == name)
    return bound.run(arguments)


# What a model writes


def test_a_definition_alone_is_completed_from_its_module(workshop: Workshop) -> None:
    version = workshop.admitted(CHANGED)
    assert "mul nuw i32" in version.ir
    assert "!tbaa" in version.ir
    assert 'nofree nounwind memory(read) "target-cpu"' in version.ir


def test_what_a_reply_says_itself_goes_before(workshop: Workshop) -> None:
    table = "@table = private unnamed_addr constant [2 x i32] [i32 1, i32 2]\n"
    used = CHANGED.replace("%end = icmp", "%entry0 = load i32, ptr @table, align 4\n  %end = icmp")
    used = used.replace(
        "%more = add i32 %total, %square",
        "%least = call i32 @llvm.umin.i32(i32 %square, i32 -1)\n  %more = add i32 %total, %least",
    )
    version = workshop.admitted(table + used + "attributes #1 = { nounwind }\n!0 = !{!1, !1, i64 0}\n")
    assert "@table" in version.ir


def edit(old: str, new: str) -> str:
    return f"<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n"


def test_edits_change_the_original_or_the_version_that_is_named(workshop: Workshop) -> None:
    first = workshop.admitted(edit("%square = mul i32 %value, %value", "%square = mul nuw i32 %value, %value"))
    assert first.ir == workshop.admitted(CHANGED).ir
    second = workshop.admitted(edit("%next = add i64 %i, 1", "%next = add nuw i64 %i, 1"), first.name)
    assert "mul nuw" in second.ir
    assert "add nuw i64" in second.ir
    with pytest.raises(Unusable, match="is not in the file"):
        workshop.admitted(edit("%square = mul i64", "%square = add i64"))


def test_a_whole_module_is_taken_as_it_is(workshop: Workshop) -> None:
    assert workshop.admitted(SUM.replace(BODY, CHANGED)).ir == workshop.admitted(CHANGED).ir


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (BODY, "this is the function as it is"),
        ("original", "this is the function as it is"),
        ("v123456", "there is no version 'v123456'"),
        ("int sum(int *p) { return 0; }", "the IR is not valid"),
        (BODY.replace("mul i32 %value", "mul i64 %value"), "in: %square = mul i64 %value"),
        (BODY.replace("mul i32 %value, %value", "mul i32 %missing, %value"), "%missing"),
        (BODY.replace("@sum", "@other"), "does not define @sum"),
        (SUM + 'module asm ".globl evil"\n', "assembly outside of the function"),
        (BODY.replace("entry:\n", 'entry:\n  call void asm sideeffect "syscall", ""()\n'), "new inline assembly"),
        ("declare i32 @system(ptr)\n" + BODY.replace("entry:\n", "entry:\n  call i32 @system(ptr %p)\n"), "@system"),
        (BODY.replace("#0 {", '"target-cpu"="znver4" nofree nounwind memory(read) {'), "'target-cpu'"),
        (BODY.replace("entry:\n", "entry:\n  call i64 @llvm.x86.rdtsc()\n"), "@llvm.x86.rdtsc"),
        (SUM + "define void @evil() {\n  ret void\n}\n", "defines @evil"),
        ("\0\0\0", "does not define @sum"),
        ("\udc80", "the IR is not valid"),
    ],
)
def test_what_cant_replace_the_function_is_refused_with_the_reason(
    workshop: Workshop, written: str, reason: str
) -> None:
    with pytest.raises(Unusable, match=re.escape(reason)):
        workshop.admitted(written)


# Tools


def test_passes_make_a_version_that_has_a_name(workshop: Workshop) -> None:
    said = tool(workshop, "run_passes", pipeline="function(loop-unroll<O3>)", options="-unroll-runtime -unroll-count=4")
    match = re.match(r"version (v[0-9a-f]{6}), estimated cost [\d.]+ \(original: [\d.]+\):\n", said)
    assert match
    assert "define i32 @sum" in said
    assert workshop.admitted(match[1]).ir.count("mul i32") >= 4
    assert tool(workshop, "run_passes", pipeline="verify", ir=match[1]).startswith("the passes change nothing")


def test_what_llvm_says_of_a_pipeline_is_told(workshop: Workshop) -> None:
    with pytest.raises(LLMCoopError, match="unknown pass name 'loop-unrol'"):
        tool(workshop, "run_passes", pipeline="loop-unrol")
    with pytest.raises(LLMCoopError, match="-unroll-count"):
        tool(workshop, "run_passes", pipeline="loop-unroll", options="-unroll-cnt=3")


def test_analyses_print_and_nothing_else_is_run_as_one(workshop: Workshop) -> None:
    assert "{0,+,1}<%loop>" in tool(workshop, "analyze", **{"pass": "print<scalar-evolution>"})
    assert "vectorized loop" in tool(workshop, "analyze", **{"pass": "remarks"})
    with pytest.raises(Unusable, match="prints no analysis"):
        tool(workshop, "analyze", **{"pass": "function(print<loops>),strip"})


def test_the_machine_reports_on_a_version(workshop: Workshop) -> None:
    said = tool(workshop, "mca", ir=CHANGED)
    assert "imul" in said
    assert "znver3" in said
