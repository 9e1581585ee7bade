; Malformed parameters are an error that names the parameter and what is allowed; parameters outrank flags, which
; outrank the environment; what is off needs no Python.
; RUN: not %opt -passes='llmcoop<mode=quick>' %s 2>&1 | FileCheck %s --check-prefix=MODE
; RUN: not %opt -passes='llmcoop<seconds=3>' %s 2>&1 | FileCheck %s --check-prefix=NAME
; RUN: not %opt -passes='llmcoop<budget=soon>' %s 2>&1 | FileCheck %s --check-prefix=BUDGET
; RUN: not %opt -passes='llmcoop<functions=[>' %s 2>&1 | FileCheck %s --check-prefix=REGEX
; RUN: not %opt -passes='llmcoop<proposer=mine>' %s 2>&1 | FileCheck %s --check-prefix=PROPOSER
; MODE: llmcoop: unknown mode 'quick'; allowed are mode=apply|search|off, rewrites=<folder>, functions=<regular expression>, budget=<seconds>
; NAME: llmcoop: unknown parameter 'seconds'; allowed are
; BUDGET: llmcoop: budget='soon' is not a number of seconds; allowed are
; REGEX: llmcoop: functions='[' is not valid: {{.*}}; allowed are
; PROPOSER: llmcoop: proposer='mine' names no function; allowed are

; RUN: env LLMCOOP_PYTHON=/no/such/python %opt -passes='llmcoop<mode=off>' %s -o - 2>&1 | FileCheck %s --check-prefix=OFF
; RUN: env LLMCOOP_PYTHON=/no/such/python %opt -passes='llmcoop' -llmcoop-mode=off %s -o - 2>&1 | FileCheck %s --check-prefix=OFF
; RUN: env LLMCOOP_PYTHON=/no/such/python %opt -passes='llmcoop<mode=apply>' %s -o - 2>&1 | FileCheck %s --check-prefix=OFF
; RUN: env LLMCOOP_PYTHON=/no/such/python LLMCOOP_MODE=off %opt -passes='llmcoop' %s -o - 2>&1 | FileCheck %s --check-prefix=OFF
; RUN: env LLMCOOP_PYTHON=/no/such/python LLMCOOP_FUNCTIONS=g %opt -passes='llmcoop' %s -o - 2>&1 | FileCheck %s --check-prefix=OFF
; OFF-NOT: remark
; RUN: env LLMCOOP_PYTHON=/no/such/python LLMCOOP_MODE=off %opt -passes='llmcoop' -llmcoop-mode=search %s -o - 2>&1 | FileCheck %s --check-prefix=ON
; RUN: env LLMCOOP_PYTHON=/no/such/python %opt -passes='llmcoop<mode=search>' -llmcoop-mode=off %s -o - 2>&1 | FileCheck %s --check-prefix=ON
; RUN: env LLMCOOP_PYTHON=/no/such/python LLMCOOP_FUNCTIONS=g %opt -passes='llmcoop<functions=f;budget=1.5>' %s -o - 2>&1 | FileCheck %s --check-prefix=ON
; ON: remark: {{.*}}/no/such/python

; RUN: %opt -passes='llmcoop<budget=0>' %s -o - 2>&1 | FileCheck %s --check-prefix=SPENT
; SPENT: remark: {{.*}} not tried within 0 s

define i32 @f(i32 %x) {
  ret i32 %x
}
