"""LLVM in another process: what it does, and what it survives."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from llmcoop.errors import ToolchainError
from llmcoop.ir import (
    CodeGen,
    CompilerCrashed,
    CompilerOutOfMemory,
    CompilerTimedOut,
    Culprit,
    IRError,
    Module,
    Tuning,
)
from llmcoop.ir.worker import PassRequest, Worker
from llmcoop.sandbox import Limits, Sandbox

PROGRAM = Path(__file__).with_name("programs") / "numeric.c"
ADD = "define i32 @add(i32 %a, i32 %b) {\n %c = add i32 %a, %b\n ret i32 %c\n}\n"
# Unrolled completely, this is three million volatile loads.
SPIN = """
define void @spin(ptr %p) {
entry:
  br label %loop
loop:
  %i = phi i32 [ 0, %entry ], [ %next, %loop ]
  %value = load volatile i32, ptr %p
  %next = add i32 %i, 1
  %done = icmp eq i32 %next, 3000000
  br i1 %done, label %exit, label %loop
exit:
  ret void
}
"""
UNROLL = ("loop-unroll<O3;full-unroll-max=4000000>", ("-unroll-count=3000000", "-unroll-threshold=1000000000"))


def serves(worker: Worker) -> bool:
    return "define i32 @add" in worker.text(Module.parse(ADD).bitcode)


@pytest.fixture(scope="module")
def bitcode(front_end: Callable[..., bytes]) -> bytes:
    return front_end(PROGRAM, "-O3")


def test_build_is_what_this_process_builds(worker: Worker, bitcode: bytes) -> None:
    built = worker.build(bitcode, PassRequest(), assembly=True)
    module = Module.parse(bitcode)
    module.run_passes("default<O3>")
    assert built.object == module.emit("obj")
    assert built.assembly == module.emit("asm")


def test_options_of_one_job_are_gone_in_the_next(worker: Worker, bitcode: bytes) -> None:
    first = worker.build(bitcode, PassRequest())
    scalar = worker.build(bitcode, PassRequest(options=("-vectorize-loops=false",)))
    assert worker.build(bitcode, PassRequest()) == first != scalar


def test_optimize_gives_remarks(worker: Worker, bitcode: bytes) -> None:
    optimized = worker.optimize(bitcode, PassRequest(remarks=True))
    assert any(remark.name == "Vectorized" for remark in optimized.remarks)
    assert any(function.name == "smooth" for function in worker.functions(optimized.bitcode))


def test_run_passes_on_text(worker: Worker) -> None:
    passed = worker.run_passes(ADD.replace("%a, %b", "%a, 0"), "instcombine")
    assert "ret i32 %a" in passed.ir
    assert passed.costs.total < worker.cost(ADD.replace("%a, %b", "%a, 0")).total


def test_analyze_gives_what_passes_print(worker: Worker) -> None:
    assert "Loop at depth 1 containing: %loop" in worker.analyze(SPIN, "print<loops>")


def test_passes_and_code_generation_can_be_done_one_after_the_other(worker: Worker, bitcode: bytes) -> None:
    request = PassRequest(codegen_options=("-x86-cmov-converter=false",))
    optimized = worker.optimize(bitcode, request).bitcode
    assert worker.emit(optimized, request).object == worker.build(bitcode, request).object


def test_replace_takes_what_the_module_defines(worker: Worker) -> None:
    new = "define i32 @add(i32 %a, i32 %b) {\n %c = add i32 %b, %a\n ret i32 %c\n}\n"
    assert "add i32 %1, %0" in worker.text(worker.replace(Module.parse(ADD).bitcode, new))
    other = Module.parse(SPIN).bitcode
    assert worker.text(worker.replace(other, new)) == worker.text(other)
    with pytest.raises(IRError):
        worker.replace(Module.parse(ADD).bitcode, new.replace("i32 @add", "i64 @add").replace("i32 %c", "i64 0"))


def test_link(worker: Worker) -> None:
    modules = [Module.parse(ADD).bitcode, Module.parse(SPIN).bitcode]
    functions = worker.functions(worker.link(modules, ["spin"]))
    assert {f.name: f.linkage for f in functions} == {"add": "internal", "spin": "external"}


def test_clones_never_fuse_what_the_baseline_can_not(worker: Worker, front_end: Callable[..., bytes]) -> None:
    fast = CodeGen(fp_contract="fast")
    request = PassRequest(codegen=fast, clones=("x86-64-v3",), clone_functions=("smooth", "center", "main"))
    assert b"vfmadd" not in worker.build(front_end(PROGRAM, "-O3"), request, assembly=True).assembly


def test_forced_vector_width_does_not_reorder_floating_point(worker: Worker, bitcode: bytes) -> None:
    optimized = worker.optimize(bitcode, PassRequest(options=("-force-vector-width=2",)))
    assert "llvm.vector.reduce.fadd" not in worker.text(optimized.bitcode)
    scalar = worker.optimize(bitcode, PassRequest(tuning=Tuning(loop_vectorization=False)))
    assert optimized.bitcode != scalar.bitcode


@pytest.mark.parametrize("ir", ["define void @f( { ret void }", "define i32 @f() { ret i32 %x }", b"BC\xc0\xde"])
def test_invalid_ir_is_said_to_be_so(worker: Worker, ir: str | bytes) -> None:
    with pytest.raises(IRError):
        worker.run_passes(ir, "sroa")
    assert serves(worker)


def test_a_crash_names_pass_and_function(worker: Worker) -> None:
    with pytest.raises(CompilerCrashed, match="in TriggerCrashFunctionPass on function add") as caught:
        worker.run_passes(ADD, "function(trigger-crash-function)", ["-unroll-threshold=3"])
    assert caught.value.signal in (signal.SIGABRT, signal.SIGILL, signal.SIGTRAP)
    assert caught.value.culprit == Culprit("TriggerCrashFunctionPass", "add", ("-unroll-threshold=3",))
    assert serves(worker)


def test_a_fatal_error_of_the_code_generator_names_the_function(worker: Worker) -> None:
    wide = "<8 x double>"
    source = f"""
