//===- Passes.cpp - Runs a textual pass pipeline the way clang does -------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Passes.h"
#include "Progress.h"
#include "Target.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Plugins/PassPlugin.h"
#include "llvm/Support/PGOOptions.h"
#include "llvm/Support/VirtualFileSystem.h"
#include "llvm/Target/TargetMachine.h"
#include <regex>

// Passes that come with LLVM without being part of it: Polly, if it was built.
#define HANDLE_EXTENSION(Ext)                                                  \
  llvm::PassPluginLibraryInfo get##Ext##PluginInfo();
#include "llvm/Support/Extension.def"

using namespace llvm;

namespace llmcoop {

static constexpr const char *ProfilePath = "/llmcoop.profdata";
static constexpr const char *AnnotatingPass = "PGOInstrumentationUse";

static PipelineTuningOptions tuningOptions(const Tuning &Tuning) {
  PipelineTuningOptions Options;
  Options.LoopInterleaving = Tuning.LoopInterleaving;
  Options.LoopVectorization = Tuning.LoopVectorization;
  Options.SLPVectorization = Tuning.SLPVectorization;
  Options.LoopUnrolling = Tuning.LoopUnrolling;
  // LLVM's options can turn these on too.
  Options.LoopInterchange |= Tuning.LoopInterchange;
  Options.LoopFusion |= Tuning.LoopFusion;
  Options.MergeFunctions |= Tuning.MergeFunctions;
  Options.CallGraphProfile = Tuning.CallGraphProfile;
  Options.DevirtualizeSpeculatively = Tuning.DevirtualizeSpeculatively;
  if (Tuning.InlinerThreshold >= 0)
    Options.InlinerThreshold = Tuning.InlinerThreshold;
  return Options;
}

static std::optional<PGOOptions> pgoOptions(const Profiling &Profiling) {
  if (Profiling.Instrument)
    return PGOOptions("default_%m.profraw", "", "", "", PGOOptions::IRInstr);
  if (!Profiling.Profile.empty())
    return PGOOptions(ProfilePath, "", "", "", PGOOptions::IRUse);
  return std::nullopt;
}

static IntrusiveRefCntPtr<vfs::FileSystem>
fileSystem(const std::string &Profile) {
  auto Files = makeIntrusiveRefCnt<vfs::InMemoryFileSystem>();
  if (!Profile.empty())
    Files->addFile(ProfilePath, 0, MemoryBuffer::getMemBufferCopy(Profile));
  return Files;
}

/// LLVM's own parser turns vectorization on when it meets `default<O3>`,
/// whatever the tuning says; under this name, the pipeline is clang's.
static constexpr const char *DefaultPipeline = "llmcoop-default";

static std::string withClangsDefault(const std::string &Pipeline) {
  static const std::regex Default("(^|[,(])default<");
  return std::regex_replace(Pipeline, Default,
                            std::string("$1") + DefaultPipeline + "<");
}

static std::optional<OptimizationLevel> levelOf(StringRef Name) {
  if (!Name.consume_front(DefaultPipeline))
    return std::nullopt;
  return StringSwitch<std::optional<OptimizationLevel>>(Name)
      .Case("<O0>", OptimizationLevel::O0)
      .Case("<O1>", OptimizationLevel::O1)
      .Case("<O2>", OptimizationLevel::O2)
      .Case("<O3>", OptimizationLevel::O3)
      .Case("<Os>", OptimizationLevel::Os)
      .Case("<Oz>", OptimizationLevel::Oz)
      .Default(std::nullopt);
}

static void parseClangsDefault(PassBuilder &Builder) {
  Builder.registerPipelineParsingCallback(
      [&Builder](StringRef Name, ModulePassManager &Passes,
                 ArrayRef<PassBuilder::PipelineElement>) {
        auto Level = levelOf(Name);
        if (Level)
          Passes.addPass(Builder.buildPerModuleDefaultPipeline(*Level));
        return Level.has_value();
      });
}

static void trackAssignments(PassBuilder &Builder) {
  Builder.registerPipelineStartEPCallback(
      [](ModulePassManager &Passes, OptimizationLevel Level) {
        if (Level != OptimizationLevel::O0)
          Passes.addPass(AssignmentTrackingPass());
      });
}

static void run(ModulePassManager &Passes, Module &M, PassBuilder &Builder,
                const TargetLibraryInfoImpl &Library) {
  LoopAnalysisManager LAM;
  FunctionAnalysisManager FAM;
  CGSCCAnalysisManager CGAM;
  ModuleAnalysisManager MAM;
  FAM.registerPass([&] { return TargetLibraryAnalysis(Library); });
  Builder.registerModuleAnalyses(MAM);
  Builder.registerCGSCCAnalyses(CGAM);
  Builder.registerFunctionAnalyses(FAM);
  Builder.registerLoopAnalyses(LAM);
  Builder.crossRegisterProxies(LAM, FAM, CGAM, MAM);
  Passes.run(M, MAM);
}

static void runPipeline(Module &M, const std::string &Pipeline,
                        const Tuning &Tuning, const CodeGen &CodeGen,
                        const Profiling &Profiling,
                        PassInstrumentationCallbacks &Callbacks) {
  std::unique_ptr<TargetMachine> Machine = createTargetMachine(M, CodeGen);
  noteEachPass(Callbacks);
  auto PGO = pgoOptions(Profiling);
  Machine->setPGOOption(PGO);
  PassBuilder Builder(Machine.get(), tuningOptions(Tuning), PGO, &Callbacks,
                      fileSystem(Profiling.Profile));
  if (Tuning.AssignmentTracking)
    trackAssignments(Builder);
#define HANDLE_EXTENSION(Ext)                                                  \
  get##Ext##PluginInfo().RegisterPassBuilderCallbacks(Builder);
#include "llvm/Support/Extension.def"

  parseClangsDefault(Builder);
  ModulePassManager Passes;
  if (Error E = Builder.parsePassPipeline(Passes, withClangsDefault(Pipeline)))
    throw IRError("pipeline '" + Pipeline + "': " + toString(std::move(E)));
  M.setDataLayout(Machine->createDataLayout());
  run(Passes, M, Builder, libraryInfo(M, CodeGen));
}

void runPasses(Module &M, const std::string &Pipeline, const Tuning &Tuning,
               const CodeGen &CodeGen, const Profiling &Profiling) {
  PassInstrumentationCallbacks Callbacks;
  if (M.getProfileSummary(/*IsCS=*/false))
    Callbacks.registerShouldRunOptionalPassCallback(
        [](StringRef Pass, Any) { return Pass != AnnotatingPass; });
  runPipeline(M, Pipeline, Tuning, CodeGen, Profiling, Callbacks);
}

void annotate(Module &M, const std::string &Pipeline, const Tuning &Tuning,
              const CodeGen &CodeGen, const std::string &Profile) {
  if (M.getProfileSummary(/*IsCS=*/false))
    return;
  PassInstrumentationCallbacks Callbacks;
  bool Annotated = false;
  Callbacks.registerShouldRunOptionalPassCallback(
      [&](StringRef, Any) { return !Annotated; });
  Callbacks.registerAfterPassCallback(
      [&](StringRef Pass, const Any &, const PreservedAnalyses &) {
        Annotated |= Pass == AnnotatingPass;
      });
  runPipeline(M, Pipeline, Tuning, CodeGen, {Profile, false}, Callbacks);
  if (!M.getProfileSummary(/*IsCS=*/false))
    throw IRError("pipeline '" + Pipeline + "' does not read the profile");
}

} // namespace llmcoop
