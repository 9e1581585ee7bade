// With -g the rewritten functions keep their lines (inlined ones too), module metadata is not doubled, and the DWARF
// of the object file verifies.
// RUN: %search -O2 -g -S -emit-llvm %s -o %t.ll -mllvm -llmcoop-proposer=%proposers:identity 2> %t.remarks
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks
// RUN: opt -passes=verify -S %t.ll -o - | FileCheck %s
// RUN: clang -O2 -c %t.ll -o %t.o
// RUN: llvm-dwarfdump --verify %t.o
// RUN: llvm-dwarfdump --debug-line %t.o | FileCheck %s --check-prefix=LINE
// RUN: llvm-dwarfdump --name=square %t.o | FileCheck %s --check-prefix=INLINED
// RUN: clang %t.o -o %t.exe && %t.exe

// REMARK: debug-info.c:[[#@LINE+5]]:1: remark: {{.*}} by identity; proved by llmcoop [-Rpass=llmcoop]
struct pair { int a, b; };
static int square(int x) {
  return x * x;
}
int total(const struct pair *pairs, int count) {
  int sum = 0;
  for (int i = 0; i < count; i++)
    sum += square(pairs[i].a) + pairs[i].b;
  return sum;
}
// CHECK: define {{.*}}i32 @total({{.*}} !dbg [[TOTAL:![0-9]+]]
// CHECK: load i32, {{.*}} !dbg
// CHECK: br i1 {{.*}} !llvm.loop
// CHECK: !llvm.dbg.cu = !{[[UNIT:![0-9]+]]}
// CHECK-NOT: producer: "llmcoop"
// CHECK: [[TOTAL]] = distinct !DISubprogram(name: "total"
// CHECK-NOT: distinct !DISubprogram(name: "total"
// LINE: 0x{{.*}} 16 {{.*}}
// LINE: 0x{{.*}} 21 {{.*}}
// INLINED: DW_TAG_inlined_subroutine
int main(void) {
  struct pair pairs[3] = {{1, 2}, {3, 4}, {5, 6}};
  volatile int count = 3;
  return total(pairs, count) != 47;
}
