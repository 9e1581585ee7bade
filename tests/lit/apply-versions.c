// Hints and versions for other CPUs, which the plugin makes itself: the program prints the same, versions call each
// other and not the dispatchers, no floating-point sum is reordered, and a hint that LLVM can't follow is no warning.
// RUN: rm -rf %t && mkdir %t
// RUN: clang -O2 -Xclang -disable-llvm-passes -emit-llvm -c %s -o %t/apply-versions.bc
// RUN: %keep %t/apply-versions.bc squares %t/kept start clone:x86-64-v3
// RUN: %keep %t/apply-versions.bc total %t/kept start clone:x86-64-v3 hint:interleave.count=2
// RUN: %keep %t/apply-versions.bc sum %t/kept start hint:vectorize.width=4 hint:vectorize.enable=true
// RUN: env LLMCOOP_PYTHON=/no/such/python LLMCOOP_REWRITES=%t/kept %clang -O2 -g -Werror %s -o %t/exe 2>&1 | FileCheck %s --check-prefix=APPLIED
// RUN: clang -O2 %s -o %t/plain && %t/plain > %t/expected
// RUN: %t/exe | diff - %t/expected
// APPLIED-COUNT-3: rewrite: 1.25x [1.24, 1.26], 9 pairs; tested: on nothing; by a test [-Rpass=llmcoop]

// RUN: env LLMCOOP_REWRITES=%t/kept %clang -O2 -S -emit-llvm %s -o - 2> %t/said | FileCheck %s
// CHECK-NOT: llmcoop.vectorization.hints
// CHECK-LABEL: define {{.*}}float @sum(
// CHECK-NOT: fadd <4 x float>
// CHECK-LABEL: define internal {{.*}}@squares.x86_64_v3(
// CHECK: <8 x i32>
// CHECK-LABEL: define internal {{.*}}@total.x86_64_v3(
// CHECK: call {{.*}}@squares.x86_64_v3(

// In a file with pragmas of its own the option that keeps sums in order would change these; through the link of an LTO
// build it does not last; and where fusing is allowed without a word in the IR, FMA would round otherwise.
// RUN: clang -O2 -DPRAGMA -Xclang -disable-llvm-passes -emit-llvm -c %s -o %t/apply-versions.bc
// RUN: %keep %t/apply-versions.bc sum %t/pragma start hint:vectorize.width=4
// RUN: clang -O2 -DPRAGMA -c %s -o %t/plain.o
// RUN: env LLMCOOP_REWRITES=%t/pragma %clang -O2 -DPRAGMA -c %s -o %t/pragma.o 2>&1 | FileCheck %s --check-prefix=PRAGMA
// RUN: cmp %t/pragma.o %t/plain.o
// PRAGMA: refused: function 'hinted' has vectorization pragmas of its own
// RUN: env LLMCOOP_REWRITES=%t/kept %clang -O2 -flto=thin -c %s -o %t/thin.o 2>&1 | FileCheck %s --check-prefix=LINK
// LINK-DAG: sum-{{[0-9a-f]+}}.rewrite: refused: vectorization hints do not keep the order of sums through a link
// LINK-DAG: remark: squares-{{[0-9a-f]+}}.rewrite: 1.25x
// RUN: clang -O2 -ffp-contract=fast -Xclang -disable-llvm-passes -emit-llvm -c %s -o %t/apply-versions.bc
// RUN: %keep %t/apply-versions.bc squares %t/fused start clone:x86-64-v3
// RUN: env LLMCOOP_REWRITES=%t/fused %clang -O2 -ffp-contract=fast -c %s -o %t/fused.o 2>&1 | FileCheck %s --check-prefix=FUSED
// FUSED: refused: versions with FMA would round otherwise under -ffp-contract=fast

#include <stdio.h>

__attribute__((noinline)) void squares(int *restrict to, const int *restrict from, int count) {
  for (int i = 0; i < count; i++)
    to[i] = from[i] * from[i];
}

__attribute__((noinline)) int total(const int *values, int count) {
  int squared[64], result = 0;
  squares(squared, values, count);
  for (int i = 0; i < count; i++)
    result += squared[i];
  return result;
}

__attribute__((noinline)) float sum(const float *values, int count) {
  float result = 0;
  for (int i = 0; i < count; i++)
    result += values[i];
  return result;
}

#ifdef PRAGMA
float hinted(const float *values, int count) {
  float result = 0;
#pragma clang loop vectorize(enable)
  for (int i = 0; i < count; i++)
    result += values[i];
  return result;
}
#endif

int main(void) {
  int values[64];
  float small[64];
  for (int i = 0; i < 64; i++)
    values[i] = i * 7 % 13, small[i] = 1.0f / (i + 1);
  printf("%d %.9g\n", total(values, 64), sum(small, 64));
  return 0;
}
