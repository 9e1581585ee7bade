//===- Mutations.h - Ways to break one instruction --------------*- C++ -*-===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_IR_MUTATIONS_H
#define LLMCOOP_IR_MUTATIONS_H

#include "llvm/IR/Instruction.h"
#include <functional>
#include <string>
#include <vector>

namespace llmcoop {

/// A changed copy of one instruction, in place of which it is to be executed.
struct Mutation {
  llvm::Instruction *Place;
  std::string Operator; ///< A value of `llmcoop.ir.mutants.Operator`.
  std::string Description;
  /// Changes a fresh copy of \p Place, or puts other instructions before it
  /// and erases it. Gives the value that stands for the value of \p Place;
  /// null when it has none.
  std::function<llvm::Value *(llvm::Instruction &Copy)> Apply;
};

/// All mutations of the function's instructions, in their order. What can't
/// change any output is left out: volatile and atomic accesses would, but not
/// in a way that can be repeated; the sizes of allocations, and when they are
/// freed, would not.
std::vector<Mutation> findMutations(llvm::Function &F);

} // namespace llmcoop

#endif // LLMCOOP_IR_MUTATIONS_H
