//===- ModuleHost.h - A module, as the embedded Python sees it ------------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_PLUGIN_MODULEHOST_H
#define LLMCOOP_PLUGIN_MODULEHOST_H

#include "plugin/Apply.h"
#include "plugin/Host.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/PassManager.h"
#include "llvm/Support/Error.h"

namespace llmcoop {

/// Offers the eligible functions of a module whose names match the options.
class ModuleHost final : public Host {
public:
  /// Those in \p LeftOut are not offered.
  ModuleHost(llvm::Module &M, llvm::ModuleAnalysisManager &Analyses,
             const Options &Opts, const Functions &LeftOut);

  bool hasWork() const { return !Eligible.empty(); }
  bool changed() const { return Changed; }

  const Options &options() const override { return Opts; }
  std::vector<FunctionSummary> functions() override;
  std::string extract(const std::string &Function) const override;
  std::string canonical(const std::string &Name) const override;
  Conversion canonicalReplacement(const std::string &Name,
                                  const std::string &IR) const override;
  std::optional<std::string> check(const std::string &Function,
                                   const std::string &IR) override;
  std::optional<std::string> replace(const std::string &Function,
                                     const std::string &IR) override;
  void remark(RemarkKind Kind, const std::string &Name,
              const std::string &Function, const std::string &Message) override;

private:
  llvm::Function *find(const std::string &Name) const;

  llvm::ModuleAnalysisManager &Analyses;
  llvm::Module &M;
  const Options &Opts;
  llvm::SmallVector<llvm::Function *> Eligible;
  bool Changed = false;
};

/// Emits a remark of the pass `llmcoop` about \p F.
void emitRemark(llvm::Function &F, RemarkKind Kind, llvm::StringRef Name,
                llvm::StringRef Message);

} // namespace llmcoop

#endif // LLMCOOP_PLUGIN_MODULEHOST_H
