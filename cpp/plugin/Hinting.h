//===- Hinting.h - Hints in a compiler that is not ours ---------*- C++ -*-===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// LLVM takes our hints for the programmer's own. So it would reorder
// floating-point sums where it is told to vectorize; an option of the process
// forbids that from the first such hint of a module to the end of its pipeline.
// And it would warn about a loop that can't be transformed as it was told,
// which under -Werror ends the compile; such warnings are dropped.
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_PLUGIN_HINTING_H
#define LLMCOOP_PLUGIN_HINTING_H

#include "shared/Hints.h"

namespace llvm {
class Module;
} // namespace llvm

namespace llmcoop {

/// See setHints(). The option is gone by the link of an LTO build, so hints
/// that need it are refused \p BeforeLink.
llvm::Error setHintsSafely(llvm::Function &F, const Hints &Hints,
                           bool BeforeLink);

/// Ends, with the pipeline, what hints of \p M needed.
void endHinting(llvm::Module &M);

} // namespace llmcoop

#endif // LLMCOOP_PLUGIN_HINTING_H
