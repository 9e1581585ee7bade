"""A function of IR with what stands around one in its module, and a workshop for it."""

from __future__ import annotations

from llmcoop.agents import ir_text
from llmcoop.agents.workshop import Workshop
from llmcoop.facts import mca
from llmcoop.ir import IRError, Module
from llmcoop.ir.worker import Worker
from llmcoop.judge import Function
from llmcoop.toolchain import Toolchain

# What -O3 leaves of a sum of squares, with all that stands around a function.
SUM = """target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-pc-linux-gnu"

@limit = external global i32

declare i32 @abs(i32) #1

define i32 @sum(ptr readonly captures(none) %p, i64 %n) local_unnamed_addr #0 {
entry:
  br label %loop

loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %total = phi i32 [ 0, %entry ], [ %more, %loop ]
  %at = getelementptr inbounds i32, ptr %p, i64 %i
  %value = load i32, ptr %at, align 4, !tbaa !0
  %square = mul i32 %value, %value
  %more = add i32 %total, %square
  %next = add i64 %i, 1
  %end = icmp eq i64 %next, %n
  br i1 %end, label %done, label %loop

done:
  ret i32 %more
}

attributes #0 = { nofree nounwind memory(read) "target-cpu"="x86-64" }
attributes #1 = { nounwind }

!0 = !{!1, !1, i64 0}
!1 = !{!"int", !2}
!2 = !{!"root"}
"""
FUNCTION = Function("sum", SUM, 10)
BODY = ir_text.body(SUM)
CHANGED = BODY.replace("mul i32", "mul nuw i32")  # wrong, but that is for others to find out


def gate(ir: str) -> str | None:
    """The one that the plugin has, too."""
    try:
        Module.parse(SUM).replace_function("sum", ir)
    except IRError as error:
        return error.reason
    return None


def workshop_of(worker: Worker) -> Workshop:
    """With the real gate and the real llvm-mca."""

    def report(assembly: str, function: str) -> str:
        return mca.report(Toolchain.find(), worker.sandbox, assembly, function, "znver3")

    return Workshop(FUNCTION, worker, gate, report)
