; Each kind of wrong replacement is refused with its reason; the module stays as it is, byte by byte.
; RUN: rm -rf %t && %split %s %t
; RUN: env REPLACEMENTS=%t %opt %propose-files %t/module.ll -o %t/out.ll 2> %t/remarks
; RUN: FileCheck %s < %t/remarks
; RUN: opt -S %t/module.ll -o %t/same.ll
; RUN: diff %t/same.ll %t/out.ll

; CHECK: alias: defines @alias
; CHECK: assembly: has new inline assembly
; CHECK: assumption: gains the parameter attribute 'nonnull' that callers do not promise
; CHECK: attribute: loses the attribute 'nounwind' that callers rely on
; CHECK: block-address: takes the address of a block
; CHECK: call-convention: calls @known by another convention
; CHECK: callee-convention: changes the calling convention of @known
; CHECK: callee-defined: defines @helper
; CHECK: callee-promise: promises 'nounwind' for @known
; CHECK: callee-type: declares @known differently
; CHECK: callee: refers to something new: @system
; CHECK: calling-convention: changes the calling convention of the function
; CHECK: comdat: changes the comdat of the function
; CHECK: constant: declares @counter differently
; CHECK: constructor: defines @llvm.global_ctors
; CHECK: cpu: changes the attribute 'target-features'
; CHECK: intrinsic: refers to something new: @llvm.x86.rdtsc
; CHECK: linkage: changes the linkage of the function
; CHECK: memory: has memory effects that callers do not expect
; CHECK: missing: does not define @f
; CHECK: module-assembly: has assembly outside of the function
; CHECK: only-declared: does not define @f
; CHECK: parse: does not parse: line 1: expected
; CHECK: result: loses the attribute 'noundef' that callers rely on
; CHECK: section: changes the section of the function
; CHECK: target: is for another target: aarch64-linux-gnu
; CHECK: thread-local: declares @counter differently
; CHECK: type: changes the type of the function
; CHECK: value: gives @table another value
; CHECK: variable: refers to something new: @secret
; CHECK: verifier: fails the verifier: Instruction does not dominate all uses!
; CHECK: visibility: changes the visibility of the function
; CHECK: none of 32 candidates

