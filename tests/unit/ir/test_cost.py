"""The cost model puts versions of the same function in the right order."""

from __future__ import annotations

import pytest

from llmcoop.ir import Module

SUM = """
define i32 @f(ptr noalias %p, i64 %n, i32 %d) {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %sum = phi i32 [ 0, %entry ], [ %more, %loop ]
  %address = getelementptr i32, ptr %p, i64 %i
  %value = load i32, ptr %address
  %result = OPERATION i32 %value, %d
  %more = add i32 %sum, %result
  %next = add nuw nsw i64 %i, 1
  %done = icmp eq i64 %next, BOUND
  br i1 %done, label %exit, label %loop
exit:
  ret i32 %more
}
"""


def cost(source: str, pipeline: str = "", options: tuple[str, ...] = ()) -> float:
    module = Module.parse(source)
    if pipeline:
        module.run_passes(pipeline, options=options)
    return module.cost("f")


def with_parts(operation: str = "mul", bound: str = "%n") -> str:
    return SUM.replace("OPERATION", operation).replace("BOUND", bound)


def test_division_costs_more_than_multiplication() -> None:
    assert cost(with_parts("sdiv")) > 2 * cost(with_parts("mul"))


def test_a_vectorized_loop_costs_less() -> None:
    assert cost(with_parts(), "default<O3>") < 0.7 * cost(with_parts(), "default<O3>", ("-vectorize-loops=false",))


def test_known_trip_counts_count() -> None:
    assert cost(with_parts(bound="4000")) > 5 * cost(with_parts(bound="400"))


def test_loops_multiply() -> None:
    module = Module.parse(
        with_parts(bound="100").replace("@f", "@inner")
        + "define i32 @f(ptr %p) {\nentry:\n br label %loop\nloop:\n %i = phi i64 [0, %entry], [%n, %loop]\n"
        " %x = call i32 @inner(ptr %p, i64 %i, i32 3)\n %n = add i64 %i, 1\n %c = icmp eq i64 %n, 50\n"
        " br i1 %c, label %exit, label %loop\nexit:\n ret i32 %x\n}"
    )
    inner, outer = module.cost("inner"), module.cost("f")
    assert 50 * inner < outer < 60 * inner


def test_recursion_ends() -> None:
    assert cost("define i32 @f(i32 %n) {\n %x = call i32 @f(i32 %n)\n %y = call i32 @f(i32 %x)\n ret i32 %y\n}") > 0


def test_what_optimization_removes_costs_nothing() -> None:
    dead = "define i32 @f(i32 %a) {\n %b = sdiv i32 %a, 7\n %c = sdiv i32 %b, 9\n ret i32 %a\n}"
    assert cost(dead, "default<O2>") < cost(dead)


CHASE = """
define i64 @f(ptr %p) {
entry:
  br label %loop
loop:
  %node = phi ptr [ %p, %entry ], [ %next, %loop ]
  %sum = phi i64 [ 0, %entry ], [ %more, %loop ]
  %address = getelementptr i64, ptr %node, i64 1
  %value = load i64, ptr %address
  %more = add i64 %sum, %value
  %next = load ptr, ptr %node
  %done = icmp eq ptr %next, null
  br i1 %done, label %exit, label %loop
exit:
  ret i64 %more
}
"""
ONE_AFTER_THE_OTHER = """
define void @f(ptr %p, i64 %n) {
entry:
  br label %first
first:
  %i = phi i64 [ 0, %entry ], [ %i.next, %first ]
  %a = getelementptr i64, ptr %p, i64 %i
  store i64 %i, ptr %a
  %i.next = add nuw nsw i64 %i, 1
  %i.done = icmp eq i64 %i.next, 300
  br i1 %i.done, label %second, label %first
second:
  %j = phi i64 [ 0, %first ], [ %j.next, %second ]
  %b = getelementptr i64, ptr %p, i64 %j
  store i64 %n, ptr %b
  %j.next = add nuw nsw i64 %j, 1
  %j.done = icmp eq i64 %j.next, 500
  br i1 %j.done, label %exit, label %second
exit:
  ret void
}
"""


def test_unrolling_what_cannot_be_counted_is_no_gain() -> None:
    unrolled = cost(CHASE, "function(loop-unroll<O3>)", ("-unroll-count=4",))
    assert unrolled == pytest.approx(cost(CHASE), rel=0.1)


def test_a_loop_right_after_another_one_is_entered_once() -> None:
    loops = cost(ONE_AFTER_THE_OTHER)
    assert loops < 10 * (300 + 500)
    assert loops == pytest.approx(cost(ONE_AFTER_THE_OTHER, "function(loop-simplify)"), rel=0.05)
