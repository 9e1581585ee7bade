; The gate lets every eligible function pass unchanged, whatever it is made of, and the module stays the same:
; comdats, aliases, recursion, varargs, unnamed and local globals, named types, personality, inline assembly.
; RUN: %opt %propose-identity %s -o %t.out 2> %t.remarks
; RUN: opt -S %s -o %t.same
; RUN: grep -v "ModuleID\|^$" %t.same > %t.expected
; RUN: grep -v "ModuleID\|^$" %t.out | diff %t.expected -
; RUN: FileCheck %s < %t.remarks
; CHECK-NOT: Refused
; CHECK-NOT: identity:
; CHECK-COUNT-9: by identity
; CHECK-NOT: by identity

target triple = "x86_64-pc-linux-gnu"

%struct.pair = type { i32, ptr, [3 x double] }
%struct.list = type { ptr, %struct.pair }

$shared = comdat any
$group = comdat largest

@0 = private unnamed_addr constant [3 x i8] c"ab\00"
@1 = internal global i32 7
@state = internal thread_local global %struct.list zeroinitializer
@table = internal constant [2 x ptr] [ptr @odd, ptr @even]
@name = alias i32 (i32), ptr @factorial

declare i32 @__gxx_personality_v0(...)
declare void @llvm.va_start.p0(ptr)
declare void @llvm.va_end.p0(ptr)
declare extern_weak i32 @maybe(ptr)
declare nonnull ptr @llvm.threadlocal.address.p0(ptr nonnull)

define linkonce_odr hidden i32 @shared(i32 %x) unnamed_addr comdat align 32 {
  %y = udiv i32 %x, 3
  ret i32 %y
}

define i32 @factorial(i32 %n) nounwind memory(none) {
entry:
  %small = icmp ult i32 %n, 2
  br i1 %small, label %done, label %more
more:
  %less = add i32 %n, -1
  %rest = tail call i32 @factorial(i32 %less)
  %product = mul i32 %n, %rest
  br label %done
done:
  %result = phi i32 [ 1, %entry ], [ %product, %more ]
  ret i32 %result
}

define internal i1 @odd(i32 %n) section ".text.odd" {
  %zero = icmp eq i32 %n, 0
  br i1 %zero, label %no, label %yes
yes:
  %less = add i32 %n, -1
  %even = musttail call i1 @even(i32 %less)
  ret i1 %even
no:
  ret i1 false
}

define internal i1 @even(i32 %n) comdat($group) {
  %entry = getelementptr [2 x ptr], ptr @table, i32 0, i32 0
  %callee = load ptr, ptr %entry
  %odd = call i1 %callee(i32 %n)
  %not = xor i1 %odd, true
  ret i1 %not
}

define i32 @sum_all(i32 %count, ...) {
  %list = alloca [3 x i64], align 16
  call void @llvm.va_start.p0(ptr %list)
  %first = va_arg ptr %list, i32
  call void @llvm.va_end.p0(ptr %list)
  ret i32 %first
}

define weak i32 @unnamed(i32 %0) {
  %2 = load i32, ptr @1
  %3 = load i8, ptr @0
  %4 = zext i8 %3 to i32
  %5 = add i32 %2, %4
  store i32 %5, ptr @1
  ret i32 %5
}

define void @types(ptr sret(%struct.pair) align 8 %out, ptr byval(%struct.pair) align 8 %in, i8 signext %i) {
  %local = call ptr @llvm.threadlocal.address.p0(ptr @state)
  %field = getelementptr inbounds %struct.list, ptr %local, i32 0, i32 1, i32 2, i32 1
  %value = load double, ptr %field, !tbaa !0
  store double %value, ptr %out, !tbaa !0
  ret void
}

define i32 @throws() personality ptr @__gxx_personality_v0 {
  %value = invoke i32 @factorial(i32 5) to label %fine unwind label %caught
fine:
  ret i32 %value
caught:
  %pad = landingpad { ptr, i32 } cleanup
  resume { ptr, i32 } %pad
}

define i64 @assembly(ptr %p) {
  %known = icmp eq ptr @maybe, null
  %ticks = call i64 asm sideeffect "rdtsc", "={ax},~{dx},~{dirflag}"()
  %more = load atomic volatile i64, ptr %p seq_cst, align 8
  %sum = add i64 %ticks, %more
  ret i64 %sum
}

!0 = !{!1, !1, i64 0}
!1 = !{!"double", !2, i64 0}
!2 = !{!"Simple C/C++ TBAA"}
