//===- Mutants.h - A program that holds its own mutants ---------*- C++ -*-===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All mutants live in one module ("mutant schemata": Untch, Offutt and Harrold,
// ISSTA 1993), so that one build is enough for hundreds of them.
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_IR_MUTANTS_H
#define LLMCOOP_IR_MUTANTS_H

#include <string>
#include <vector>

namespace llvm {
class Module;
} // namespace llvm

namespace llmcoop {

/// One broken version. Mirrors `llmcoop.ir.Mutant`.
struct Mutant {
  unsigned Number; ///< From 1.
  std::string Operator, Function;
  unsigned Line; ///< 0 without debug info.
  std::string Description;
};

/// Adds at most \p Limit mutants to \p M, spread evenly over functions and
/// operators. Which one is active, `i32 @llmcoop_mutant` says at run time: none
/// if it is 0. Before the place of mutant k is reached for the first time in a
/// block, byte k of what `ptr @llmcoop_reached` points to becomes 1.
std::vector<Mutant> addMutants(llvm::Module &M, unsigned Limit);

/// Makes mutant \p Number the only one, or the original with 0. The branches to
/// the others stay, on constants; debug info goes.
void fixMutant(llvm::Module &M, unsigned Number);

} // namespace llmcoop

#endif // LLMCOOP_IR_MUTANTS_H
