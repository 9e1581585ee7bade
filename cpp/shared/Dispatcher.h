//===- Dispatcher.h - Chooses the version of a function at run time -*- C++
//-*-===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_SHARED_DISPATCHER_H
#define LLMCOOP_SHARED_DISPATCHER_H

#include "llvm/ADT/ArrayRef.h"

namespace llvm {
class Function;
class GlobalVariable;
class Module;
} // namespace llvm

namespace llmcoop {

/// An x86-64 level as libgcc and compiler-rt know it.
struct FeatureBit {
  unsigned Word, Bit; ///< In __cpu_features2.
};

/// Adds a variable with the number of the best level that the machine has:
/// 0 for none, else 1 + its index in \p Levels, which has the best one last.
/// A constructor sets it; CPU and operating system must both support a level.
llvm::GlobalVariable &addLevelVariable(llvm::Module &M,
                                       llvm::ArrayRef<FeatureBit> Levels);

/// Gives \p F, which must be empty, a body that calls \p Versions[i] when the
/// level is at least i. Null versions don't exist; the first one does.
void fillDispatcher(llvm::Function &F, llvm::GlobalVariable &Level,
                    llvm::ArrayRef<llvm::Function *> Versions);

} // namespace llmcoop

#endif // LLMCOOP_SHARED_DISPATCHER_H
