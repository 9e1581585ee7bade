//===- Multiversion.h - Versions of functions for better CPUs ---*- C++ -*-===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The program keeps running on any x86-64: each function's own symbol becomes
// a dispatcher, which looks at a variable that a constructor sets from what
// the CPU and the operating system support.
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_SHARED_MULTIVERSION_H
#define LLMCOOP_SHARED_MULTIVERSION_H

#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace llvm {
class Function;
class Module;
} // namespace llvm

namespace llmcoop {

/// What was asked for and not done, with the reason.
struct Skipped {
  std::string Function, Reason;
};

/// Clones \p Functions, and what they call, for each of \p CPUs:
/// `x86-64-v2`, `-v3` or `-v4`, best last, with settings after a colon, such as
/// `x86-64-v4:tune=znver4,prefer-vector-width=512`. Returns what could not be
/// cloned. A fused multiplication and addition would round otherwise than the
/// baseline does, so fmuladd is split where the baseline can't fuse it. (With
/// -ffast-math, sums still depend on the width of vectors.) The error is about
/// an unknown CPU, and leaves the module as it was.
llvm::Expected<std::vector<Skipped>>
multiversion(llvm::Module &M, const std::vector<std::string> &Functions,
             const std::vector<std::string> &CPUs);

/// The error that multiversion() would give for \p F alone, or the reason for
/// which it would skip it.
llvm::Error checkCloneable(const llvm::Function &F,
                           const std::vector<std::string> &CPUs);

/// Whether the code generator may fuse multiplications and additions that no
/// instruction allows to (-ffp-contract=fast), so that versions with FMA would
/// round otherwise. Under -ffast-math, that was asked for.
bool mayBeFused(const llvm::Module &M);

} // namespace llmcoop

#endif // LLMCOOP_SHARED_MULTIVERSION_H
