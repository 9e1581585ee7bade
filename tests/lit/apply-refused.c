// A rewrite that can't be applied leaves the function as it is: the compile succeeds, the object is that of the plain
// compiler, and the standard error names the file and says why.
// RUN: rm -rf %t && mkdir %t
// RUN: clang -O2 -c %s -o %t/plain.o
// RUN: clang -O2 -emit-llvm -c %s -o %t/apply-refused.bc

// The function has changed since: a remark only.
// RUN: %keep %t/apply-refused.bc scaled %t/stale last "12345=>54321"
// RUN: clang -O2 -c -DFACTOR=7 %s -o %t/changed.o
// RUN: env LLMCOOP_REWRITES=%t/stale %clang -O2 -c -DFACTOR=7 %s -o %t/stale.o 2>&1 | FileCheck %s --check-prefix=STALE
// RUN: cmp %t/stale.o %t/changed.o
// STALE-NOT: refused
// STALE: apply-refused.c:{{[0-9:]+}} remark: scaled-{{[0-9a-f]+}}.rewrite: the function has changed since [-Rpass-missed=llmcoop]

// The same function in another file: nothing is said.
// RUN: cp %s %t/another.c
// RUN: env LLMCOOP_REWRITES=%t/stale %clang -O2 -c -DFACTOR=7 %t/another.c -o %t/another.o 2>&1 | FileCheck %s --check-prefix=QUIET --allow-empty
// QUIET-NOT: {{remark|refused}}

// Changed by hand after it was written.
// RUN: cp -r %t/stale %t/tampered && sed -i 's/54321/54322/' %t/tampered/*
// RUN: env LLMCOOP_REWRITES=%t/tampered %clang -O2 -c %s -o %t/1.o 2>&1 | FileCheck %s --check-prefix=TAMPERED
// RUN: cmp %t/1.o %t/plain.o
// TAMPERED: llmcoop: {{.*}}/tampered/scaled-{{[0-9a-f]+}}.rewrite: refused: its digest does not fit
// TAMPERED: remark: scaled-{{[0-9a-f]+}}.rewrite: its digest does not fit
// TAMPERED-NOT: refused:

// No rewrite at all, also under the plain name of the function.
// RUN: mkdir %t/malformed && echo nonsense > %t/malformed/scaled.rewrite && echo "nothing of ours" > %t/malformed/README
// RUN: env LLMCOOP_REWRITES=%t/malformed %clang -O2 -c %s -o %t/2.o 2>&1 | FileCheck %s --check-prefix=MALFORMED
// RUN: cmp %t/2.o %t/plain.o
// MALFORMED: llmcoop: {{.*}}/malformed/scaled.rewrite: refused: it is not a rewrite: it does not begin with 'llmcoop-rewrite 1'

// What the gate refuses: text that does not parse, a call of something new, another value of a constant.
// RUN: %keep %t/apply-refused.bc scaled %t/unparsed last "ret i32=>return i32"
// RUN: env LLMCOOP_REWRITES=%t/unparsed %clang -O2 -c %s -o %t/3.o 2>&1 | FileCheck %s --check-prefix=UNPARSED
// RUN: cmp %t/3.o %t/plain.o
// UNPARSED: llmcoop: {{.*}}/unparsed/scaled-{{[0-9a-f]+}}.rewrite: refused: does not parse: line
// RUN: %keep %t/apply-refused.bc scaled %t/new last "attributes #0 =>declare i32 @system(ptr) attributes #0 " "ret i32=>call i32 @system(ptr null) ret i32"
// RUN: env LLMCOOP_REWRITES=%t/new %clang -O2 -c %s -o %t/4.o 2>&1 | FileCheck %s --check-prefix=NEW
// RUN: cmp %t/4.o %t/plain.o
// NEW: llmcoop: {{.*}}/new/scaled-{{[0-9a-f]+}}.rewrite: refused: refers to something new: @system
// RUN: %keep %t/apply-refused.bc fruit %t/value last "apples=>orange"
// RUN: env LLMCOOP_REWRITES=%t/value %clang -O2 -c %s -o %t/7.o 2>&1 | FileCheck %s --check-prefix=VALUE
// RUN: cmp %t/7.o %t/plain.o
// VALUE: llmcoop: {{.*}}/value/fruit-{{[0-9a-f]+}}.rewrite: refused: gives @.str another value

// Hints and versions that make no sense.
// RUN: clang -O2 -Xclang -disable-llvm-passes -emit-llvm -c %s -o %t/apply-refused.bc
// RUN: %keep %t/apply-refused.bc scaled %t/hint start "hint:unroll.count=lots"
// RUN: env LLMCOOP_REWRITES=%t/hint %clang -O2 -c %s -o %t/5.o 2>&1 | FileCheck %s --check-prefix=HINT
// RUN: cmp %t/5.o %t/plain.o
// HINT: llmcoop: {{.*}}/hint/scaled-{{[0-9a-f]+}}.rewrite: refused: no such hint: unroll.count = lots
// RUN: %keep %t/apply-refused.bc scaled %t/clone start "hint:inline=never" "clone:x86-64-v9"
// RUN: env LLMCOOP_REWRITES=%t/clone %clang -O2 -c %s -o %t/6.o 2>&1 | FileCheck %s --check-prefix=CLONE
// RUN: cmp %t/6.o %t/plain.o
// CLONE: llmcoop: {{.*}}/clone/scaled-{{[0-9a-f]+}}.rewrite: refused: not a level to clone for: x86-64-v9

#ifndef FACTOR
#define FACTOR 12345
#endif
int scaled(int x) {
  return x * FACTOR;
}

const char *fruit(int x) {
  return &"apples"[x];
}
