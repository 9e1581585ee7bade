//===- Plugin.cpp - The pass llmcoop, for opt and clang -------------------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "plugin/Interpreter.h"
#include "plugin/ModuleHost.h"
#include "plugin/Options.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Plugins/PassPlugin.h"
#include "llvm/Support/raw_ostream.h"
#include <memory>

using namespace llvm;
using namespace llmcoop;

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {

class LLMCoopPass : public PassInfoMixin<LLMCoopPass> {
public:
  explicit LLMCoopPass(Options Opts) : Opts(std::move(Opts)) {}

  PreservedAnalyses run(Module &M, ModuleAnalysisManager &Analyses) {
    if (Opts.Mode == "off")
      return PreservedAnalyses::all();
    ModuleHost Compiler(M, Analyses, Opts);
    if (!Compiler.hasWork())
      return PreservedAnalyses::all();
    if (std::optional<std::string> Failure = runPython(Compiler))
      Compiler.remark(RemarkKind::Missed, "NotRun", "", *Failure);
    return Compiler.changed() ? PreservedAnalyses::none()
                              : PreservedAnalyses::all();
  }

private:
  Options Opts;
};

/// The pass at the end of a default pipeline, unless the user's pipeline also
/// names it, as in `default<O3>,llmcoop<budget=8>`: once is meant.
class LLMCoopLastPass : public PassInfoMixin<LLMCoopLastPass> {
public:
  LLMCoopLastPass(Options Opts, std::shared_ptr<const bool> IsNamed)
      : Pass(std::move(Opts)), IsNamed(std::move(IsNamed)) {}

  PreservedAnalyses run(Module &M, ModuleAnalysisManager &Analyses) {
    return *IsNamed ? PreservedAnalyses::all() : Pass.run(M, Analyses);
  }

private:
  LLMCoopPass Pass;
  std::shared_ptr<const bool> IsNamed;
};

/// Says in a remark why the options were not understood: in a compiler, that
/// must not stop the compile.
class MalformedOptionsPass : public PassInfoMixin<MalformedOptionsPass> {
public:
  explicit MalformedOptionsPass(std::string Message)
      : Message(std::move(Message)) {}

  PreservedAnalyses run(Module &M, ModuleAnalysisManager &) {
    for (Function &F : M) {
      if (F.isDeclaration())
        continue;
      emitRemark(F, RemarkKind::Missed, "MalformedOptions", Message);
      break;
    }
    return PreservedAnalyses::all();
  }

private:
  std::string Message;
};

} // namespace

//===----------------------------------------------------------------------===//
// Registration
//===----------------------------------------------------------------------===//

static bool parsePass(StringRef Name, ModulePassManager &Passes) {
  if (!PassBuilder::checkParametrizedPassName(Name, "llmcoop"))
    return false;
  StringRef Parameters = Name.drop_front(StringRef("llmcoop").size());
  if (Parameters.consume_front("<"))
    Parameters.consume_back(">");
  Expected<Options> Opts = resolveOptions(Parameters);
  if (!Opts) {
    errs() << toString(Opts.takeError()) << "\n";
    return false;
  }
  Passes.addPass(LLMCoopPass(*Opts));
  return true;
}

static void addToCompiler(ModulePassManager &Passes, OptimizationLevel Level,
                          ThinOrFullLTOPhase Phase,
                          std::shared_ptr<const bool> IsNamed) {
  // Before the link of an LTO build this would work on code that is about to be
  // inlined and optimized all over again.
  bool IsPreLink = Phase == ThinOrFullLTOPhase::ThinLTOPreLink ||
                   Phase == ThinOrFullLTOPhase::FullLTOPreLink;
  if (Level == OptimizationLevel::O0 || IsPreLink)
    return;
  Expected<Options> Opts = resolveOptions("");
  if (Opts)
    Passes.addPass(LLMCoopLastPass(*Opts, std::move(IsNamed)));
  else
    Passes.addPass(MalformedOptionsPass(toString(Opts.takeError())));
}

static void registerIn(PassBuilder &Builder) {
  auto IsNamed = std::make_shared<bool>(false);
  Builder.registerPipelineParsingCallback(
      [IsNamed](StringRef Name, ModulePassManager &Passes,
                ArrayRef<PassBuilder::PipelineElement>) {
        bool Parsed = parsePass(Name, Passes);
        *IsNamed |= Parsed;
        return Parsed;
      });
  Builder.registerOptimizerLastEPCallback([IsNamed](ModulePassManager &Passes,
                                                    OptimizationLevel Level,
                                                    ThinOrFullLTOPhase Phase) {
    addToCompiler(Passes, Level, Phase, IsNamed);
  });
}

//===----------------------------------------------------------------------===//
// Entry point
//===----------------------------------------------------------------------===//

extern "C" LLVM_ATTRIBUTE_VISIBILITY_DEFAULT PassPluginLibraryInfo
llvmGetPassPluginInfo() {
  return {LLVM_PLUGIN_API_VERSION, "LLMCoop", LLMCOOP_VERSION, registerIn};
}
