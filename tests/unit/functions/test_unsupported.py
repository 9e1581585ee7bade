"""What can't be observed by calling a function is never passed; and new versions that fight back."""

from __future__ import annotations

import pytest

from llmcoop.ir import IRError
from llmcoop.ir.comparison import Agreement
from llmcoop.ir.worker import Worker

HEADER = 'target triple = "x86_64-pc-linux-gnu"\n'
SUM = (
    HEADER
    + """
define i64 @f(ptr %p, i64 %n) {
entry:
  %none = icmp eq i64 %n, 0
  br i1 %none, label %done, label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %sum = phi i64 [ 0, %entry ], [ %more, %loop ]
  %at = getelementptr i64, ptr %p, i64 %i
  %value = load i64, ptr %at
  %more = add i64 %sum, %value
  %next = add i64 %i, 1
  %end = icmp eq i64 %next, %n
  br i1 %end, label %done, label %loop
done:
  %result = phi i64 [ 0, %entry ], [ %more, %loop ]
  ret i64 %result
}
"""
)

UNSUPPORTED = {
    "volatile": ("%v = load volatile i32, ptr %p", "it has a volatile access"),
    "atomic": ("%v = atomicrmw add ptr %p, i32 1 seq_cst", "it has an atomic operation"),
    "atomic-load": ("%v = load atomic i32, ptr %p acquire, align 4", "it has an atomic operation"),
    "fence": ("fence seq_cst", "it has an atomic operation"),
    "assembly": ('call void asm sideeffect "syscall", ""()', "it has inline assembly"),
    "output": ("%v = call i32 @puts(ptr %p)", "it calls puts, whose effects are not known"),
    "unknown": ("call void @unknown(ptr %p)", "it calls unknown, whose effects are not known"),
    "indirect": ("%g = load ptr, ptr %p\n  call void %g()", "it calls through a pointer"),
    "clock": ("%v = call i64 @llvm.x86.rdtsc()", "it uses llvm.x86.rdtsc"),
    "address": ("store ptr @unknown, ptr %p", "it uses the address of the function unknown"),
    "thread": ("store i32 1, ptr @local", "local is thread-local"),
    "fast": ("%x = fadd fast float 1.0, 2.0", "its floating-point results may differ legally"),
}
BODY = (
    HEADER
    + """
@local = thread_local global i32 0
declare i32 @puts(ptr)
declare void @unknown(ptr)
declare i64 @llvm.x86.rdtsc()
define void @f(ptr %p) {{
  {}
  ret void
}}
"""
)

