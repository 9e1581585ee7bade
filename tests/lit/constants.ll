; A replacement may bring private constants along (lookup tables); local globals are the module's own, types of the
; same name are not doubled, self calls go to the function, and aliases and other callers still reach it.
; RUN: rm -rf %t && %split %s %t
; RUN: env REPLACEMENTS=%t LLMCOOP_ACCEPT=tested %opt %propose-files %t/module.ll -o %t/out.ll 2> %t/remarks
; RUN: FileCheck %s --check-prefix=REMARK < %t/remarks
; RUN: FileCheck %s --implicit-check-not='struct.pair.' --implicit-check-not='@counter.' < %t/out.ll
; RUN: lli %t/out.ll

; REMARK: by table; tested on
; CHECK: %struct.pair = type { i32, i32 }
; CHECK-DAG: @counter = internal global i32 0
; CHECK-DAG: @lookup = internal constant i32 5
; CHECK-DAG: [[TABLE:@lookup\.[0-9]+]] = private unnamed_addr constant [4 x i32] [i32 1, i32 1, i32 2, i32 6], align 16
; CHECK-DAG: @other = alias i32 (i32), ptr @f
; CHECK-LABEL: define internal i32 @f(i32 %n)
; CHECK: getelementptr %struct.pair
; CHECK: call i32 @f(
; CHECK: ptr [[TABLE]]
; CHECK-LABEL: define i32 @main

;--- module.ll
target triple = "x86_64-pc-linux-gnu"
%struct.pair = type { i32, i32 }
@counter = internal global i32 0
@lookup = internal constant i32 5
@other = alias i32 (i32), ptr @f
define internal i32 @f(i32 %n) {
  %used = load i32, ptr @lookup
  %pair = alloca %struct.pair
  %half = getelementptr %struct.pair, ptr %pair, i32 0, i32 1
  store i32 %n, ptr %half
  %c = load i32, ptr @counter
  %d = add i32 %c, 1
  store i32 %d, ptr @counter
  %small = icmp ult i32 %n, 2
  br i1 %small, label %one, label %more
more:
  %waste1 = udiv i32 %d, 7
  %waste2 = udiv i32 %waste1, 11
  %waste3 = udiv i32 %waste2, 13
  %nothing = and i32 %waste3, 0
  %less = add i32 %n, -1
  %rest = call i32 @f(i32 %less)
  %product = mul i32 %n, %rest
  %result = add i32 %product, %nothing
  ret i32 %result
one:
  ret i32 1
}
define i32 @main() {
  %a = call i32 @other(i32 5)
  %b = call i32 @f(i32 3)
  %sum = add i32 %a, %b
  %count = load i32, ptr @counter
  %all = add i32 %sum, %count
  %wrong = icmp ne i32 %all, 134
  %status = zext i1 %wrong to i32
  ret i32 %status
}
;--- f/table.ll
target triple = "x86_64-pc-linux-gnu"
%struct.pair = type { i32, i32 }
@lookup = private unnamed_addr constant [4 x i32] [i32 1, i32 1, i32 2, i32 6], align 16
@counter = external global i32
declare i32 @llvm.umax.i32(i32, i32)
define i32 @f(i32 %n) {
  %pair = alloca %struct.pair
  %half = getelementptr %struct.pair, ptr %pair, i32 0, i32 1
  store i32 %n, ptr %half
  %c = load i32, ptr @counter
  %d = add i32 %c, 1
  store i32 %d, ptr @counter
  %small = icmp ult i32 %n, 4
  br i1 %small, label %table, label %more
more:
  %less = add i32 %n, -1
  %rest = call i32 @f(i32 %less)
  %product = mul i32 %n, %rest
  ret i32 %product
table:
  %calls = call i32 @llvm.umax.i32(i32 %n, i32 1)
  %count = add i32 %c, %calls
  store i32 %count, ptr @counter
  %entry = getelementptr [4 x i32], ptr @lookup, i32 0, i32 %n
  %value = load i32, ptr %entry
  ret i32 %value
}
