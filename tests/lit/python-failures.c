// Whatever is wrong with Python, the compile succeeds, the code is the same, and one remark says what to do.
// RUN: clang -O2 -Rpass=llmcoop -Rpass-missed=llmcoop -S -emit-llvm %s -o %t.expected
// RUN: env LLMCOOP_PYTHON=/no/such/python %search -O2 -S -emit-llvm %s -o %t.1 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: diff %t.expected %t.1
// RUN: env LLMCOOP_PYTHON=%S/Inputs/old-python %search -O2 -S -emit-llvm %s -o %t.2 2>&1 | FileCheck %s --check-prefix=OLD
// RUN: diff %t.expected %t.2
// RUN: env LLMCOOP_PYTHON=%S/Inputs/static-python %search -O2 -S -emit-llvm %s -o %t.3 2>&1 | FileCheck %s --check-prefix=STATIC
// RUN: diff %t.expected %t.3
// RUN: env LLMCOOP_PYTHON=%S/Inputs/broken-python %search -O2 -S -emit-llvm %s -o %t.4 2>&1 | FileCheck %s --check-prefix=BROKEN
// RUN: diff %t.expected %t.4
// RUN: env LLMCOOP_PROPOSER=%proposers:fails %search -O2 -S -emit-llvm %s -o %t.5 2>&1 | FileCheck %s --check-prefix=EXCEPTION
// RUN: diff %t.expected %t.5
// RUN: env LLMCOOP_PROPOSER=%proposers:absent %search -O2 -S -emit-llvm %s -o %t.6 2>&1 | FileCheck %s --check-prefix=ABSENT
// RUN: diff %t.expected %t.6
// RUN: env LLMCOOP_RUN=%t.no-socket %search -O2 -S -emit-llvm %s -o %t.7 2>&1 | FileCheck %s --check-prefix=LOST
// RUN: diff %t.expected %t.7
// RUN: env LLMCOOP_MODE=quick %clang -O2 -S -emit-llvm %s -o %t.8 2>&1 | FileCheck %s --check-prefix=MODE
// RUN: diff %t.expected %t.8
// RUN: rm -rf %t.alone && mkdir %t.alone && cp %plugin %t.alone/
// RUN: env LLMCOOP_PYTHON=%python clang -O2 -fpass-plugin=%t.alone/LLMCoop.so -mllvm -llmcoop-mode=search -Rpass=llmcoop -Rpass-missed=llmcoop -S -emit-llvm %s -o %t.9 2>&1 | FileCheck %s --check-prefix=ALONE
// RUN: diff %t.expected %t.9
// RUN: cp %bridge %t.alone/ && %python -m venv --without-pip %t.venv
// RUN: env LLMCOOP_PYTHON=%t.venv/bin/python clang -O2 -fpass-plugin=%t.alone/LLMCoop.so -mllvm -llmcoop-mode=search -Rpass=llmcoop -Rpass-missed=llmcoop -S -emit-llvm %s -o %t.10 2>&1 | FileCheck %s --check-prefix=PACKAGE
// RUN: diff %t.expected %t.10
// RUN: env LLMCOOP_PROPOSER=%proposers:prints %search -O2 -S -emit-llvm %s -o - 2> %t.printed | diff %t.expected -

// MISSING: python-failures.c:[[#@LINE+19]]:1: remark: can't run the Python /no/such/python {{.*}}set LLMCOOP_PYTHON
// MISSING-NOT: remark
// OLD: remark: {{.*}}old-python is Python 3.7, this plugin was built for Python 3.{{.*}}set LLMCOOP_PYTHON
// OLD-NOT: remark
// STATIC: remark: {{.*}}static-python has no shared library {{.*}}apt-get install
// STATIC-NOT: remark
// BROKEN: remark: can't run the Python {{.*}}broken-python
// BROKEN-NOT: remark
// EXCEPTION: remark: ValueError: no idea for {{work|more}} none at all (at {{.*}}proposers.py:{{[0-9]+}})
// EXCEPTION-NOT: remark
// ABSENT: remark: {{.*}}has no function absent
// ABSENT-NOT: remark
// LOST: remark: lost the run at {{.*}}no-socket
// LOST-NOT: remark
// MODE: remark: llmcoop: unknown mode 'quick'; allowed are mode=apply|search|off
// ALONE: remark: can't load {{.*}}LLMCoopPython.so
// ALONE-NOT: remark
// PACKAGE: remark: the package llmcoop is not installed for {{.*}}venv/bin/python; run: {{.*}} -m pip install llmcoop
// PACKAGE-NOT: remark
int work(const int *values, int count) {
  int sum = 0;
  for (int i = 0; i < count; i++)
    sum += values[i];
  return sum;
}
int more(int x) { return x / 7; }