define {wide} @wide({wide} %x) {{
  %r = call {wide} @llvm.x86.avx512.max.pd.512({wide} %x, {wide} %x, i32 4)
  ret {wide} %r
}}
declare {wide} @llvm.x86.avx512.max.pd.512({wide}, {wide}, i32)
"""
    with pytest.raises(CompilerCrashed, match="Do not know how to split") as caught:
        worker.build(Module.parse(source).bitcode, PassRequest())
    assert caught.value.culprit.function == "wide"
    assert serves(worker)


def test_an_exit_is_a_crash_too(worker: Worker) -> None:
    with pytest.raises(CompilerCrashed, match="gave up"):
        worker.run_passes(ADD, "sroa", ["-help"])
    assert serves(worker)


def test_a_hang_is_ended_and_its_culprit_named(sandbox: Sandbox) -> None:
    with Worker(sandbox, Limits(cpu_s=30, wall_s=0.5)) as worker:
        with pytest.raises(CompilerTimedOut, match="in LoopUnrollPass on function spin"):
            worker.run_passes(SPIN, *UNROLL)
        assert serves(worker)


def test_memory_is_limited(sandbox: Sandbox) -> None:
    with Worker(sandbox, Limits(cpu_s=60, wall_s=60, memory_bytes=500 << 20)) as worker:
        with pytest.raises(CompilerOutOfMemory, match="500 MiB of memory in LoopUnrollPass on function spin"):
            worker.run_passes(SPIN, *UNROLL)
        assert serves(worker)


def test_a_killed_process_is_replaced(sandbox: Sandbox) -> None:
    with Worker(sandbox) as worker:
        assert serves(worker)
        assert worker._child is not None
        os.killpg(worker._child._process.pid, signal.SIGKILL)
        assert serves(worker)


def test_two_workers_work_at_the_same_time(sandbox: Sandbox, bitcode: bytes) -> None:
    def objects(_: int) -> list[bytes]:
        with Worker(sandbox) as worker:
            return [worker.build(bitcode, PassRequest()).object for _ in range(3)]

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(objects, range(2))
    assert first == second


def test_the_sandbox_hides_files(worker: Worker, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    for path in (tmp_path / "secret", Path("/etc/passwd")):
        source = f'module asm ".incbin \\22{path}\\22"\n' + ADD
        with pytest.raises(IRError, match="Could not find incbin file"):
            worker.build(Module.parse(source).bitcode, PassRequest())


def test_a_sandbox_that_does_not_start_is_the_toolchains_fault(tmp_path: Path) -> None:
    with Worker(Sandbox(bwrap=tmp_path / "no-such-program")) as worker, pytest.raises(ToolchainError):
        serves(worker)


def test_without_a_sandbox_it_works_the_same(bitcode: bytes, worker: Worker) -> None:
    with Worker(Sandbox.find(enabled=False)) as unboxed:
        request = replace(PassRequest(), tuning=Tuning(level="O2"))
        assert unboxed.build(bitcode, request) == worker.build(bitcode, request)
