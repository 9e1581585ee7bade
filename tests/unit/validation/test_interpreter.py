"""The concrete interpreter, on which the trust in counterexamples rests."""

from __future__ import annotations

import pytest
from exhaustive import undef

from llmcoop.ir import Module
from llmcoop.validation.interpreter import Behaviour, behaviours, refines


def run(text: str, *arguments: int | None) -> frozenset[Behaviour]:
    body = Module.parse(text).read("f")
    return behaviours(body, [frozenset({(argument,)}) for argument in arguments], undef)


def result(operation: str, *arguments: int | None, result: str = "i8") -> list[int | None] | str:
    """What `%r = operation` gives for i8 arguments %0 and %1."""
    takes = ", ".join("i8" for _ in arguments)
    (behaviour,) = run(f"define {result} @f({takes}) {{\n%r = {operation}\nret {result} %r\n}}", *arguments)
    return "undefined" if behaviour is None else sorted((lane for (lane,) in behaviour), key=repr)


@pytest.mark.parametrize(
    ("operation", "arguments", "expected"),
    [
        ("add nsw i8 %0, %1", (127, 1), [None]),
        ("add nsw i8 %0, %1", (127, 255), [126]),
        ("add nuw i8 %0, %1", (127, 255), [None]),
        ("sub nuw i8 %0, %1", (3, 4), [None]),
        ("mul nsw i8 %0, %1", (255, 128), [None]),
        ("shl i8 %0, %1", (1, 8), [None]),
        ("shl nsw i8 %0, %1", (192, 1), [128]),
        ("shl nsw i8 %0, %1", (64, 1), [None]),
        ("lshr exact i8 %0, %1", (3, 1), [None]),
        ("ashr i8 %0, %1", (128, 7), [255]),
        ("udiv i8 %0, %1", (1, 0), "undefined"),
        ("udiv i8 %0, %1", (1, None), "undefined"),
        ("udiv i8 %0, %1", (None, 1), [None]),
        ("sdiv i8 %0, %1", (128, 255), "undefined"),
        ("sdiv i8 %0, %1", (None, 255), "undefined"),
        ("sdiv i8 %0, %1", (249, 2), [253]),
        ("srem i8 %0, %1", (249, 2), [255]),
        ("sdiv exact i8 %0, %1", (249, 2), [None]),
        ("or disjoint i8 %0, %1", (1, 3), [None]),
        ("call i8 @llvm.fshl.i8(i8 %0, i8 %1, i8 9)", (0x81, 0x80), [3]),
        ("call i8 @llvm.sadd.sat.i8(i8 %0, i8 %1)", (128, 255), [128]),
        ("call i8 @llvm.usub.sat.i8(i8 %0, i8 %1)", (1, 2), [0]),
        ("call i8 @llvm.sshl.sat.i8(i8 %0, i8 %1)", (129, 2), [128]),
        ("call i8 @llvm.abs.i8(i8 %0, i1 false)", (128,), [128]),
        ("call i8 @llvm.abs.i8(i8 %0, i1 true)", (128,), [None]),
        ("call i8 @llvm.ctlz.i8(i8 %0, i1 false)", (1,), [7]),
        ("call i8 @llvm.cttz.i8(i8 %0, i1 false)", (0,), [8]),
        ("call i8 @llvm.cttz.i8(i8 %0, i1 true)", (0,), [None]),
        ("call i8 @llvm.bitreverse.i8(i8 %0)", (0x12,), [0x48]),
        ("call i8 @llvm.scmp.i8.i8(i8 %0, i8 %1)", (128, 1), [255]),
        ("call range(i8 0, 3) i8 @llvm.ctpop.i8(i8 %0)", (7,), [None]),
        ("freeze i8 %0", (5,), [5]),
    ],
)
def test_instructions(operation: str, arguments: tuple[int | None, ...], expected: list[int | None] | str) -> None:
    assert result(operation, *arguments) == expected


def test_each_use_of_undef_is_another_value() -> None:
    (behaviour,) = run("define i2 @f() {\n%r = sub i2 undef, undef\nret i2 %r\n}")
    assert behaviour == {(0,), (1,), (2,), (3,)}


def test_freeze_takes_one_value_for_all_uses() -> None:
    found = run("define i2 @f() {\n%f = freeze i2 poison\n%r = sub i2 %f, %f\nret i2 %r\n}")
    assert found == {frozenset({(0,)})}


def test_freeze_takes_each_value_in_some_run() -> None:
    found = run("define i2 @f() {\n%f = freeze i2 undef\nret i2 %f\n}")
    assert found == {frozenset({(value,)}) for value in range(4)}


def test_branching_on_undef_is_undefined() -> None:
    found = run("define i2 @f() {\nbr i1 undef, label %a, label %b\na:\nret i2 0\nb:\nret i2 0\n}")
    assert found == {None}


def test_a_condition_that_is_the_same_for_all_undef_is_defined() -> None:
    text = "%c = and i1 undef, false\nbr i1 %c, label %a, label %b\na:\nret i2 0\nb:\nret i2 1"
    assert run(f"define i2 @f() {{\n{text}\n}}") == {frozenset({(1,)})}


def test_the_arm_that_is_not_selected_may_be_poison() -> None:
    assert result("select i1 true, i8 %0, i8 poison", 7) == [7]
    assert result("select i1 poison, i8 %0, i8 %0", 7) == [None]


def test_refinement_of_behaviours() -> None:
    one, two, both = frozenset({(1,)}), frozenset({(2,)}), frozenset({(1,), (2,)})
    poison = frozenset({(None,)})
    assert refines(one, one)
    assert refines(one, both)
    assert not refines(both, one)
    assert not refines(one, two)
    assert refines(both, poison)
    assert not refines(poison, both)
    assert refines(None, None)
    assert refines(one, None)
    assert not refines(None, poison)
