//===- Plugin.cpp - The pass llmcoop, for opt and clang -------------------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "plugin/Apply.h"
#include "plugin/Hinting.h"
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
// The passes
//===----------------------------------------------------------------------===//

namespace {

/// Puts kept rewrites in.
class ApplyPass : public PassInfoMixin<ApplyPass> {
public:
  ApplyPass(Options Opts, Position Here) : Opts(std::move(Opts)), Here(Here) {}

  PreservedAnalyses run(Module &M, ModuleAnalysisManager &) {
    Functions Changed = applyRewrites(M, Opts, Here);
    if (Here.At == Stage::Last)
      endHinting(M);
    return Changed.empty() ? PreservedAnalyses::all()
                           : PreservedAnalyses::none();
  }

private:
  Options Opts;
  Position Here;
};

/// Looks for better versions of what no kept rewrite is for: a function that is
/// compiled twice must not become two different ones.
class SearchPass : public PassInfoMixin<SearchPass> {
public:
  explicit SearchPass(Options Opts) : Opts(std::move(Opts)) {}

  PreservedAnalyses run(Module &M, ModuleAnalysisManager &Analyses) {
    Functions Kept = applyKept(M, Analyses);
    ModuleHost Compiler(M, Analyses, Opts, Kept);
    if (!Compiler.hasWork())
      return Kept.empty() ? PreservedAnalyses::all()
                          : PreservedAnalyses::none();
    if (std::optional<std::string> Failure = runPython(Compiler))
      Compiler.remark(RemarkKind::Missed, "NotRun", "", *Failure);
    return Compiler.changed() || !Kept.empty() ? PreservedAnalyses::none()
                                               : PreservedAnalyses::all();
  }

private:
  Functions applyKept(Module &M, ModuleAnalysisManager &Analyses) {
    // A run that judges starts from the program itself.
    if (!Opts.Run.empty())
      return {};
    Functions Kept = applyRewrites(M, Opts, {Stage::Last, false});
    endHinting(M);
    if (!Kept.empty())
      Analyses.invalidate(M, PreservedAnalyses::none());
    return Kept;
  }

  Options Opts;
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

namespace {

/// What one pipeline is like; known in full when the pipeline is complete.
struct Pipeline {
  /// The user's pipeline names the pass, as in `default<O3>,llmcoop`: then it
  /// does not also run where default pipelines have it.
  bool NamesPass = false;
  bool IsBeforeLink = false;
};

/// What a default pipeline does at one of its ends.
class DefaultPass : public PassInfoMixin<DefaultPass> {
public:
  DefaultPass(Options Opts, Stage At, std::shared_ptr<const Pipeline> Around)
      : Opts(std::move(Opts)), At(At), Around(std::move(Around)) {}

  PreservedAnalyses run(Module &M, ModuleAnalysisManager &Analyses) {
    if (Around->NamesPass)
      return PreservedAnalyses::all();
    if (Opts.Mode == "search" && At == Stage::Last)
      return SearchPass(Opts).run(M, Analyses);
    return ApplyPass(Opts, {At, Around->IsBeforeLink}).run(M, Analyses);
  }

private:
  Options Opts;
  Stage At;
  std::shared_ptr<const Pipeline> Around;
};

} // namespace

static bool parsePass(StringRef Name, ModulePassManager &Passes) {
  if (!PassBuilder::checkParametrizedPassName(Name, "llmcoop"))
    return false;
  StringRef Parameters = Name.drop_front(StringRef("llmcoop").size());
  if (Parameters.consume_front("<"))
    Parameters.consume_back(">");
  Expected<Options> Opts = resolveOptions(Parameters, /*DefaultMode=*/"search");
  if (!Opts) {
    errs() << toString(Opts.takeError()) << "\n";
    return false;
  }
  if (Opts->Mode == "search")
    Passes.addPass(SearchPass(*Opts));
  else if (Opts->Mode == "apply")
    Passes.addPass(ApplyPass(*Opts, {Stage::Last, /*BeforeLink=*/false}));
  return true;
}

static void addToDefault(ModulePassManager &Passes, Stage At,
                         std::shared_ptr<const Pipeline> Around) {
  Expected<Options> Opts = resolveOptions("", /*DefaultMode=*/"apply");
  if (!Opts) {
    std::string Message = toString(Opts.takeError());
    if (At == Stage::Last) // once is enough
      Passes.addPass(MalformedOptionsPass(Message));
    return;
  }
  bool Applies = Opts->Mode != "off" && !Opts->Rewrites.empty();
  bool Searches = Opts->Mode == "search" && At == Stage::Last;
  if (Applies || Searches)
    Passes.addPass(DefaultPass(*Opts, At, std::move(Around)));
}

static void registerIn(PassBuilder &Builder) {
  auto Around = std::make_shared<Pipeline>();
  Builder.registerPipelineParsingCallback(
      [Around](StringRef Name, ModulePassManager &Passes,
               ArrayRef<PassBuilder::PipelineElement>) {
        bool Parsed = parsePass(Name, Passes);
        Around->NamesPass |= Parsed;
        return Parsed;
      });
  Builder.registerPipelineStartEPCallback(
      [Around](ModulePassManager &Passes, OptimizationLevel Level) {
        if (Level != OptimizationLevel::O0)
          addToDefault(Passes, Stage::Start, Around);
      });
  Builder.registerOptimizerLastEPCallback([Around](ModulePassManager &Passes,
                                                   OptimizationLevel Level,
                                                   ThinOrFullLTOPhase Phase) {
    // Before the link of an LTO build this would work on code that is about to
    // be inlined and optimized all over again.
    Around->IsBeforeLink = Phase == ThinOrFullLTOPhase::ThinLTOPreLink ||
                           Phase == ThinOrFullLTOPhase::FullLTOPreLink;
    if (Level != OptimizationLevel::O0 && !Around->IsBeforeLink)
      addToDefault(Passes, Stage::Last, Around);
  });
}

//===----------------------------------------------------------------------===//
// Entry point
//===----------------------------------------------------------------------===//

extern "C" LLVM_ATTRIBUTE_VISIBILITY_DEFAULT PassPluginLibraryInfo
llvmGetPassPluginInfo() {
  return {LLVM_PLUGIN_API_VERSION, "LLMCoop", LLMCOOP_VERSION, registerIn};
}
