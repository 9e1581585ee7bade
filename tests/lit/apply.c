// Kept rewrites are applied by every compile of the function that they are for, at both stages, without Python: with
// debug info, with names of values, in another folder, and behind other code that takes the same names first.
// RUN: rm -rf %t && mkdir -p %t/elsewhere
// RUN: clang -O2 -emit-llvm -c %s -o %t/apply.bc
// RUN: %keep %t/apply.bc scaled %t/last last "12345=>54321" > %t/kept
// RUN: %keep %t/apply.bc labelled %t/last last "apples=>orange" "available_externally dso_local unnamed_addr constant [7 x i8]=>private unnamed_addr constant [7 x i8]" >> %t/kept
// RUN: clang -O2 -Xclang -disable-llvm-passes -emit-llvm -c %s -o %t/apply.bc
// RUN: %keep %t/apply.bc scaled %t/start start "12345=>54321" >> %t/kept
// RUN: %keep %t/apply.bc labelled %t/start start "apples=>orange" "available_externally dso_local unnamed_addr constant [7 x i8]=>private unnamed_addr constant [7 x i8]" >> %t/kept
// RUN: cat %t/kept | FileCheck %s --check-prefix=KEPT
// KEPT: last/scaled-{{[0-9a-f]+}}.rewrite
// KEPT: last/labelled-

// RUN: env LLMCOOP_PYTHON=/no/such/python LLMCOOP_REWRITES=%t/last %clang -O2 %s -o %t/exe 2>&1 | FileCheck %s --check-prefix=APPLIED
// RUN: %t/exe | FileCheck %s --check-prefix=CHANGED
// RUN: env LLMCOOP_PYTHON=/no/such/python LLMCOOP_REWRITES=%t/start %clang -O2 -g -fno-discard-value-names %s -o %t/exe 2>&1 | FileCheck %s --check-prefix=APPLIED
// RUN: %t/exe | FileCheck %s --check-prefix=CHANGED
// RUN: env LLMCOOP_REWRITES=%t/last %clang -O2 -g -fno-discard-value-names -DMORE_CODE %s -o %t/exe 2>&1 | FileCheck %s --check-prefix=APPLIED
// RUN: %t/exe | FileCheck %s --check-prefix=CHANGED
// RUN: cp %s %t/elsewhere/
// RUN: env LLMCOOP_REWRITES=%t/start %clang -O2 -DMORE_CODE %t/elsewhere/apply.c -o %t/exe 2>&1 | FileCheck %s --check-prefix=APPLIED
// RUN: %t/exe | FileCheck %s --check-prefix=CHANGED
// APPLIED-COUNT-2: apply.c:{{[0-9]+}}:{{[0-9]+}}: remark: {{(scaled|labelled)}}-{{[0-9a-f]+}}.rewrite: 1.25x [1.24, 1.26], 9 pairs; tested: on nothing; by a test [-Rpass=llmcoop]
// APPLIED-NOT: remark
// CHANGED: 54321 orange 3

// Two folders, one object; a flag says the same as the environment; off is off; nothing is done at -O0.
// RUN: env LLMCOOP_REWRITES=%t/last %clang -O2 -c %s -o %t/here.o 2> %t/said
// RUN: cp -r %t/last %t/elsewhere/last
// RUN: %clang -O2 -c %t/elsewhere/apply.c -o %t/there.o -mllvm -llmcoop-rewrites=%t/elsewhere/last 2> %t/said
// RUN: cmp %t/here.o %t/there.o
// RUN: clang -O2 -c %s -o %t/plain.o
// RUN: not cmp %t/here.o %t/plain.o
// RUN: env LLMCOOP_MODE=off LLMCOOP_REWRITES=%t/last %clang -O2 -c %s -o %t/off.o
// RUN: cmp %t/off.o %t/plain.o
// RUN: env LLMCOOP_REWRITES=%t/none %clang -O2 -c %s -o %t/none.o
// RUN: cmp %t/none.o %t/plain.o
// RUN: clang -O0 -c %s -o %t/plain.o
// RUN: env LLMCOOP_REWRITES=%t/start %clang -O0 -c %s -o %t/unoptimized.o 2>&1 | FileCheck %s --check-prefix=QUIET --allow-empty
// RUN: cmp %t/unoptimized.o %t/plain.o

// For another target, or with checks that a sanitizer adds, it is another function.
// RUN: env TARGET=aarch64-linux-gnu %keep %t/apply.bc scaled %t/other start "12345=>54321"
// RUN: env LLMCOOP_REWRITES=%t/other %clang -O2 -c %s -o %t/other.o 2>&1 | FileCheck %s --check-prefix=QUIET --allow-empty
// RUN: env LLMCOOP_REWRITES=%t/start %clang -O2 -fsanitize=address %s -o %t/exe 2>&1 | FileCheck %s --check-prefix=STALE
// RUN: %t/exe | FileCheck %s --check-prefix=SAME
// QUIET-NOT: remark
// QUIET-NOT: refused
// STALE-COUNT-2: rewrite: the function has changed since [-Rpass-missed=llmcoop]
// STALE-NOT: remark
// SAME: 12345 apples 3

// Before the link of an LTO build there is no last stage.
// RUN: env LLMCOOP_REWRITES=%t/start %clang -O2 -flto=thin -c %s -o %t/thin.o 2>&1 | FileCheck %s --check-prefix=APPLIED
// RUN: env LLMCOOP_REWRITES=%t/last %clang -O2 -flto=thin -c %s -o %t/thin.o 2>&1 | FileCheck %s --check-prefix=QUIET --allow-empty
// RUN: env LLMCOOP_REWRITES=%t/last %clang -O2 -flto -c %s -o %t/full.o 2>&1 | FileCheck %s --check-prefix=QUIET --allow-empty

#include <stdio.h>
#include <string.h>

#ifdef MORE_CODE
typedef struct { int first; } earlier;
int more(earlier *one, const char *text) {
  typedef struct { char bytes[8]; } later;
  later copy;
  memcpy(&copy, one, 4);
  memset(copy.bytes + 4, text[0], 4);
  return puts(copy.bytes) + puts("apples were here first") + puts("%d %s %d\n");
}
#endif

__attribute__((noinline)) int scaled(int x) {
  return x * 12345;
}

typedef struct { const char *name; int count; } label;
__attribute__((noinline)) int labelled(int x) {
  label chosen[2] = {{"apples", x}, {"pears", x + 1}};
  return printf("%d %s %d\n", scaled(x), chosen[x > 1].name, chosen[x > 1].count + 2);
}

int main(void) {
  return labelled(1) < 0;
}
