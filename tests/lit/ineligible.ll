; What can't be rewritten is not offered: declarations, definitions of other modules, naked and optnone functions,
; functions with blocks whose address is taken. A module of only these needs no Python.
; RUN: env LLMCOOP_PYTHON=/no/such/python %opt -passes=llmcoop %s -o - 2>&1 | FileCheck %s
; CHECK-NOT: remark

declare i32 @declared(i32)

define available_externally i32 @elsewhere(i32 %x) {
  ret i32 %x
}

define void @bare() naked {
  call void asm sideeffect "ret", ""()
  unreachable
}

define i32 @as_it_is(i32 %x) noinline optnone {
  ret i32 %x
}

@targets = global ptr blockaddress(@jumps, %end)
define void @jumps() {
  br label %end
end:
  ret void
}
