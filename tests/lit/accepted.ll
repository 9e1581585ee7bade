; A rewrite that is cheaper is put in, the program still computes the same, and the remark says both costs.
; RUN: rm -rf %t && %split %s %t
; RUN: env REPLACEMENTS=%t LLMCOOP_ACCEPT=tested %opt %propose-files %t/module.ll -o %t/out.ll 2> %t/remarks
; RUN: FileCheck %s --check-prefix=REMARK < %t/remarks
; RUN: FileCheck %s < %t/out.ll
; RUN: lli %t/module.ll
; RUN: lli %t/out.ll

; REMARK: remark: {{.*}} cost {{[0-9.]+}} -> {{[0-9.]+}} ({{[0-9.]+}}x) by closed-form; tested on {{[0-9]+}} inputs that run {{[0-9]}} of {{[0-9]}} basic blocks
; CHECK-LABEL: define i32 @sum(i32 %n)
; CHECK-NEXT: %wide = zext i32 %n to i64
; CHECK-NOT: phi
; CHECK: ret i32 %sum
; CHECK-LABEL: define i32 @main()

;--- module.ll
target triple = "x86_64-pc-linux-gnu"
define i32 @sum(i32 %n) {
entry:
  br label %loop
loop:
  %i = phi i32 [ 0, %entry ], [ %next, %loop ]
  %total = phi i32 [ 0, %entry ], [ %sum, %loop ]
  %sum = add i32 %total, %i
  %next = add i32 %i, 1
  %again = icmp ult i32 %next, %n
  br i1 %again, label %loop, label %done
done:
  ret i32 %sum
}
define i32 @main() {
  %sum = call i32 @sum(i32 100)
  %wrong = icmp ne i32 %sum, 4950
  %status = zext i1 %wrong to i32
  ret i32 %status
}
;--- sum/closed-form.ll
target triple = "x86_64-pc-linux-gnu"
define i32 @sum(i32 %count) {
  %wide = zext i32 %count to i64
  %more = add i64 %wide, -1
  %double = mul i64 %more, %wide
  %half = lshr i64 %double, 1
  %sum = trunc i64 %half to i32
  ret i32 %sum
}
