; A pipeline that names the pass at the end of a default one, which has it at its end in any case, runs it once, and
; with the parameters given there; a default pipeline alone has it too.
; RUN: %opt -passes='default<O2>,llmcoop<budget=0>' %s -o - 2>&1 | FileCheck %s --check-prefix=ONCE
; RUN: env LLMCOOP_MODE=search LLMCOOP_BUDGET=0 %opt -passes='default<O2>' %s -o - 2>&1 | FileCheck %s --check-prefix=ONCE
; RUN: %opt -passes='default<O2>,llmcoop<mode=off>' %s -o - 2>&1 | FileCheck %s --check-prefix=OFF
; RUN: env LLMCOOP_PYTHON=/no/such/python %opt -passes='default<O2>' %s -o - 2>&1 | FileCheck %s --check-prefix=OFF
; ONCE-COUNT-1: remark: {{.*}} not tried within 0 s
; ONCE-NOT: remark
; OFF-NOT: remark

define i32 @f(i32 %x) {
  ret i32 %x
}
