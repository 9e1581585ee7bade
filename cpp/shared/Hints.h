//===- Hints.h - Hints to passes, for one function --------------*- C++ -*-===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_SHARED_HINTS_H
#define LLMCOOP_SHARED_HINTS_H

#include "llvm/Support/Error.h"
#include <string>
#include <utility>
#include <vector>

namespace llvm {
class Function;
} // namespace llvm

namespace llmcoop {

/// Names and values, such as ("unroll.count", "8") or ("inline", "never").
using Hints = std::vector<std::pair<std::string, std::string>>;

/// Attaches \p Hints to \p F as attributes and loop metadata. Loop hints go to
/// the innermost loops, or to the loop of that number in preorder when the
/// name ends in `@number`.
///
/// Returns the LLVM options that must be set when passes run on the module: a
/// loop that is told to vectorize would otherwise be allowed to reorder
/// floating-point sums, as if the programmer had written a pragma. An error
/// leaves the module as it was: a hint that does not exist, a loop that is not
/// there, vectorization in a module with such pragmas of its own.
llvm::Expected<std::vector<std::string>> setHints(llvm::Function &F,
                                                  const Hints &Hints);

/// Whether \p Hints are such that an option must be set.
bool needOption(const Hints &Hints);

/// Named metadata that says so of a module.
inline constexpr const char *NeedMark = "llmcoop.vectorization.hints";

} // namespace llmcoop

#endif // LLMCOOP_SHARED_HINTS_H
