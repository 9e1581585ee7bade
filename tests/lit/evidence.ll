; What a proposer brings is put in only with evidence as strong as asked for, and the remark says which. A wrong version
; that looks cheap is refused with the input that it is wrong on.
; RUN: rm -rf %t && %split %s %t
; RUN: env REPLACEMENTS=%t %opt %propose-files -llmcoop-accept=by-construction %t/module.ll -o %t/none.ll 2>&1 | FileCheck %s --check-prefix=CONSTRUCTION
; RUN: opt -S %t/module.ll | diff - %t/none.ll
; RUN: env REPLACEMENTS=%t %opt %propose-files %t/module.ll -o %t/proved.ll 2>&1 | FileCheck %s --check-prefix=PROVED
; RUN: FileCheck %s --check-prefix=HALF < %t/proved.ll
; RUN: env REPLACEMENTS=%t LLMCOOP_ACCEPT=tested %opt %propose-files %t/module.ll -o %t/tested.ll 2>&1 | FileCheck %s --check-prefix=TESTED
; RUN: FileCheck %s --check-prefix=BOTH < %t/tested.ll
; RUN: lli %t/tested.ll
; RUN: not %opt -passes='llmcoop<accept=hope>' %t/module.ll -o - 2>&1 | FileCheck %s --check-prefix=UNKNOWN

; CONSTRUCTION-COUNT-4: it is not by construction
; PROVED-DAG: a-wrong: refuted by llmcoop for x = {{[0-9]+}}: the old function returns
; PROVED-DAG: b-right; proved by llmcoop
; PROVED-DAG: a-wrong: not proved (unsupported: {{.*}}); accept=tested would compare both versions by running them
; PROVED-DAG: b-right: not proved
; HALF: shl i32 %x, 3
; HALF: fadd double
; TESTED-DAG: a-wrong: refuted by running both versions: p = {{.*}}n = 0: old returns, new goes out of bounds, to byte 0 of [p], which has no bytes
; TESTED-DAG: b-right; tested on {{[0-9]+}} inputs that run {{[0-9]}} of {{[0-9]}} basic blocks
; BOTH: shl i32 %x, 3
; BOTH: %twice
; UNKNOWN: llmcoop: unknown evidence 'hope'; allowed are {{.*}}accept=by-construction|proved|tested

;--- module.ll
target triple = "x86_64-pc-linux-gnu"
define i32 @shifted(i32 %x) {
  %a = mul i32 %x, 2
  %b = mul i32 %a, 4
  ret i32 %b
}
define double @summed(ptr %p, i64 %n) {
entry:
  %none = icmp eq i64 %n, 0
  br i1 %none, label %done, label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %total = phi double [ 0.0, %entry ], [ %sum, %loop ]
  %at = getelementptr double, ptr %p, i64 %i
  %value = load double, ptr %at
  %waste = fdiv double %value, 1.0
  %waste.too = fdiv double %waste, 1.0
  %both = fadd double %waste.too, %value
  %sum = fadd double %total, %both
  %next = add i64 %i, 1
  %end = icmp eq i64 %next, %n
  br i1 %end, label %done, label %loop
done:
  %result = phi double [ 0.0, %entry ], [ %sum, %loop ]
  ret double %result
}
define i32 @main() {
  %p = alloca [2 x double]
  store <2 x double> <double 1.0, double 2.0>, ptr %p
  %six = call double @summed(ptr %p, i64 2)
  %wrong = fcmp une double %six, 6.0
  %eight = call i32 @shifted(i32 1)
  %bad = icmp ne i32 %eight, 8
  %any = or i1 %wrong, %bad
  %status = zext i1 %any to i32
  ret i32 %status
}
;--- shifted/a-wrong.ll
target triple = "x86_64-pc-linux-gnu"
define i32 @shifted(i32 %x) {
  %b = shl i32 %x, 2
  ret i32 %b
}
;--- shifted/b-right.ll
target triple = "x86_64-pc-linux-gnu"
define i32 @shifted(i32 %x) {
  %b = shl i32 %x, 3
  ret i32 %b
}
;--- summed/a-wrong.ll
target triple = "x86_64-pc-linux-gnu"
define double @summed(ptr %p, i64 %n) {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %total = phi double [ 0.0, %entry ], [ %sum, %loop ]
  %at = getelementptr double, ptr %p, i64 %i
  %value = load double, ptr %at
  %both = fadd double %value, %value
  %sum = fadd double %total, %both
  %next = add i64 %i, 1
  %end = icmp uge i64 %next, %n
  br i1 %end, label %done, label %loop
done:
  ret double %sum
}
;--- summed/b-right.ll
target triple = "x86_64-pc-linux-gnu"
define double @summed(ptr %p, i64 %n) {
entry:
  %none = icmp eq i64 %n, 0
  br i1 %none, label %done, label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %total = phi double [ 0.0, %entry ], [ %sum, %loop ]
  %at = getelementptr double, ptr %p, i64 %i
  %value = load double, ptr %at
  %twice = fadd double %value, %value
  %sum = fadd double %total, %twice
  %next = add i64 %i, 1
  %end = icmp eq i64 %next, %n
  br i1 %end, label %done, label %loop
done:
  %result = phi double [ 0.0, %entry ], [ %sum, %loop ]
  ret double %result
}
