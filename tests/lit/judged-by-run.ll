; With `run=` the run says which functions are hot, judges each proposal that passed the gate, and ends the search; the
; last accepted proposal is put in, whatever the cost model thinks. A run that hangs up changes nothing.
; RUN: rm -rf %t && %split %s %t
; RUN: env REPLACEMENTS=%t %judge 3 %t/socket %opt %propose-files -llmcoop-run=%t/socket %t/module.ll -o %t/out.ll 2> %t/remarks
; RUN: FileCheck %s --check-prefix=REMARK < %t/remarks
; RUN: FileCheck %s < %t/out.ll
; RUN: env REPLACEMENTS=%t %judge 0 %t/socket %opt %propose-files -llmcoop-run=%t/socket %t/module.ll -o %t/same.ll 2>&1 | FileCheck %s --check-prefix=LOST
; RUN: env REPLACEMENTS=%t %judge 1 %t/socket %opt %propose-files -llmcoop-run=%t/socket %t/module.ll -o %t/same.ll 2>&1 | FileCheck %s --check-prefix=LOST
; RUN: opt -S %t/module.ll | diff - %t/same.ll
; LOST: remark: {{.*}} lost the run at {{.*}}/socket: {{.*}} leave out run=

; REMARK: asked for hot a-slow
; REMARK: b-wrong: does not parse
; REMARK: asked for hot c-fast
; REMARK: asked for hot d-other
; REMARK: measured (1.25x) by a-slow
; CHECK: define i32 @cold
; CHECK-NEXT: ret i32 %x
; CHECK: define i32 @hot
; CHECK-NEXT: udiv i32 %x, 3

;--- module.ll
target triple = "x86_64-pc-linux-gnu"
define i32 @cold(i32 %x) {
  ret i32 %x
}
define i32 @hot(i32 %x) {
  ret i32 %x
}
;--- hot/a-slow.ll
define i32 @hot(i32 %x) {
  %y = udiv i32 %x, 3
  ret i32 %y
}
;--- hot/b-wrong.ll
define
;--- hot/c-fast.ll
define i32 @hot(i32 %x) {
  ret i32 0
}
;--- hot/d-other.ll
define i32 @hot(i32 %x) {
  ret i32 1
}
;--- hot/e-never-asked.ll
define i32 @hot(i32 %x) {
  ret i32 2
}
;--- cold/never-asked.ll
define i32 @cold(i32 %x) {
  ret i32 3
}
