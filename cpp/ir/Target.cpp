//===- Target.cpp - The target machine that clang would make --------------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Target.h"
#include "Progress.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Analysis/RuntimeLibcallInfo.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

using namespace llvm;

namespace llmcoop {

template <typename T>
static T chosen(std::optional<T> Value, const char *Setting,
                const std::string &Name) {
  if (!Value)
    throw IRError(std::string("unknown ") + Setting + ": " + Name);
  return *Value;
}

static std::optional<Reloc::Model> relocationModel(StringRef Name) {
  return StringSwitch<std::optional<Reloc::Model>>(Name)
      .Case("static", Reloc::Static)
      .Case("pic", Reloc::PIC_)
      .Case("dynamic-no-pic", Reloc::DynamicNoPIC)
      .Default(std::nullopt);
}

static std::optional<CodeModel::Model> codeModel(const std::string &Name) {
  if (Name.empty())
    return std::nullopt;
  return chosen(StringSwitch<std::optional<CodeModel::Model>>(Name)
                    .Case("small", CodeModel::Small)
                    .Case("kernel", CodeModel::Kernel)
                    .Case("medium", CodeModel::Medium)
                    .Case("large", CodeModel::Large)
                    .Default(std::nullopt),
                "code model", Name);
}

static std::optional<VectorLibrary> vectorLibrary(StringRef Name) {
  return StringSwitch<std::optional<VectorLibrary>>(Name)
      .Cases({"", "none"}, VectorLibrary::NoLibrary)
      .Case("libmvec", VectorLibrary::LIBMVEC)
      .Case("SVML", VectorLibrary::SVML)
      .Case("AMDLIBM", VectorLibrary::AMDLIBM)
      .Default(std::nullopt);
}

static std::optional<BasicBlockSection> blockSections(StringRef Name) {
  return StringSwitch<std::optional<BasicBlockSection>>(Name)
      .Cases({"", "none"}, BasicBlockSection::None)
      .Case("all", BasicBlockSection::All)
      .Default(std::nullopt);
}

static DebuggerKind debugger(StringRef Name) {
  return StringSwitch<DebuggerKind>(Name)
      .Case("gdb", DebuggerKind::GDB)
      .Case("lldb", DebuggerKind::LLDB)
      .Case("sce", DebuggerKind::SCE)
      .Case("dbx", DebuggerKind::DBX)
      .Default(DebuggerKind::Default);
}

static void setAssembler(MCTargetOptions &Options, const CodeGen &Settings) {
  Options.X86RelaxRelocations = Settings.RelaxRelocations;
  Options.MCUseDwarfDirectory = MCTargetOptions::EnableDwarfDirectory;
  Options.AsmVerbose = true;
  Options.PreserveAsmComments = true;
  Options.IASSearchPaths = Settings.IncludePaths;
}

static TargetOptions targetOptions(const CodeGen &Settings) {
  TargetOptions Options;
  Options.AllowFPOpFusion =
      Settings.FPContract == "fast" ? FPOpFusion::Fast : FPOpFusion::Standard;
  Options.NoInfsFPMath = Settings.NoInfs;
  Options.NoNaNsFPMath = Settings.NoNaNs;
  Options.UseInitArray = Settings.InitArray;
  Options.DisableIntegratedAS = !Settings.IntegratedAssembler;
  Options.NoZerosInBSS = !Settings.ZerosInBSS;
  Options.FunctionSections = Settings.FunctionSections;
  Options.DataSections = Settings.DataSections;
  Options.UniqueSectionNames = Settings.UniqueSectionNames;
  Options.BBSections =
      chosen(blockSections(Settings.BasicBlockSections),
             "kind of basic block sections", Settings.BasicBlockSections);
  Options.EnableMachineFunctionSplitter = Settings.SplitMachineFunctions;
  Options.EmulatedTLS = Settings.EmulatedTLS;
  Options.EnableTLSDESC = Settings.TLSDescriptors;
  Options.DebuggerTuning = debugger(Settings.DebuggerTuning);
  Options.DebugStrictDwarf = Settings.StrictDwarf;
  Options.ForceDwarfFrameSection = Settings.ForceDwarfFrame;
  Options.EmitCallSiteInfo = Settings.CallSiteInfo;
  Options.EmitStackSizeSection = Settings.StackSizeSection;
  Options.EmitAddrsig = Settings.Addrsig;
  Options.LoopAlignment = Settings.LoopAlignment;
  Options.VecLib = chosen(vectorLibrary(Settings.VectorLibrary),
                          "vector library", Settings.VectorLibrary);
  setAssembler(Options.MCOptions, Settings);
  return Options;
}

static const Target &nativeTarget(const Module &M) {
  static const bool Initialized = [] {
    InitializeNativeTarget();
    InitializeNativeTargetAsmPrinter();
    InitializeNativeTargetAsmParser();
    return true;
  }();
  (void)Initialized;
  const Triple &TT = M.getTargetTriple();
  std::string Error;
  const Target *Found = TargetRegistry::lookupTarget(TT, Error);
  if (TT.getArch() != Triple::x86_64 || !Found)
    throw IRError("the module's target triple is '" + TT.str() +
                  "', and only x86-64 is supported");
  return *Found;
}

std::unique_ptr<TargetMachine> createTargetMachine(const Module &M,
                                                   const CodeGen &Settings) {
  auto Relocation = chosen(relocationModel(Settings.RelocationModel),
                           "relocation model", Settings.RelocationModel);
  auto Level = chosen(CodeGenOpt::getLevel(Settings.Level),
                      "code generation level", std::to_string(Settings.Level));
  std::unique_ptr<TargetMachine> Machine(nativeTarget(M).createTargetMachine(
      M.getTargetTriple(), Settings.CPU, Settings.Features,
      targetOptions(Settings), Relocation, codeModel(Settings.CodeModel),
      Level));
  if (Settings.LargeDataThreshold >= 0)
    Machine->setLargeDataThreshold(Settings.LargeDataThreshold);
  return Machine;
}

TargetLibraryInfoImpl libraryInfo(const Module &M, const CodeGen &Settings) {
  return TargetLibraryInfoImpl(
      M.getTargetTriple(), chosen(vectorLibrary(Settings.VectorLibrary),
                                  "vector library", Settings.VectorLibrary));
}

std::string emit(Module &M, const CodeGen &Settings, bool AsObject) {
  std::unique_ptr<TargetMachine> Machine = createTargetMachine(M, Settings);
  M.setDataLayout(Machine->createDataLayout());
  noteProgress("code generation", "");
  noteEachPass(M.getContext());

  SmallString<0> Output;
  raw_svector_ostream Stream(Output);
  legacy::PassManager Passes;
  const TargetOptions &Options = Machine->Options;
  Passes.add(
      createTargetTransformInfoWrapperPass(Machine->getTargetIRAnalysis()));
  Passes.add(new TargetLibraryInfoWrapperPass(libraryInfo(M, Settings)));
  Passes.add(new RuntimeLibraryInfoWrapper(
      M.getTargetTriple(), Options.ExceptionModel, Options.FloatABIType,
      Options.EABIVersion, Options.MCOptions.ABIName, Options.VecLib));
  auto Kind =
      AsObject ? CodeGenFileType::ObjectFile : CodeGenFileType::AssemblyFile;
  if (Machine->addPassesToEmitFile(Passes, Stream, nullptr, Kind))
    throw IRError("the target can't generate code for this module");
  Passes.run(M);
  return std::string(Output);
}

} // namespace llmcoop
