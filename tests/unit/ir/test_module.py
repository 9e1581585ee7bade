"""Modules in this process: parse, verify, transform, link, emit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from llmcoop import process
from llmcoop.errors import ToolchainError
from llmcoop.ir import LLVM_MAJOR, CodeGen, IRError, Module
from llmcoop.ir.versions import check_llvmlite, check_majors

PROGRAMS = Path(__file__).with_name("programs")
COUNT = """
@total = internal global i32 0
declare void @report(i32)
define internal i32 @twice(i32 %x) {
  %y = add i32 %x, %x
  ret i32 %y
}
define i32 @count(ptr %p, i32 %n) {
entry:
  br label %loop
loop:
  %i = phi i32 [ 0, %entry ], [ %next, %loop ]
  %sum = phi i32 [ 0, %entry ], [ %more, %loop ]
  %address = getelementptr i32, ptr %p, i32 %i
  %value = load i32, ptr %address
  %double = call i32 @twice(i32 %value)
  %more = add i32 %sum, %double
  %next = add nsw i32 %i, 1
  %again = icmp slt i32 %next, %n
  br i1 %again, label %loop, label %done
done:
  store i32 %more, ptr @total
  ret i32 %more
}
"""


def test_text_and_bitcode_give_the_same_module() -> None:
    module = Module.parse(COUNT, "count.ll")
    again = Module.parse(module.bitcode, "count.ll")
    assert [f.name for f in again.functions] == ["report", "twice", "count"]
    assert Module.parse(again.text, "count.ll").text == again.text


def test_a_syntax_error_has_line_and_column() -> None:
    with pytest.raises(IRError, match=r"2:12: .*expected") as caught:
        Module.parse("define i32 @f() {\n  %x = bad i32 1\n ret i32 %x\n}".replace("bad", "add ?"))
    assert (caught.value.line, caught.value.column) == (2, 12)


@pytest.mark.parametrize("data", [b"BC\xc0\xde damaged", b"\0\1\2", b"\x7fELF", "nonsense"])
def test_garbage_is_refused(data: bytes | str) -> None:
    with pytest.raises(IRError):
        Module.parse(data)


def test_ill_formed_ir_is_refused() -> None:
    module = Module.parse("define i32 @f() {\n %a = add i32 %b, 1\n %b = add i32 1, 1\n ret i32 %a\n}")
    with pytest.raises(IRError, match="does not dominate all uses"):
        module.verify()


def test_verify_passes_what_is_well_formed() -> None:
    Module.parse(COUNT).verify()


def test_functions_are_described() -> None:
    report, twice, count = Module.parse(COUNT).functions
    assert not report.defined
    assert not report.eligible
    assert (twice.linkage, twice.instructions, twice.loops) == ("internal", 2, 0)
    assert (count.linkage, count.loops, count.eligible) == ("external", 1, True)


def test_passes_run_and_report() -> None:
    module = Module.parse(COUNT)
    remarks = module.run_passes("default<O3>", remarks=True)
    inlined = [r for r in remarks if r.pass_name == "inline" and r.name == "Inlined"]
    assert [(r.kind, r.function) for r in inlined] == [("passed", "count")]
    assert "vectorized" in " ".join(r.message for r in remarks)
    assert "@twice" not in module.text


def test_remarks_have_a_place_with_debug_information(front_end: Callable[..., bytes]) -> None:
    module = Module.parse(front_end(PROGRAMS / "numeric.c", "-O3", "-g"))
    remarks = module.run_passes("default<O3>", remarks=True)
    (smooth,) = (r for r in remarks if r.function == "smooth" and r.name == "Vectorized")
    assert smooth.file.endswith("numeric.c")
    assert smooth.line == 18


def test_no_remarks_unless_asked() -> None:
    assert Module.parse(COUNT).run_passes("default<O3>") == []


def test_an_unknown_pass_is_refused_and_nothing_runs() -> None:
    module = Module.parse(COUNT)
    before = module.text
    with pytest.raises(IRError, match=r"unknown .*pass name 'inlien'"):
        module.run_passes("inlien")
    assert module.text == before


def test_options_last_for_one_call() -> None:
    def vectorized(options: tuple[str, ...]) -> bool:
        module = Module.parse(COUNT)
        module.run_passes("default<O3>", options=options)
        return "<4 x i32>" in module.text

    assert [vectorized(o) for o in ((), ("-vectorize-loops=false",), ())] == [True, False, True]


@pytest.mark.parametrize("option", ["-no-such-option", "-unroll-threshold=many", "count", "@file"])
def test_a_bad_option_is_refused(option: str) -> None:
    with pytest.raises(IRError):
        Module.parse(COUNT).run_passes("sroa", options=[option])


def test_extract_declares_what_it_leaves_behind() -> None:
    part = Module.parse(COUNT).extract(["count"])
    part.verify()
    assert {f.name: f.defined for f in part.functions} == {"report": False, "twice": False, "count": True}


def test_extract_of_an_unknown_function_is_refused() -> None:
    with pytest.raises(IRError, match="'nothing'"):
        Module.parse(COUNT).extract(["nothing"])


def test_link_and_internalize() -> None:
    module = Module.parse("declare i32 @f()\ndefine i32 @main() {\n %x = call i32 @f()\n ret i32 %x\n}")
    module.link(Module.parse("define i32 @f() {\n ret i32 42\n}"))
    module.internalize(["main"])
    module.verify()
    assert {f.name: f.linkage for f in module.functions} == {"main": "external", "f": "internal"}
    module.run_passes("default<O2>")
    assert [f.name for f in module.functions] == ["main"]


def test_linking_a_second_definition_is_refused() -> None:
    module = Module.parse("define i32 @f() {\n ret i32 1\n}")
    with pytest.raises(IRError, match="multiply defined"):
        module.link(Module.parse("define i32 @f() {\n ret i32 2\n}"))


def test_replace_function_goes_through_the_gate() -> None:
    module = Module.parse(COUNT)
    module.replace_function("twice", "define internal i32 @twice(i32 %x) {\n %y = shl i32 %x, 1\n ret i32 %y\n}")
    assert "shl i32 %x, 1" in module.text
    module.replace_function("twice", module.extract(["twice"]).text)
    module.verify()
    with pytest.raises(IRError):
        module.replace_function("twice", "define internal i64 @twice(i32 %x) {\n ret i64 0\n}")


def test_emit_leaves_the_module_as_it_is(front_end: Callable[..., bytes]) -> None:
    module = Module.parse(front_end(PROGRAMS / "integer.c", "-O3"))
    module.run_passes("default<O3>")
    before = module.text
    assert b"popcnt" not in module.emit("asm")
    assert module.emit("obj") == module.emit("obj")
    assert module.text == before


def test_emit_refuses_unknown_kinds_and_settings() -> None:
    for arguments in (("exe", CodeGen()), ("obj", CodeGen(code_model="huge")), ("obj", CodeGen(level=7))):
        with pytest.raises(IRError):
            Module.parse(COUNT).emit(*arguments)


def test_another_target_is_refused() -> None:
    with pytest.raises(IRError, match="x86-64"):
        Module.parse('target triple = "aarch64-linux-gnu"\n' + COUNT).run_passes("sroa")


def test_assembly_assembles_to_the_same_symbols(clang: Callable[..., bytes], tmp_path: Path) -> None:
    module = Module.parse(COUNT)
    module.run_passes("default<O3>")
    (tmp_path / "count.s").write_bytes(module.emit("asm"))
    clang("-c", tmp_path / "count.s", "-o", tmp_path / "asm.o")
    (tmp_path / "obj.o").write_bytes(module.emit("obj"))
    symbols = [process.run(["nm", str(tmp_path / name)], timeout_s=20).stdout for name in ("asm.o", "obj.o")]
    assert symbols[0] == symbols[1]
    assert b" T count" in symbols[0]


def test_llvmlites_major_is_compared() -> None:
    check_llvmlite(LLVM_MAJOR)
    with pytest.raises(ToolchainError, match=r"LLVM 21.*LLVM 22"):
        check_majors(21, 22)
