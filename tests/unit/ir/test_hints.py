"""Hints for one function reach the pass that they are for, and nothing else."""

from __future__ import annotations

import pytest

from llmcoop.ir import IRError, Module

LOOP = """
define {type} @{name}(ptr %p) {{
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %sum = phi {type} [ {zero}, %entry ], [ %more, %loop ]
  %address = getelementptr {type}, ptr %p, i64 %i
  %value = load {type}, ptr %address
  %more = {add} {type} %sum, %value
  %next = add i64 %i, 1
  %done = icmp eq i64 %next, 1000
  br i1 %done, label %exit, label %loop
exit:
  ret {type} %more
}}
"""
INTEGERS = LOOP.format(name="f", type="i32", zero="0", add="add")
DOUBLES = LOOP.format(name="f", type="double", zero="0.0", add="fadd")


def test_unroll_count() -> None:
    module = Module.parse(INTEGERS)
    assert module.set_hints("f", [("unroll.count", "5")]) == []
    module.run_passes("loop-unroll")
    assert module.text.count("= load i32") == 5


def test_vectorize_width() -> None:
    module = Module.parse(INTEGERS)
    options = module.set_hints("f", [("vectorize.width", "16"), ("interleave.count", "2")])
    module.run_passes("loop-vectorize", options=options)
    assert module.text.count("load <16 x i32>") == 2


def test_vectorization_never_reorders_floating_point() -> None:
    module = Module.parse(DOUBLES)
    options = module.set_hints("f", [("vectorize.width", "4"), ("vectorize.enable", "true")])
    module.run_passes("default<O3>", options=options)
    assert "fadd <4 x double>" not in module.text


def test_vectorization_hints_keep_away_from_pragmas() -> None:
    pragma = "br i1 %done, label %exit, label %loop, !llvm.loop !0\nexit:"
    source = DOUBLES.replace("br i1 %done, label %exit, label %loop\nexit:", pragma)
    source += '!0 = distinct !{!0, !1}\n!1 = !{!"llvm.loop.vectorize.enable", i1 true}\n'
    source += INTEGERS.replace("@f", "@g")
    with pytest.raises(IRError, match="'f' has vectorization pragmas"):
        Module.parse(source).set_hints("g", [("vectorize.width", "4")])
    assert Module.parse(source).set_hints("g", [("unroll.count", "4")]) == []


def test_two_functions_can_have_vectorization_hints() -> None:
    module = Module.parse(INTEGERS + INTEGERS.replace("@f", "@g"))
    module.set_hints("f", [("vectorize.width", "8")])
    options = module.set_hints("g", [("vectorize.width", "2")])
    module.run_passes("loop-vectorize", options=options)
    assert "load <8 x i32>" in module.extract(["f"]).text
    assert "load <2 x i32>" in module.extract(["g"]).text


def test_a_later_hint_replaces_an_earlier_one() -> None:
    module = Module.parse(INTEGERS)
    module.set_hints("f", [("unroll.count", "5")])
    module.set_hints("f", [("unroll.count", "2")])
    assert "i32 5}" not in module.text
    module.verify()


def test_inline_hints() -> None:
    source = "define void @g(ptr %p) {\n store volatile i32 1, ptr %p\n ret void\n}\n"
    source += "define void @f(ptr %p) {\n call void @g(ptr %p)\n ret void\n}"
    for hint, inlined in (("never", False), ("always", True)):
        module = Module.parse(source)
        module.set_hints("g", [("inline", hint)])
        module.run_passes("default<O2>")
        assert ("call void @g(" not in module.text) == inlined


def test_attributes() -> None:
    module = Module.parse(INTEGERS)
    module.set_hints("f", [("prefer-vector-width", "256"), ("cold", "true"), ("tune-cpu", "znver4")])
    assert 'cold "prefer-vector-width"="256" "tune-cpu"="znver4"' in module.text


@pytest.mark.parametrize(
    "hint",
    [
        ("unroll.count", "0"),
        ("unroll.count", "lots"),
        ("unroll.count@3", "2"),
        ("unroll.count@x", "2"),
        ("unroll", "sometimes"),
        ("inline", "8"),
        ("speed", "11"),
    ],
)
def test_an_unknown_hint_is_refused(hint: tuple[str, str]) -> None:
    with pytest.raises(IRError, match=r"no such hint|no loop number"):
        Module.parse(INTEGERS).set_hints("f", [hint])
