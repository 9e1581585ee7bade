; A language model proposes: it is told what is wrong with its IR, its wrong version is refused, its right one is put in with
; a proof. Whatever is wrong with the model, the code is the same and one remark says why.
; RUN: rm -rf %t && %split %s %t
; RUN: %serve %t/replies %opt -passes='llmcoop<functions=shifted;model=tiny;budget=60;calls=4>' %t/module.ll -o %t/out.ll 2> %t/said
; RUN: FileCheck %s --check-prefix=SAID < %t/said
; RUN: FileCheck %s < %t/out.ll
; RUN: lli %t/out.ll
; SAID: asked tiny Make @shifted faster.
; SAID: asked tiny That can't be used: the IR is not valid: {{.*}}%missing
; SAID: shift too little: refuted by llmcoop for x = {{[0-9]+}}
; SAID: asked tiny Your version, v{{[0-9a-f]+}}, was not accepted
; SAID: asked tiny Your version, v{{[0-9a-f]+}}, was accepted
; SAID: remark: {{.*}} by ir agent: One shift does both; proved by llmcoop
; CHECK: define i32 @shifted(i32 %x)
; CHECK-NEXT: %b = shl i32 %x, 3

; RUN: opt -S %t/module.ll -o %t/same.ll
; RUN: %opt -passes='llmcoop<functions=shifted;model=tiny>' %t/module.ll -o %t/1.ll 2>&1 | FileCheck %s --check-prefix=KEY
; RUN: diff %t/same.ll %t/1.ll
; RUN: env OPENAI_BASE_URL=http://127.0.0.1:9/v1 %opt -passes=llmcoop -llmcoop-model=tiny -llmcoop-functions=shifted %t/module.ll -o %t/2.ll 2>&1 | FileCheck %s --check-prefix=DOWN
; RUN: diff %t/same.ll %t/2.ll
; RUN: %serve %t/none %opt -passes='llmcoop<functions=shifted;model=tiny>' %t/module.ll -o %t/3.ll 2>&1 | FileCheck %s --check-prefix=UNKNOWN
; RUN: diff %t/same.ll %t/3.ll
; RUN: %serve %t/replies %opt -passes='llmcoop<functions=shifted;model=tiny;calls=1>' %t/module.ll -o %t/4.ll 2>&1 | FileCheck %s --check-prefix=SPENT
; RUN: diff %t/same.ll %t/4.ll
; RUN: %serve %t/prose clang -fpass-plugin=%plugin -Rpass-missed=llmcoop -O1 -mllvm -llmcoop-mode=search -mllvm -llmcoop-model=tiny -mllvm -llmcoop-functions=shifted -S -emit-llvm %t/module.ll -o %t/5.ll 2>&1 | FileCheck %s --check-prefix=PROSE
; RUN: not %opt -passes='llmcoop<calls=some>' %t/module.ll -o - 2>&1 | FileCheck %s --check-prefix=CALLS
; KEY: remark: {{.*}} no key and no server for model 'tiny'
; KEY-NOT: remark
; DOWN: remark: {{.*}}127.0.0.1:9
; DOWN-NOT: remark
; UNKNOWN: remark: {{.*}}tiny
; UNKNOWN-NOT: remark
; SPENT: remark: {{.*}}the budget for the model is spent
; SPENT-NOT: remark
; PROSE: remark: {{.*}}none of 0 candidates
; CALLS: llmcoop: calls='some' is not a number; allowed are {{.*}}model=<name>, calls=<number>

;--- module.ll
target triple = "x86_64-pc-linux-gnu"
define i32 @shifted(i32 %x) {
  %a = mul i32 %x, 2
  %b = mul i32 %a, 4
  ret i32 %b
}
define i32 @main() {
  %eight = call i32 @shifted(i32 1)
  %bad = icmp ne i32 %eight, 8
  %status = zext i1 %bad to i32
  ret i32 %status
}
;--- replies/1.md
Broken.

```llvm
define i32 @shifted(i32 %x) {
  ret i32 %missing
}
```
;--- replies/2.md
A shift too little.

```llvm
define i32 @shifted(i32 %x) {
  %b = shl i32 %x, 2
  ret i32 %b
}
```
;--- replies/3.md
One shift does both.

```llvm
define i32 @shifted(i32 %x) {
  %b = shl i32 %x, 3
  ret i32 %b
}
```
;--- replies/4.md
```stop
It is one instruction.
```
;--- none/nothing.txt
;--- prose/1.md
I would rather not.
;--- prose/2.md
No.
;--- prose/3.md
No.
;--- prose/4.md
No.
