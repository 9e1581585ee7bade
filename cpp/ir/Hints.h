//===- Hints.h - Hints to passes, for one function --------------*- C++ -*-===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_IR_HINTS_H
#define LLMCOOP_IR_HINTS_H

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
/// floating-point sums, as if the programmer had written a pragma.
/// \throws IRError for a hint that does not exist, a loop that is not there,
/// and for vectorization in a module with such pragmas of its own.
std::vector<std::string> setHints(llvm::Function &F, const Hints &Hints);

} // namespace llmcoop

#endif // LLMCOOP_IR_HINTS_H
