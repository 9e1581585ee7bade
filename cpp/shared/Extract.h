//===- Extract.h - How a function looks in a module of its own ------------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What extractFunction() writes and replaceFunction() must read back.
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_SHARED_EXTRACT_H
#define LLMCOOP_SHARED_EXTRACT_H

#include "llvm/IR/GlobalValue.h"
#include <memory>
#include <string>

namespace llvm {
class Function;
class Module;
} // namespace llvm

namespace llmcoop {

/// A module in the context of \p F in which only \p F is defined, as
/// extractFunction() writes it, but with the debug info of the whole module.
std::unique_ptr<llvm::Module> extractModule(const llvm::Function &F);

/// The linkage that a function with \p Linkage has as the only definition of a
/// module: one under which it can't be dropped for want of callers.
llvm::GlobalValue::LinkageTypes
extractedLinkage(llvm::GlobalValue::LinkageTypes Linkage);

/// The name by which the text refers to \p G, which may have none itself.
std::string extractedName(const llvm::GlobalValue &G);

/// The value of \p M that the text refers to as \p Name, or null.
llvm::GlobalValue *findExtracted(llvm::Module &M, llvm::StringRef Name);

} // namespace llmcoop

#endif // LLMCOOP_SHARED_EXTRACT_H
