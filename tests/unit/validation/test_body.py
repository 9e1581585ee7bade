"""Functions read as data: everything that has a meaning must be there."""

from __future__ import annotations

import pytest

from llmcoop.ir import IRError, Module
from llmcoop.ir.body import Body, Constant, Instruction, Local, Other


def read(text: str) -> Body:
    return Module.parse(text).read("f")


def instructions(text: str) -> list[Instruction]:
    return [instruction for block in read(text).blocks for instruction in block]


@pytest.mark.parametrize(
    ("line", "flags"),
    [
        ("add nuw nsw i8 %x, 1", {"nuw", "nsw"}),
        ("lshr exact i8 %x, 1", {"exact"}),
        ("or disjoint i8 %x, 1", {"disjoint"}),
        ("zext nneg i8 %x to i16", {"nneg"}),
        ("trunc nuw nsw i8 %x to i4", {"nuw", "nsw"}),
        ("icmp samesign ult i8 %x, 1", {"samesign"}),
        ("mul i8 %x, 1", set()),
    ],
)
def test_flags(line: str, flags: set[str]) -> None:
    first, _ = instructions(f"define void @f(i8 %x) {{\n%r = {line}\nret void\n}}")
    assert first.flags == flags


def test_promises_of_parameters_and_results() -> None:
    body = read("define noundef zeroext i8 @f(i8 noundef range(i8 -1, 4) %x, i8 signext %y) willreturn { ret i8 %x }")
    assert body.parameters[0].attributes.noundef
    assert body.parameters[0].attributes.ranges == ((255, 4),)
    assert body.parameters[1].attributes.others == ("signext",)
    assert body.return_attributes.noundef
    assert body.return_attributes.others == ("zeroext",)
    assert body.attributes.others == ("willreturn",)


def test_promises_of_calls_come_from_the_call_its_callee_and_metadata() -> None:
    text = """
      declare noundef i8 @g(i8 noundef, i8)
      define void @f(i8 %x) {
        %r = call range(i8 0, 9) i8 @g(i8 %x, i8 noundef %x), !range !0, !noundef !1
        ret void
      }
      !0 = !{i8 1, i8 5}
      !1 = !{}"""
    call, _ = instructions(text)
    assert call.callee == "@g"
    assert call.attributes.noundef
    assert call.attributes.ranges == ((0, 9), (1, 5))
    assert [attributes.noundef for attributes in call.operand_attributes] == [True, True]
    assert call.metadata == ("noundef",)


def test_constants_are_unsigned_and_flat() -> None:
    text = "define { <2 x i8>, i4 } @f() { ret { <2 x i8>, i4 } { <2 x i8> <i8 -1, i8 poison>, i4 undef } }"
    (returned,) = instructions(text)
    (constant,) = returned.operands
    assert isinstance(constant, Constant)
    assert constant.elements == (255, "poison", "undef")
    assert constant.type.lane_widths == (8, 8, 4)
    assert constant.type.part([1]) == slice(2, 3)


def test_what_is_no_integer_is_named() -> None:
    load, _ = instructions("@g = global i8 0\ndefine i8 @f() {\n%r = load i8, ptr @g\nret i8 %r\n}")
    assert load.operands == (Other("ptr @g"),)


def test_a_switch_has_its_cases() -> None:
    text = "define void @f(i8 %x) {\nswitch i8 %x, label %b [ i8 -1, label %a ]\na:\nret void\nb:\nret void\n}"
    switch = instructions(text)[0]
    assert switch.blocks == (2, 1)
    assert switch.operands[0] == Local(0)
    assert isinstance(switch.operands[1], Constant)
    assert switch.operands[1].elements == (255,)


def test_blocks_come_after_all_that_lead_to_them() -> None:
    text = "br i1 %c, label %b, label %a\nb:\nbr label %a\na:\nret void\ndead:\nbr label %dead"
    body = read(f"define void @f(i1 %c) {{\n{text}\n}}")
    assert body.order() == (0, 1, 2)
    assert not body.cyclic


def test_a_loop_has_no_order() -> None:
    body = read("define void @f() {\nbr label %a\na:\nbr label %b\nb:\nbr label %a\n}")
    assert body.order() is None
    assert body.cyclic


def test_names_and_debug_information_have_no_meaning() -> None:
    one, two = (
        Module.parse(f'source_filename = "{name}.c"\ndefine i8 @f(i8 %{name}) {{\nret i8 %{name}\n}}') for name in "xy"
    )
    assert one.text != two.text
    assert one.canonical_text == two.canonical_text


def test_only_what_is_defined_can_be_read() -> None:
    with pytest.raises(IRError, match="does not define a function 'g'"):
        Module.parse("declare void @g()").read("g")
