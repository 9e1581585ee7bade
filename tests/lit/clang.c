// In clang at the end of the optimizer: a rewrite by the pass search, a program that runs, remarks in clang's own
// form and in the YAML record; with AddressSanitizer, at -O0, and before the link of an LTO build.
// RUN: %search -O2 -mllvm -llmcoop-budget=60 %s -o %t.exe -fsave-optimization-record -foptimization-record-file=%t.yaml 2> %t.remarks
// RUN: FileCheck %s --check-prefix=SEARCH < %t.remarks
// RUN: FileCheck %s --check-prefix=YAML < %t.yaml
// RUN: %t.exe
// SEARCH: clang.c:[[#@LINE+11]]:1: remark: {{.*}} [-Rpass{{(-missed)?}}=llmcoop]
// YAML: Pass: {{ *}}llmcoop

// RUN: %search -O2 -g -fsanitize=address -mllvm -llmcoop-proposer=%proposers:identity %s -o %t.asan.exe 2>&1 | FileCheck %s --check-prefix=ASAN
// RUN: %t.asan.exe
// RUN: not %t.asan.exe overflow 2>&1 | FileCheck %s --check-prefix=CAUGHT
// ASAN: by identity
// CAUGHT: heap-buffer-overflow
// CAUGHT: in weigh {{.*}}clang.c:[[#@LINE+4]]

__attribute__((noinline))
int weigh(const int *values, int count) {
  int sum = 0; for (int i = 0; i < count; i++) sum += values[i] * i;
  return sum;
}

// No function may be touched at -O0, and none is worth it before the link: no interpreter is looked for.
// RUN: env LLMCOOP_PYTHON=/no/such/python %search -O0 -c %s -o %t.o 2>&1 | FileCheck %s --check-prefix=QUIET --allow-empty
// RUN: env LLMCOOP_PYTHON=/no/such/python %search -O2 -flto=thin -c %s -o %t.o 2>&1 | FileCheck %s --check-prefix=QUIET --allow-empty
// RUN: env LLMCOOP_PYTHON=/no/such/python %search -O2 -flto -c %s -o %t.o 2>&1 | FileCheck %s --check-prefix=QUIET --allow-empty
// RUN: env LLMCOOP_PYTHON=/no/such/python LLMCOOP_MODE=off %clang -O2 -c %s -o %t.o 2>&1 | FileCheck %s --check-prefix=QUIET --allow-empty
// QUIET-NOT: remark

#include <stdlib.h>
int main(int argc, char **argv) {
  int *values = malloc(40);
  for (int i = 0; i < 10; i++)
    values[i] = i;
  int sum = weigh(values, argc > 1 ? 11 : 10);
  free(values);
  return sum != 285;
}
