// What the parts of the runtime share.
#ifndef LLMCOOP_FUZZ_RUNTIME_H
#define LLMCOOP_FUZZ_RUNTIME_H

#include "../shared.h"

// trace.c: begin to record. Weak, so that only programs with instrumented code
// link it.
__attribute__((weak)) void llmcoopTrace(Shared *Memory);

#endif
