"""alive-tv's own words, as recorded from it, and the tool itself where it is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmcoop.process import Completed
from llmcoop.sandbox import Sandbox
from llmcoop.validation import Answer, Validation
from llmcoop.validation.alive import AliveTv, understood

RECORDED = Path(__file__).parent / "alive-tv"


def completed(stdout: str = "", stderr: str = "", returncode: int = 0, *, timed_out: bool = False) -> Completed:
    return Completed(("alive-tv",), returncode, stdout.encode(), stderr.encode(), timed_out, 1.0)


def recorded(name: str, unroll: int | None = None) -> Validation:
    return understood(completed((RECORDED / f"{name}.txt").read_text()), unroll, 1.0)


@pytest.mark.parametrize(
    ("name", "answer", "detail"),
    [
        ("correct", Answer.CORRECT, "proved"),
        ("same", Answer.CORRECT, "proved"),
        ("always-undefined", Answer.CORRECT, "proved because the old function is always undefined"),
        ("poison", Answer.INCORRECT, "Target is more poisonous than source"),
        ("undef", Answer.INCORRECT, "Value mismatch"),
        ("pointers", Answer.INCORRECT, "Source is more defined than target"),
        ("branch", Answer.INCORRECT, "Source is more defined than target"),
        ("vectors", Answer.INCORRECT, "Target is more poisonous than source"),
        ("floats", Answer.INCORRECT, "Value mismatch"),
        ("memory", Answer.INCORRECT, "Mismatch in memory"),
        ("timeout", Answer.UNPROVED, "Timeout"),
        ("types", Answer.UNSUPPORTED, "program doesn't type check!"),
        ("arguments", Answer.UNSUPPORTED, "Signature mismatch between src and tgt"),
        ("unsupported-type", Answer.UNSUPPORTED, "Unsupported type: ppc_fp128"),
        ("no-function", Answer.UNSUPPORTED, "alive-tv finds no such function in both modules"),
    ],
)
def test_each_answer_is_kept_apart(name: str, answer: Answer, detail: str) -> None:
    validation = recorded(name)
    assert (validation.answer, validation.detail, validation.tool) == (answer, detail, "alive-tv")


def test_an_unsupported_instruction_is_named() -> None:
    validation = recorded("unsupported-instruction")
    assert validation.answer is Answer.UNSUPPORTED
    assert "atomicrmw" in validation.detail


def test_what_it_only_approximated_is_unproved() -> None:
    validation = recorded("approximated")
    assert validation.answer is Answer.UNPROVED
    assert "Unknown libcall: @sin" in validation.detail


def test_a_bound_is_never_a_proof() -> None:
    validation = recorded("bounded", unroll=2)
    assert (validation.answer, validation.unroll) == (Answer.BOUNDED, 2)


def test_the_same_loop_is_correct_without_a_bound() -> None:
    validation = recorded("same", unroll=2)
    assert (validation.answer, validation.unroll) == (Answer.CORRECT, None)


def test_a_loop_that_does_not_end_within_the_bound_is_unproved() -> None:
    validation = recorded("no-return", unroll=2)
    assert validation.answer is Answer.UNPROVED
    assert "increasing the unroll factor" in validation.detail


def test_a_loop_can_be_wrong_within_the_bound() -> None:
    validation = recorded("loop-wrong", unroll=2)
    assert validation.answer is Answer.INCORRECT
    assert validation.counterexample
    assert validation.counterexample.integers == (2,)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("poison", [("x", (1 << 31,))]),
        ("undef", [("x", ())]),
        ("pointers", [("p", ()), ("i", ((1 << 32) - 1,))]),
        ("branch", [("c", ()), ("x", ())]),
        ("vectors", [("x", (127, 0))]),
        ("floats", [("x", (1 << 63,))]),
    ],
)
def test_counterexamples(name: str, arguments: list[tuple[str, tuple[int, ...]]]) -> None:
    counterexample = recorded(name).counterexample
    assert counterexample
    assert [(argument.name, argument.lanes) for argument in counterexample.arguments] == arguments


def test_only_plain_integers_can_be_called_with() -> None:
    assert [each.integers for name in ("poison", "vectors", "undef") if (each := recorded(name).counterexample)] == [
        (1 << 31,),
        None,
        None,
    ]


def test_a_killed_or_crashed_run_is_unproved() -> None:
    assert understood(completed(timed_out=True, returncode=-9), None, 5.0).detail == "no answer within 5 s"
    crashed = understood(completed(stderr="PLEASE submit a bug report\nSegmentation fault", returncode=139), None, 1.0)
    assert crashed.answer is Answer.UNPROVED
    assert "Segmentation fault" in crashed.detail


def test_a_module_that_it_cannot_read_is_unsupported() -> None:
    said = completed(stderr="old.ll:2:8: error: expected instruction opcode\nCould not read bitcode", returncode=255)
    assert understood(said, None, 1.0).answer is Answer.UNSUPPORTED


FUNCTION = "define i32 @f(i32 %x) {{\n  %r = {}\n  ret i32 %r\n}}\n"


@pytest.fixture(scope="module")
def alive() -> AliveTv:
    found = AliveTv.find()
    if found is None:
        pytest.skip("ALIVE-TV IS NOT INSTALLED: only its recorded words were tested")
    return found


@pytest.mark.parametrize(
    ("operation", "answer"), [("shl i32 %x, 1", Answer.CORRECT), ("shl nuw i32 %x, 1", Answer.INCORRECT)]
)
def test_the_tool_itself(sandbox: Sandbox, alive: AliveTv, operation: str, answer: Answer) -> None:
    old, new = FUNCTION.format("mul i32 %x, 2"), FUNCTION.format(operation)
    validation = alive.validate(old, new, "f", sandbox=sandbox, seconds=20, unroll=None)
    assert validation.answer is answer, validation
