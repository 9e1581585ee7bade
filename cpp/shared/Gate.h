//===- Gate.h - Take one function out of a module, put another version in -===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The only way by which rewritten IR enters a module. Both the plugin and the
// extension use it; IR crosses as text.
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_SHARED_GATE_H
#define LLMCOOP_SHARED_GATE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <string>

namespace llvm {
class Function;
class LLVMContext;
class Module;
} // namespace llvm

namespace llmcoop {

/// Why \p F can't be rewritten (a declaration, available_externally, naked,
/// ...), or an empty string when it can.
std::string whyNotEligible(const llvm::Function &F);

/// A module of its own, as text, in which only \p F is defined: everything it
/// refers to is declared, with types, attributes and metadata it needs. Small
/// constants keep their values (available_externally). Of debug info it has
/// source lines only; see DebugLocations.h.
std::string extractFunction(const llvm::Function &F);

/// Replaces the body of \p Old by the definition of the same name in \p IR.
///
/// The text is parsed in a fresh context, verified, and checked to keep the
/// name, type, calling convention, linkage, visibility, comdat, and every
/// attribute that callers rely on, and to call and refer to nothing that the
/// module of \p Old does not already declare (intrinsics apart). On any error
/// the module is unchanged and the error says in one line what was refused.
llvm::Error replaceFunction(llvm::Function &Old, llvm::StringRef IR);

/// Says what replaceFunction() would say, and leaves the module as it is.
llvm::Error checkReplacement(llvm::Function &Old, llvm::StringRef IR);

/// The two halves of the above. A text that was parsed may be given other names
/// before it is put in. \p Context is one of its own.
llvm::Expected<std::unique_ptr<llvm::Module>>
parseReplacement(llvm::StringRef IR, llvm::LLVMContext &Context);

/// What becomes of a replacement that the gate lets pass.
enum class Admission { Keep, OnlyCheck };
llvm::Error admit(llvm::Function &Old, llvm::Module &Text, Admission Kind);

} // namespace llmcoop

#endif // LLMCOOP_SHARED_GATE_H
