; A replacement without any debug info gets locations where the verifier wants them, and one with debug info of its
; own making brings none of it along. What a called function does is not known, so a run vouches for that one.
; RUN: rm -rf %t && %split %s %t
; RUN: env REPLACEMENTS=%t %opt %propose-files %t/module.ll -o %t/half.ll 2> %t/remarks
; RUN: env REPLACEMENTS=%t HOT=f %judge 1 %t/socket %opt %propose-files -llmcoop-run=%t/socket %t/half.ll -o %t/out.ll 2>> %t/remarks
; RUN: FileCheck %s --check-prefix=REMARK < %t/remarks
; RUN: opt -passes=verify -S %t/out.ll | FileCheck %s
; REMARK-DAG: module.c:3:0: measured (1.25x) by bare
; REMARK-DAG: module.c:9:0: cost {{.*}} by foreign; proved by
; CHECK-LABEL: define i32 @f(i32 %x) !dbg
; CHECK-NEXT: call i32 @g(i32 %x), !dbg [[AT:![0-9]+]]
; CHECK-LABEL: define i32 @g(i32 %x) !dbg
; CHECK-NEXT: ret i32 0, !dbg [[RET:![0-9]+]]
; CHECK: !llvm.dbg.cu = !{!{{[0-9]+}}}
; CHECK-NOT: evil.c
; CHECK: [[F:![0-9]+]] = distinct !DISubprogram(name: "f"
; CHECK: [[AT]] = !DILocation(line: 0, scope: [[F]])
; CHECK-NOT: evil.c
; CHECK: [[RET]] = !DILocation(line: 0, scope:
; CHECK-NOT: evil.c

;--- module.ll
target triple = "x86_64-pc-linux-gnu"
define i32 @f(i32 %x) !dbg !5 {
  %a = udiv i32 %x, 3, !dbg !7
  %b = mul i32 %a, 0, !dbg !7
  %d = add i32 %b, %x, !dbg !7
  %c = call i32 @g(i32 %d), !dbg !7
  ret i32 %c, !dbg !7
}
define i32 @g(i32 %x) !dbg !6 {
  %a = udiv i32 %x, 3, !dbg !8
  %b = mul i32 %a, 0, !dbg !8
  ret i32 %b, !dbg !8
}
!llvm.dbg.cu = !{!0}
!llvm.module.flags = !{!2}
!0 = distinct !DICompileUnit(language: DW_LANG_C11, file: !1, isOptimized: true, emissionKind: FullDebug)
!1 = !DIFile(filename: "module.c", directory: "/")
!2 = !{i32 2, !"Debug Info Version", i32 3}
!3 = !DISubroutineType(types: !4)
!4 = !{}
!5 = distinct !DISubprogram(name: "f", scope: !1, file: !1, line: 3, type: !3, scopeLine: 3, spFlags: DISPFlagDefinition, unit: !0)
!6 = distinct !DISubprogram(name: "g", scope: !1, file: !1, line: 9, type: !3, scopeLine: 9, spFlags: DISPFlagDefinition, unit: !0)
!7 = !DILocation(line: 4, scope: !5)
!8 = !DILocation(line: 10, scope: !6)
;--- f/bare.ll
target triple = "x86_64-pc-linux-gnu"
declare i32 @g(i32)
define i32 @f(i32 %x) {
  %c = call i32 @g(i32 %x)
  ret i32 %c
}
;--- g/foreign.ll
target triple = "x86_64-pc-linux-gnu"
define i32 @g(i32 %x) !dbg !5 {
  ret i32 0, !dbg !7
}
!llvm.dbg.cu = !{!0}
!llvm.module.flags = !{!2}
!0 = distinct !DICompileUnit(language: DW_LANG_C11, file: !1, isOptimized: true, emissionKind: FullDebug)
!1 = !DIFile(filename: "evil.c", directory: "/")
!2 = !{i32 2, !"Debug Info Version", i32 3}
!3 = !DISubroutineType(types: !4)
!4 = !{}
!5 = distinct !DISubprogram(name: "g", scope: !1, file: !1, line: 66, type: !3, spFlags: DISPFlagDefinition, unit: !0)
!7 = !DILocation(line: 66, column: 70, scope: !5)