;--- module.ll
target triple = "x86_64-pc-linux-gnu"
@counter = internal global i32 0
@table = internal constant i32 5
declare i32 @known(i32)
define noundef i32 @f(ptr %p) nounwind memory(argmem: read) {
  %v = load i32, ptr %p
  %w = call i32 @known(i32 %v)
  %c = load i32, ptr @counter
  %t = load i32, ptr @table
  %u = add i32 %c, %t
  %s = add i32 %w, %u
  ret i32 %s
}
;--- f/alias.ll
@alias = alias i32 (ptr), ptr @f
define noundef i32 @f(ptr %p) nounwind memory(argmem: read) {
  ret i32 0
}
;--- f/assembly.ll
define noundef i32 @f(ptr %p) nounwind memory(argmem: read) {
  call void asm sideeffect ".incbin \22/etc/passwd\22", ""()
  ret i32 0
}
;--- f/assumption.ll
define noundef i32 @f(ptr nonnull %p) nounwind memory(argmem: read) {
  ret i32 0
}
;--- f/attribute.ll
define noundef i32 @f(ptr %p) memory(argmem: read) {
  ret i32 0
}
;--- f/block-address.ll
define noundef i32 @f(ptr %p) nounwind memory(argmem: read) {
  %i = ptrtoint ptr blockaddress(@f, %end) to i32
  br label %end
end:
  ret i32 %i
}
;--- f/callee.ll
declare i32 @system(ptr)
define noundef i32 @f(ptr %p) nounwind memory(argmem: read) {
  %v = call i32 @system(ptr %p)
  ret i32 %v
}
;--- f/callee-defined.ll
define internal i32 @helper() {
  ret i32 1
}
define noundef i32 @f(ptr %p) nounwind memory(argmem: read) {
  %v = call i32 @helper()
  ret i32 %v
}
;--- f/callee-promise.ll
declare i32 @known(i32) nounwind
define noundef i32 @f(ptr %p) nounwind memory(argmem: read) {
  %v = call i32 @known(i32 1)
  ret i32 %v
}
;--- f/callee-type.ll
declare i32 @known(i64)
define noundef i32 @f(ptr %p) nounwind memory(argmem: read) {
  %v = call i32 @known(i64 1)
  ret i32 %v
}
;--- f/calling-convention.ll
define fastcc noundef i32 @f(ptr %p) nounwind memory(argmem: read) {
  ret i32 0
}
;--- f/comdat.ll
$f = comdat any
define noundef i32 @f(ptr %p) nounwind memory(argmem: read) comdat {
  ret i32 0
}
;--- f/constant.ll
@counter = external constant i32
define noundef i32 @f(ptr %p) nounwind memory(argmem: read) {
  %v = load i32, ptr @counter
  ret i32 %v
}
;--- f/constructor.ll
@llvm.global_ctors = appending global [1 x { i32, ptr, ptr }] [{ i32, ptr, ptr } { i32 1, ptr @f, ptr null }]
define noundef i32 @f(ptr %p) nounwind memory(argmem: read) {
  ret i32 0
}
;--- f/cpu.ll
define noundef i32 @f(ptr %p) nounwind memory(argmem: read) "target-features"="+avx512f" {
  ret i32 0
}
;--- f/intrinsic.ll
declare i64 @llvm.x86.rdtsc()
define noundef i32 @f(ptr %p) nounwind memory(argmem: read) {
  %v = call i64 @llvm.x86.rdtsc()
  %w = trunc i64 %v to i32
  ret i32 %w
}
;--- f/linkage.ll
define weak noundef i32 @f(ptr %p) nounwind memory(argmem: read) {
  ret i32 0
}
;--- f/memory.ll
define noundef i32 @f(ptr %p) nounwind {
  store i32 0, ptr %p
  ret i32 0
}
;--- f/missing.ll
define i32 @g(ptr %p) {
  ret i32 0
}
;--- f/module-assembly.ll
module asm ".globl evil"
define noundef i32 @f(ptr %p) nounwind memory(argmem: read) {
  ret i32 0
}
;--- f/only-declared.ll
declare noundef i32 @f(ptr)
;--- f/parse.ll
define noundef i32 @f(ptr %p
;--- f/result.ll
define i32 @f(ptr %p) nounwind memory(argmem: read) {
  ret i32 undef
}
;--- f/section.ll
define noundef i32 @f(ptr %p) nounwind memory(argmem: read) section ".evil" {
  ret i32 0
}
;--- f/target.ll
target triple = "aarch64-linux-gnu"
define noundef i32 @f(ptr %p) nounwind memory(argmem: read) {
  ret i32 0
}
;--- f/thread-local.ll
@counter = external thread_local global i32
define noundef i32 @f(ptr %p) nounwind memory(argmem: read) {
  %a = call ptr @llvm.threadlocal.address(ptr @counter)
  %v = load i32, ptr %a
  ret i32 %v
}
;--- f/type.ll
define noundef i32 @f(ptr %p, i32 %more) nounwind memory(argmem: read) {
  ret i32 %more
}
;--- f/variable.ll
@secret = external global i32
define noundef i32 @f(ptr %p) nounwind memory(argmem: read) {
  %v = load i32, ptr @secret
  ret i32 %v
}
;--- f/verifier.ll
define noundef i32 @f(ptr %p) nounwind memory(argmem: read) {
  %a = add i32 %b, 1
  %b = add i32 %a, 1
  ret i32 %b
}
;--- f/visibility.ll
define hidden noundef i32 @f(ptr %p) nounwind memory(argmem: read) {
  ret i32 0
}
;--- f/call-convention.ll
declare i32 @known(i32)
define noundef i32 @f(ptr %p) nounwind memory(argmem: read) {
  %v = call fastcc i32 @known(i32 5)
  ret i32 %v
}
;--- f/callee-convention.ll
declare fastcc i32 @known(i32)
define noundef i32 @f(ptr %p) nounwind memory(argmem: read) {
  %v = call fastcc i32 @known(i32 5)
  ret i32 %v
}
;--- f/value.ll
@table = available_externally constant i32 6
define noundef i32 @f(ptr %p) nounwind memory(argmem: read) {
  %v = load i32, ptr @table
  ret i32 %v
}
