//===- ModuleHost.cpp - A module, as the embedded Python sees it ----------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "plugin/ModuleHost.h"
#include "shared/Canonical.h"
#include "llvm/Analysis/BlockFrequencyInfo.h"
#include "llvm/Analysis/OptimizationRemarkEmitter.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Regex.h"

using namespace llvm;

namespace llmcoop {

ModuleHost::ModuleHost(Module &M, ModuleAnalysisManager &Analyses,
                       const Options &Opts, const Functions &LeftOut)
    : Analyses(Analyses), M(M), Opts(Opts) {
  Regex Wanted("^(" + Opts.Functions + ")$");
  for (Function &F : M)
    if (!F.isDeclaration() && !LeftOut.contains(&F) &&
        Wanted.match(F.getName()) && whyNotEligible(F).empty())
      Eligible.push_back(&F);
}

static double workOf(const Function &F, const BlockFrequencyInfo &Frequencies) {
  double Work = 0;
  double Entry = Frequencies.getEntryFreq().getFrequency();
  for (const BasicBlock &Block : F)
    Work += Block.size() * Frequencies.getBlockFreq(&Block).getFrequency();
  return Entry > 0 ? Work / Entry : F.getInstructionCount();
}

std::vector<FunctionSummary> ModuleHost::functions() {
  auto &FunctionAnalyses =
      Analyses.getResult<FunctionAnalysisManagerModuleProxy>(M).getManager();
  std::vector<FunctionSummary> Summaries;
  for (Function *F : Eligible)
    Summaries.push_back(
        {F->getName().str(), F->getInstructionCount(),
         workOf(*F, FunctionAnalyses.getResult<BlockFrequencyAnalysis>(*F))});
  return Summaries;
}

Function *ModuleHost::find(const std::string &Name) const {
  Function *F = M.getFunction(Name);
  return is_contained(Eligible, F) ? F : nullptr;
}

std::string ModuleHost::extract(const std::string &Name) const {
  Function *F = find(Name);
  return F ? extractFunction(*F) : "";
}

static std::optional<std::string> reason(Error Refusal) {
  if (!Refusal)
    return std::nullopt;
  return toString(std::move(Refusal));
}

static std::string notOffered(const std::string &Name) {
  return "no function @" + Name + " was offered";
}

std::string ModuleHost::canonical(const std::string &Name) const {
  Function *F = find(Name);
  return F ? CanonicalForm(*F).text() : "";
}

Conversion ModuleHost::canonicalReplacement(const std::string &Name,
                                            const std::string &IR) const {
  Function *F = find(Name);
  if (!F)
    return {"", notOffered(Name)};
  Expected<std::string> Text = CanonicalForm(*F).fromExtracted(IR);
  if (!Text)
    return {"", toString(Text.takeError())};
  return {*Text, std::nullopt};
}

std::optional<std::string> ModuleHost::check(const std::string &Name,
                                             const std::string &IR) {
  Function *F = find(Name);
  return F ? reason(checkReplacement(*F, IR)) : notOffered(Name);
}

std::optional<std::string> ModuleHost::replace(const std::string &Name,
                                               const std::string &IR) {
  Function *F = find(Name);
  if (!F)
    return notOffered(Name);
  std::optional<std::string> Refusal = reason(replaceFunction(*F, IR));
  Changed |= !Refusal;
  return Refusal;
}

void ModuleHost::remark(RemarkKind Kind, const std::string &Name,
                        const std::string &Function,
                        const std::string &Message) {
  llvm::Function *F = find(Function);
  emitRemark(F ? *F : *Eligible.front(), Kind, Name, Message);
}

void emitRemark(Function &F, RemarkKind Kind, StringRef Name,
                StringRef Message) {
  OptimizationRemarkEmitter Emitter(&F);
  DiagnosticLocation Location(F.getSubprogram());
  const BasicBlock *Entry = &F.getEntryBlock();
  switch (Kind) {
  case RemarkKind::Passed:
    return Emitter.emit(OptimizationRemark("llmcoop", Name, Location, Entry)
                        << Message);
  case RemarkKind::Missed:
    return Emitter.emit(
        OptimizationRemarkMissed("llmcoop", Name, Location, Entry) << Message);
  case RemarkKind::Analysis:
    return Emitter.emit(
        OptimizationRemarkAnalysis("llmcoop", Name, Location, Entry)
        << Message);
  }
}

} // namespace llmcoop
