//===- Target.h - The target machine that clang would make ------*- C++ -*-===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_IR_TARGET_H
#define LLMCOOP_IR_TARGET_H

#include "Settings.h"
#include <memory>

namespace llvm {
class Module;
class TargetLibraryInfoImpl;
class TargetMachine;
} // namespace llvm

namespace llmcoop {

/// \throws IRError when the module is for another target, or a setting is not
/// one that LLVM knows.
std::unique_ptr<llvm::TargetMachine>
createTargetMachine(const llvm::Module &M, const CodeGen &Settings);

/// The C library's functions as the passes may assume them.
llvm::TargetLibraryInfoImpl libraryInfo(const llvm::Module &M,
                                        const CodeGen &Settings);

/// Generates an object file, or assembly text. The module is used up: code
/// generation changes it.
std::string emit(llvm::Module &M, const CodeGen &Settings, bool AsObject);

} // namespace llmcoop

#endif // LLMCOOP_IR_TARGET_H
