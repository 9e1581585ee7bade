"""`validate`, through the worker in the sandbox, on functions of real widths."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from llmcoop.ir import IRError
from llmcoop.ir.worker import Worker
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.validation import Answer, Validation, validate
from llmcoop.validation.alive import AliveTv


@pytest.fixture(scope="module")
def worker(sandbox: Sandbox) -> Iterator[Worker]:
    with Worker(sandbox, Limits(cpu_s=20, wall_s=20, memory_bytes=2 << 30)) as started:
        yield started


@pytest.fixture(autouse=True)
def _only_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers must not depend on what this machine has on PATH."""
    monkeypatch.setattr(AliveTv, "find", staticmethod(lambda: None))


def function(body: str, takes: str = "i32 noundef %x, i32 noundef %y", returns: str = "i32") -> str:
    return f"define {returns} @f({takes}) {{\n{body}\n}}\n"


def ask(worker: Worker, old: str, new: str, seconds: float = 10.0) -> Validation:
    return validate(old, new, "f", seconds=seconds, worker=worker)


def test_a_right_rewrite_is_proved(worker: Worker) -> None:
    old = function("%m = urem i32 %x, 16\n%r = mul i32 %m, 8\nret i32 %r")
    new = function("%m = shl i32 %x, 3\n%r = and i32 %m, 120\nret i32 %r")
    validation = ask(worker, old, new)
    assert (validation.answer, validation.tool) == (Answer.CORRECT, "llmcoop")


def test_a_wrong_rewrite_comes_with_arguments_to_call_it_with(worker: Worker) -> None:
    old = function("%c = icmp slt i32 %x, %y\n%r = zext i1 %c to i32\nret i32 %r")
    new = function("%d = sub i32 %x, %y\n%r = lshr i32 %d, 31\nret i32 %r")
    validation = ask(worker, old, new)
    assert validation.answer is Answer.INCORRECT
    assert validation.counterexample
    assert validation.counterexample.integers
    x, y = (value - (1 << 32) if value >> 31 else value for value in validation.counterexample.integers)
    assert (x < y) != ((x - y) % (1 << 32) >> 31)


def test_a_counterexample_with_undef_is_not_one_of_integers(worker: Worker) -> None:
    old = function("%r = shl i32 %x, 1\nret i32 %r", "i32 %x")
    new = function("%r = add i32 %x, %x\nret i32 %r", "i32 %x")
    validation = ask(worker, old, new)
    assert validation.answer is Answer.INCORRECT
    assert validation.counterexample
    assert validation.counterexample.integers is None
    assert "undef" in str(validation.counterexample)


LOOP = """
  br label %loop
loop:
  %i = phi i32 [ 0, %0 ], [ %n, %loop ]
  %n = add i32 %i, {step}
  %c = icmp ult i32 %n, %x
  br i1 %c, label %loop, label %end
end:
  ret i32 %n"""


@pytest.mark.parametrize(
    "text",
    [
        function(LOOP.format(step=1)),
        function("%r = load i32, ptr %p\nret i32 %r", "ptr %p"),
        'source_filename = "x.c"\n' + function("%value = add i32 %x, %y\nret i32 %value"),
    ],
)
def test_the_same_code_is_correct_whatever_it_does(worker: Worker, text: str) -> None:
    renamed = text.replace("%value", "%sum").replace("%n", "%next").replace("x.c", "y.c")
    validation = ask(worker, text, renamed)
    assert (validation.answer, validation.detail) == (Answer.CORRECT, "the same code")


def test_the_same_function_over_another_constant_is_not_the_same_code(worker: Worker) -> None:
    reads = function("%r = load i32, ptr @table\nret i32 %r")
    old, new = (f"@table = internal constant i32 {value}\n{reads}" for value in (1, 2))
    assert ask(worker, old, new).answer is Answer.UNSUPPORTED


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (function(LOOP.format(step=1)), function(LOOP.format(step=2)), "a loop"),
        (
            function("%r = load i32, ptr %p\nret i32 %r", "ptr %p"),
            function("ret i32 0", "ptr %p"),
            "type ptr",
        ),
        (
            function("%r = fadd double %x, 0.0\nret double %r", "double %x", "double"),
            function("ret double %x", "double %x", "double"),
            "type double",
        ),
        (
            "declare i32 @g(i32)\n" + function("%r = call i32 @g(i32 %x)\nret i32 %r"),
            function("ret i32 %x"),
            "a call of @g",
        ),
        (function("ret i32 %x"), function("ret i32 %x", "i32 noundef %x"), "signatures differ"),
        (function("ret i256 %x", "i256 %x", "i256"), function("ret i256 0", "i256 %x", "i256"), "type i256"),
        (
            function("ret i32 %x", "i32 returned %x"),
            function("%r = add i32 %x, 0\nret i32 %r", "i32 returned %x"),
            "attribute returned",
        ),
        (
            function("ret i32 %x"),
            "@g = external global i32\n" + function("%r = add i32 ptrtoint (ptr @g to i32), %x\nret i32 %r"),
            "@g",
        ),
        (
            function("ret i32 %x"),
            function('call void @llvm.assume(i1 true) [ "align"(ptr null, i64 8) ]\nret i32 %x'),
            "operand bundles",
        ),
    ],
)
def test_all_else_is_unsupported_with_the_reason(worker: Worker, old: str, new: str, reason: str) -> None:
    validation = ask(worker, old, new)
    assert validation.answer is Answer.UNSUPPORTED
    assert reason in validation.detail


def test_code_that_is_never_reached_may_be_anything(worker: Worker) -> None:
    dead = function("ret i32 %x\ndead:\n%v = load i32, ptr null\nret i32 %v")
    assert ask(worker, dead, function("%r = add i32 %x, 0\nret i32 %r")).answer is Answer.CORRECT


# A product of two 64-bit integers that is a given product of two primes: no solver finds the factors in a second.
HARD = """
  %xx = zext i64 %x to i128
  %yy = zext i64 %y to i128
  %p = mul i128 %xx, %yy
  %c = icmp eq i128 %p, 1000000000000000012000000000000000027
  %a = icmp ugt i64 %x, 1
  %b = icmp ugt i64 %y, 1
  %ab = and i1 %a, %b
  %r = and i1 %ab, %c
  ret i1 %r"""


def test_a_solver_that_takes_too_long_is_stopped(worker: Worker) -> None:
    takes = "i64 noundef %x, i64 noundef %y"
    started = time.monotonic()
    validation = ask(worker, function(HARD, takes, "i1"), function("ret i1 false", takes, "i1"), seconds=1.0)
    assert validation.answer is Answer.UNPROVED
    assert time.monotonic() - started < 30
    assert ask(worker, function("ret i32 %x"), function("%r = or i32 %x, 0\nret i32 %r")).answer is Answer.CORRECT


def test_what_is_no_module_is_an_error(worker: Worker) -> None:
    with pytest.raises(IRError, match="expected"):
        ask(worker, function("ret i32 %x"), "define nonsense")
    with pytest.raises(IRError, match="does not define a function 'f'"):
        ask(worker, function("ret i32 %x"), "")
    with pytest.raises(IRError):
        ask(worker, function("ret i32 %x"), function("%r = add i32 %r, 1\nret i32 %r"))
