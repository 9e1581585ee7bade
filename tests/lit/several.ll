; Each function is treated on its own: one is rewritten, one refused, one not proposed for; `functions=` selects,
; and must match the whole name.
; RUN: rm -rf %t && %split %s %t
; RUN: env REPLACEMENTS=%t %opt %propose-files %t/module.ll -o %t/out.ll 2> %t/remarks
; RUN: FileCheck %s --check-prefix=REMARK < %t/remarks
; RUN: FileCheck %s < %t/out.ll
; RUN: env REPLACEMENTS=%t %opt %propose-files -llmcoop-functions='b.*|c' %t/module.ll -o - 2>&1 | FileCheck %s --check-prefix=SELECTED
; RUN: env REPLACEMENTS=%t %opt %propose-files -llmcoop-functions='.' %t/module.ll -o - 2>&1 | FileCheck %s --check-prefix=WHOLE

; REMARK-DAG: cost {{.*}} by shift; proved by
; REMARK-DAG: wrong: does not define @beta
; REMARK-DAG: none of 0 candidates
; CHECK-LABEL: define i32 @alpha
; CHECK: shl i32 %x, 3
; CHECK-LABEL: define i32 @beta
; CHECK: udiv
; SELECTED-NOT: shift
; SELECTED: wrong: does not define @beta
; SELECTED-NOT: shl
; WHOLE-NOT: remark

;--- module.ll
target triple = "x86_64-pc-linux-gnu"
define i32 @alpha(i32 %x) {
  %a = mul i32 %x, 2
  %b = mul i32 %a, 4
  ret i32 %b
}
define i32 @beta(i32 %x) {
  %y = udiv i32 %x, 3
  ret i32 %y
}
define i32 @gamma(i32 %x) {
  ret i32 %x
}
;--- alpha/shift.ll
target triple = "x86_64-pc-linux-gnu"
declare void @declared_but_not_used()
define i32 @alpha(i32 %x) {
  %b = shl i32 %x, 3
  ret i32 %b
}
;--- beta/wrong.ll
define i32 @alpha(i32 %x) {
  ret i32 %x
}
