; Rewrites of functions that are not plain: recursive, with variable arguments, in comdats, reached through an alias
; or a table, with loop and alias metadata. Each is rewritten by a pass, keeps its properties, and still works. What
; can't be tested without a program, a run must vouch for.
; RUN: env LLMCOOP_ACCEPT=tested %opt %propose-instcombine %s -o %t.most 2> %t.remarks
; RUN: env HOT=variable %judge 1 %t.socket %opt %propose-instcombine -llmcoop-run=%t.socket %t.most -o %t.out 2>> %t.remarks
; RUN: FileCheck %s --check-prefix=REMARK < %t.remarks
; RUN: FileCheck %s --implicit-check-not=udiv < %t.out
; RUN: lli %s
; RUN: lli %t.out
; RUN: llc -filetype=obj %t.out -o %t.o && llvm-nm %t.o | FileCheck %s --check-prefix=SYMBOLS

; REMARK-DAG: by instcombine; tested on
; REMARK-DAG: by instcombine; tested on
; REMARK-DAG: by instcombine; proved by
; REMARK-DAG: by instcombine; proved by
; REMARK-DAG: instcombine: not tested (unsupported): it takes a variable number of arguments
; REMARK-DAG: by instcombine; tested by the run
; CHECK: @step = linkonce_odr alias i32 (i32), ptr @grouped
; CHECK: define linkonce_odr hidden i32 @grouped(i32 %x) unnamed_addr comdat align 32
; CHECK: define internal i32 @recursive(i32 %n) #[[PURE:[0-9]+]] {
; CHECK: call i32 @recursive(
; CHECK: define i32 @variable(i32 %count, ...)
; CHECK: call void @llvm.va_start
; CHECK: define weak i32 @weak(i32 %x)
; CHECK: define i32 @loop(ptr %p, i32 %n)
; CHECK: load i32, ptr {{.*}} !tbaa [[TAG:![0-9]+]]
; CHECK: br i1 {{.*}} !llvm.loop [[LOOP:![0-9]+]]
; CHECK: attributes #[[PURE]] = { nounwind memory(none) }
; CHECK: [[TAG]] = !{[[INT:![0-9]+]], [[INT]], i64 0}
; CHECK: [[INT]] = !{!"int"
; CHECK: [[LOOP]] = distinct !{[[LOOP]], [[HINT:![0-9]+]]}
; CHECK: [[HINT]] = !{!"llvm.loop.unroll.disable"}
; SYMBOLS: W grouped
; SYMBOLS: t recursive
; SYMBOLS: W step
; SYMBOLS: W weak

target triple = "x86_64-pc-linux-gnu"
$grouped = comdat any
@step = linkonce_odr alias i32 (i32), ptr @grouped
@table = constant [1 x ptr] [ptr @recursive]
declare void @llvm.va_start.p0(ptr)
declare void @llvm.va_end.p0(ptr)

define linkonce_odr hidden i32 @grouped(i32 %x) unnamed_addr comdat align 32 {
  %y = udiv i32 %x, 8
  ret i32 %y
}
define internal i32 @recursive(i32 %n) nounwind memory(none) {
  %half = udiv i32 %n, 2
  %end = icmp eq i32 %half, 0
  br i1 %end, label %done, label %more
more:
  %rest = call i32 @recursive(i32 %half)
  %sum = add i32 %rest, 1
  ret i32 %sum
done:
  ret i32 0
}
define i32 @variable(i32 %count, ...) {
  %list = alloca [24 x i8], align 16
  call void @llvm.va_start.p0(ptr %list)
  %first = va_arg ptr %list, i32
  call void @llvm.va_end.p0(ptr %list)
  %y = udiv i32 %first, 4
  ret i32 %y
}
define weak i32 @weak(i32 %x) {
  %y = udiv i32 %x, 16
  ret i32 %y
}
define i32 @loop(ptr %p, i32 %n) {
entry:
  br label %body
body:
  %i = phi i32 [ 0, %entry ], [ %next, %body ]
  %total = phi i32 [ 0, %entry ], [ %sum, %body ]
  %at = getelementptr i32, ptr %p, i32 %i
  %value = load i32, ptr %at, !tbaa !0
  %part = udiv i32 %value, 2
  %sum = add i32 %total, %part
  %next = add i32 %i, 1
  %again = icmp ult i32 %next, %n
  br i1 %again, label %body, label %done, !llvm.loop !3
done:
  ret i32 %sum
}
define i32 @main() noinline optnone {
  %values = alloca [2 x i32]
  store <2 x i32> <i32 4, i32 6>, ptr %values
  %a = call i32 @step(i32 64)
  %deep = load ptr, ptr @table
  %b = call i32 %deep(i32 9)
  %c = call i32 (i32, ...) @variable(i32 1, i32 8)
  %d = call i32 @weak(i32 32)
  %e = call i32 @loop(ptr %values, i32 2)
  %ab = add i32 %a, %b
  %abc = add i32 %ab, %c
  %abcd = add i32 %abc, %d
  %sum = add i32 %abcd, %e
  %wrong = icmp ne i32 %sum, 20
  %status = zext i1 %wrong to i32
  ret i32 %status
}
!0 = !{!1, !1, i64 0}
!1 = !{!"int", !2, i64 0}
!2 = !{!"Simple C/C++ TBAA"}
!3 = distinct !{!3, !4}
!4 = !{!"llvm.loop.unroll.disable"}
