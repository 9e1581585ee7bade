//===- IRModule.h - A module with its context, as Python sees it -*- C++
//-*-===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_IR_IRMODULE_H
#define LLMCOOP_IR_IRMODULE_H

#include "Diagnostics.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <string>
#include <vector>

namespace llmcoop {

/// What LLVM gave, for Python.
/// \throws IRError with LLVM's words.
template <typename T> T valueOf(llvm::Expected<T> Result) {
  if (!Result)
    throw IRError(llvm::toString(Result.takeError()));
  return std::move(*Result);
}

/// What is known about one function. Mirrors `llmcoop.ir.FunctionInfo`.
struct FunctionInfo {
  std::string Name;
  bool Defined;
  std::string Linkage;
  std::string WhyNotEligible; ///< Empty: it may be rewritten.
  unsigned Instructions, Loops;
};

class IRModule {
public:
  /// Parses assembly text or bitcode; without a target triple, it is for
  /// x86-64 Linux.
  /// \throws IRError with line and column.
  IRModule(llvm::StringRef Data, const std::string &Name);

  /// \throws IRError with the verifier's words.
  void verify() const;
  std::string text() const;
  std::string bitcode() const;
  std::vector<FunctionInfo> functions() const;

  /// Another module, in which only the named functions are defined.
  std::unique_ptr<IRModule>
  extract(const std::vector<std::string> &Names) const;
  void link(const IRModule &Other);
  /// Makes every definition internal but those in \p Keep.
  void internalize(const std::vector<std::string> &Keep);
  /// Through the gate.
  void replaceFunction(const std::string &Name, const std::string &IR);
  /// See CanonicalForm.
  std::string canonical(const std::string &Name) const;
  std::string canonicalReplacement(const std::string &Name,
                                   const std::string &IR) const;

  /// \throws IRError when there is no definition of that name.
  llvm::Function &definition(const std::string &Name) const;

  llvm::Module &get() { return *M; }
  Diagnostics &diagnostics() { return *Said; }

private:
  std::unique_ptr<llvm::Module> parse(llvm::StringRef Data,
                                      const std::string &Name);

  llvm::LLVMContext Context;
  Diagnostics *Said; ///< Owned by the context.
  std::unique_ptr<llvm::Module> M;
};

} // namespace llmcoop

#endif // LLMCOOP_IR_IRMODULE_H
