//===- Settings.h - What passes and code generation can be told -*- C++ -*-===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_IR_SETTINGS_H
#define LLMCOOP_IR_SETTINGS_H

#include <stdexcept>
#include <string>
#include <vector>

namespace llmcoop {

/// What is wrong with IR, a pipeline or an option that the caller gave.
struct IRError : std::runtime_error {
  IRError(const std::string &Message, int Line = 0, int Column = 0)
      : std::runtime_error(Message), Line(Line), Column(Column) {}
  int Line, Column;
};

/// The choices that clang makes for the optimizer. Mirrors `llmcoop.ir.Tuning`.
struct Tuning {
  bool LoopVectorization, SLPVectorization, LoopInterleaving, LoopUnrolling;
  bool LoopInterchange, LoopFusion, MergeFunctions, CallGraphProfile;
  bool AssignmentTracking, DevirtualizeSpeculatively;
  int InlinerThreshold; ///< -1: the default of the level.
};

/// The choices that clang makes for the code generator. Mirrors
/// `llmcoop.ir.CodeGen`.
struct CodeGen {
  std::string CPU, Features;
  int Level;
  std::string RelocationModel, CodeModel;
  long long LargeDataThreshold; ///< Bytes; -1: the default of the target.
  std::string FPContract, VectorLibrary, DebuggerTuning, BasicBlockSections;
  bool NoInfs, NoNaNs;
  bool FunctionSections, DataSections, UniqueSectionNames, Addrsig;
  bool RelaxRelocations, InitArray, ZerosInBSS, IntegratedAssembler;
  bool EmulatedTLS, TLSDescriptors, StackSizeSection, CallSiteInfo;
  bool SplitMachineFunctions, ForceDwarfFrame, StrictDwarf;
  int LoopAlignment;                     ///< Bytes; 0: the default of the CPU.
  std::vector<std::string> IncludePaths; ///< For `.include` and `.incbin`.
};

/// A remark or warning of a pass. Mirrors `llmcoop.ir.Remark`.
struct Remark {
  std::string Kind, Pass, Name, Function, File;
  unsigned Line;
  std::string Message;
};

} // namespace llmcoop

#endif // LLMCOOP_IR_SETTINGS_H