HOSTILE = {
    "never ends": "br label %again\nagain:\n  br label %again",
    "writes everywhere": """br label %again
again:
  %a = phi i64 [ 4194304, %0 ], [ %b, %again ]
  %q = inttoptr i64 %a to ptr
  store i64 -1, ptr %q
  %b = add i64 %a, 8
  br label %again""",
    "breaks its stack": """%here = alloca i64
  br label %again
again:
  %i = phi i64 [ 0, %0 ], [ %j, %again ]
  %q = getelementptr i64, ptr %here, i64 %i
  store i64 -1, ptr %q
  %j = add i64 %i, 1
  %end = icmp eq i64 %j, 4096
  br i1 %end, label %out, label %again
out:
  ret i64 0""",
    "recurses for ever": "%r = call i64 @f(ptr %p, i64 %n)\n  %s = add i64 %r, 1\n  ret i64 %s",
    "traps": "call void @llvm.trap()\n  unreachable",
    "is undefined": "ret i64 undef",
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_can_not_be_observed_is_unsupported(worker: Worker, name: str) -> None:
    body, reason = UNSUPPORTED[name]
    same = BODY.format(body)
    found = worker.compare(same, same, "f", 0.2)
    assert found.answer is Agreement.UNSUPPORTED
    assert reason in found.reason


def test_a_new_version_may_not_bring_in_what_can_not_be_observed(worker: Worker) -> None:
    found = worker.compare(BODY.format(""), BODY.format(UNSUPPORTED["assembly"][0]), "f", 0.2)
    assert found.answer is Agreement.UNSUPPORTED
    assert found.reason == "in the new version, it has inline assembly"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_version_is_different(worker: Worker, name: str) -> None:
    new = f"{HEADER}declare void @llvm.trap()\ndefine i64 @f(ptr %p, i64 %n) {{\n  {HOSTILE[name]}\n}}\n"
    assert worker.compare(SUM, new, "f", 6).answer is Agreement.DIFFERENT


def test_a_function_that_accepts_nothing_is_not_passed(worker: Worker) -> None:
    trap = f"{HEADER}declare void @llvm.trap()\ndefine i64 @f(i64 %n) {{\n  call void @llvm.trap()\n  unreachable\n}}\n"
    found = worker.compare(trap, trap, "f", 0.2)
    assert found.answer is Agreement.NO_VALID_INPUT
    assert found.in_contract == 0
    assert "SIGILL" in found.reason


def test_uninitialised_memory_is_out_of_contract(worker: Worker) -> None:
    unstable = f"{HEADER}define i64 @f() {{\n  %p = alloca [8 x i64]\n  %v = load i64, ptr %p\n  ret i64 %v\n}}\n"
    found = worker.compare(unstable, unstable, "f", 0.2)
    assert found.answer is Agreement.NO_VALID_INPUT
    assert "uninitialised" in found.reason


def test_what_attributes_promise_is_kept(worker: Worker) -> None:
    old = (
        HEADER
        + "define i32 @f(i32 range(i32 0, 10) %x, ptr noalias dereferenceable(8) %p, ptr noalias %q) {\n  {}\n}\n"
    )
    body = "store i32 %x, ptr %q\n  %a = load i32, ptr %p\n  ret i32 %a"
    moved = "%a = load i32, ptr %p\n  %more = getelementptr i8, ptr %p, i64 4\n  %b = load i32, ptr %more\n  {}"
    known = moved.format(
        "%big = icmp sge i32 %x, 10\n  %c = select i1 %big, i32 %b, i32 %a\n  store i32 %x, ptr %q\n  ret i32 %c"
    )
    found = worker.compare(old.replace("{}", body), old.replace("{}", known), "f", 0.2)
    assert found.answer is Agreement.AGREED, found


def test_callees_that_are_defined_go_along(worker: Worker) -> None:
    module = HEADER + "define internal i32 @g(i32 %x) {{\n  %y = add i32 %x, {}\n  ret i32 %y\n}}\n"
    module += "define i32 @f(i32 %x) {{\n  %y = call i32 @g(i32 %x)\n  ret i32 %y\n}}\n"
    assert worker.compare(module.format(1), module.format(1), "f", 0.3).answer is Agreement.AGREED
    assert worker.compare(module.format(1), module.format(2), "f", 0.3).answer is Agreement.DIFFERENT


def test_another_type_is_unsupported_and_a_broken_module_an_error(worker: Worker) -> None:
    other = f"{HEADER}define i64 @f(ptr %p) {{\n  ret i64 0\n}}\n"
    assert worker.compare(SUM, other, "f", 0.3).reason == "the versions have different types"
    with pytest.raises(IRError):
        worker.compare(SUM, "define i64 @f(", "f", 0.3)
    assert worker.compare(SUM, SUM, "f", 0.3).answer is Agreement.AGREED


def test_what_is_not_called_does_not_count(worker: Worker) -> None:
    module = (
        HEADER
        + """
$other = comdat any
@table = internal constant [4 x i32] [i32 3, i32 1, i32 4, i32 1]
declare void @unknown()
define linkonce_odr void @other(ptr %p) nounwind comdat {{
  call void @unknown()
  ret void
}}
define i32 @f(i32 %x) {{
  %i = and i32 %x, 3
  %at = getelementptr i32, ptr @table, i32 %i
  %y = load i32, ptr %at
  %z = add i32 %y, {}
  ret i32 %z
}}
"""
    )
    assert worker.compare(module.format(1), module.format(1), "f", 0.2).answer is Agreement.AGREED
    found = worker.compare(module.format(1), module.format(2), "f", 0.2)
    assert found.answer is Agreement.DIFFERENT
    assert int(found.new.removeprefix("returns ")) == int(found.old.removeprefix("returns ")) + 1


def test_state_that_only_one_version_has_is_unsupported(worker: Worker) -> None:
    counting = f"{HEADER}@calls = internal global i64 0\ndefine i64 @f(i64 %x) {{\n  %n = load i64, ptr @calls\n"
    counting += "  %m = add i64 %n, 1\n  store i64 %m, ptr @calls\n  ret i64 %x\n}\n"
    plain = f"{HEADER}define i64 @f(i64 %x) {{\n  ret i64 %x\n}}\n"
    found = worker.compare(plain, counting, "f", 0.2)
    assert found.reason == "only one of the versions keeps something in calls"
    assert worker.compare(counting, counting, "f", 0.2).answer is Agreement.AGREED
