"""Versions of functions for better CPUs: same results, chosen at run time, nothing else changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from llmcoop import process
from llmcoop.ir import CodeGen, IRError, Module, Tuning

PROGRAMS = sorted(Path(__file__).with_name("programs").glob("*.c"))
LEVELS = ("x86-64-v3", "x86-64-v4:tune=znver4,prefer-vector-width=512")
Settings = Callable[..., tuple[Tuning, CodeGen]]


def defined(module: Module) -> list[str]:
    return [function.name for function in module.functions if function.defined]


def forced(module: Module, level: int) -> Module:
    """The module with the constructor's answer replaced: what a machine of that level would do."""
    store = re.compile(r"store i32 %\w+, ptr @llmcoop\.cpu\.level")
    text, stores = store.subn(f"store i32 {level}, ptr @llmcoop.cpu.level", module.text)
    assert stores == 1
    return Module.parse(text)


def usable_levels() -> int:
    """How many of LEVELS this machine has."""
    flags = Path("/proc/cpuinfo").read_text().split("\nflags", 1)[1].split("\n", 1)[0].split()
    return 0 if "avx2" not in flags else 1 if "avx512vl" not in flags else 2


@pytest.mark.parametrize("level", [None, 0, 1, 2])
@pytest.mark.parametrize("flags", ["-O3", "-O3 -g", "-O1", "-O2 -fPIC", "-O3 -fno-pie", "-O3 -march=x86-64-v2"])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_every_version_prints_the_same(
    program: Path,
    flags: str,
    level: int | None,
    tmp_path: Path,
    clang: Callable[..., bytes],
    front_end: Callable[..., bytes],
    cc1_settings: Settings,
) -> None:
    if level is not None and level > usable_levels():
        pytest.skip("THIS CPU HAS NO SUCH LEVEL")
    tuning, codegen = cc1_settings(program, *flags.split())
    module = Module.parse(front_end(program, *flags.split()))
    module.multiversion(defined(module), LEVELS)
    module.verify()
    module = module if level is None else forced(module, level)
    module.run_passes(tuning.pipeline, tuning=tuning, codegen=codegen)
    module.verify()
    (tmp_path / "versions.o").write_bytes(module.emit("obj", codegen))
    executable = ("-no-pie",) if "-fno-pie" in flags else ()
    clang(*executable, tmp_path / "versions.o", "-lm", "-o", tmp_path / "versions")
    clang(*flags.split(), *executable, program, "-lm", "-o", tmp_path / "baseline")
    outputs = [process.run([tmp_path / name], timeout_s=20) for name in ("baseline", "versions")]
    assert outputs[0].stdout == outputs[1].stdout
    assert outputs[1].returncode == 0


def versions_of(source: str, functions: Sequence[str], levels: Sequence[str] = LEVELS) -> Module:
    module = Module.parse(source)
    assert module.multiversion(functions, levels) == []
    module.verify()
    return module


def body(module: Module, name: str) -> str:
    return module.extract([name]).text.split("define ", 1)[1].split("\n}\n", 1)[0]


CALLS = """
define i32 @hot(i32 %n) {
  %a = call i32 @leaf(i32 %n)
  %b = call i32 @hot(i32 %a)
  %c = call i32 @elsewhere(ptr @hot)
  ret i32 %b
}
define internal i32 @leaf(i32 %n) {
  ret i32 %n
}
define i32 @cold(i32 %n) {
  %a = call i32 @hot(i32 %n)
  ret i32 %a
}
declare i32 @elsewhere(ptr)
"""


def test_clones_call_clones_but_addresses_stay() -> None:
    module = versions_of(CALLS, ["hot"])
    clone = body(module, "hot.x86_64_v3")
    assert "call i32 @leaf.x86_64_v3(" in clone
    assert "call i32 @hot.x86_64_v3(" in clone
    assert "@elsewhere(ptr @hot)" in clone
    assert "call i32 @hot.default(" in body(module, "hot.default")
    assert "call i32 @hot(" in body(module, "cold")


def test_clones_are_compiled_for_their_cpu_and_the_default_is_not() -> None:
    module = versions_of(CALLS, ["hot"])
    text = module.text
    assert '"target-cpu"="x86-64-v3"' in text
    assert '"tune-cpu"="znver4"' in text
    assert '"prefer-vector-width"="512"' in text
    assert "define internal i32 @hot.default(i32 %n) {" in text


def test_a_function_keeps_features_of_its_own() -> None:
    source = 'define void @f() "target-features"="+avx512vnni,+sse4a" {\n ret void\n}'
    clone = versions_of(source, ["f"]).extract(["f.x86_64_v3"]).text
    assert "+sse4a" in clone
    assert "+avx512vnni" in clone


def test_fmuladd_is_split_where_the_baseline_has_no_fma() -> None:
    source = """
define double @f(double %x) {
  %y = call double @llvm.fmuladd.f64(double %x, double %x, double 1.0)
  %z = fadd contract double %y, %x
  ret double %z
}
define double @g(double %x) "target-features"="+fma" {
  %y = call double @llvm.fmuladd.f64(double %x, double %x, double 1.0)
  ret double %y
}
"""
    module = versions_of(source, ["f"])
    for name in ("f.default", "f.x86_64_v3"):
        assert "fmul double" in body(module, name)
        assert "contract" not in body(module, name)
    assert "@llvm.fmuladd" in body(module, "g")
    module.run_passes("default<O3>")
    assert b"vfmadd" not in versions_of(source, ["f"]).extract(["f.x86_64_v3"]).emit("asm")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("declare void @f()", "not defined"),
        ("define void @g() {\n ret void\n}", "does not exist"),
        ("define void @f() naked {\n unreachable\n}", "naked"),
        ("define void @f() alwaysinline {\n ret void\n}", "always inlined"),
        ('define void @f() {\n call void asm sideeffect "x: jmp x", ""()\n ret void\n}', "assembly"),
        ("define void @f() {\n call void @setjmp() returns_twice\n ret void\n}\ndeclare void @setjmp()", "setjmp"),
        ("define <8 x float> @f(<8 x float> %v) {\n ret <8 x float> %v\n}", "128 bits"),
        ('define void @f() "target-cpu"="x86-64-v4" {\n ret void\n}', "already"),
        (
            "define ptr @f() {\n br label %a\na:\n ret ptr blockaddress(@f, %a)\n}",
            "address of a label",
        ),
        ("define available_externally void @f() {\n ret void\n}", "elsewhere"),
    ],
)
def test_what_can_not_be_cloned_is_left_alone(source: str, reason: str) -> None:
    module = Module.parse(source)
    before = module.text
    (skipped,) = module.multiversion(["f"], LEVELS)
    assert skipped.function == "f"
    assert reason in skipped.reason
    assert module.text == before


@pytest.mark.parametrize("level", ["haswell", "x86-64", "x86-64-v3:speed=11"])
def test_only_levels_that_can_be_detected(level: str) -> None:
    with pytest.raises(IRError, match="not a"):
        Module.parse(CALLS).multiversion(["hot"], [level])


def test_weak_callees_may_be_replaced_at_link_time_and_are_not_cloned() -> None:
    source = CALLS.replace("define internal i32 @leaf", "define weak i32 @leaf")
    assert "call i32 @leaf(" in body(versions_of(source, ["hot"]), "hot.x86_64_v3")
