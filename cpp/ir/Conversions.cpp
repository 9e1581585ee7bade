//===- Conversions.cpp - The package's dataclasses, to and from C++ -------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Conversions.h"

namespace py = pybind11;

namespace llmcoop {

/// Reads attribute \p Name of \p Object into \p Field, whatever its type.
template <typename T>
static void read(py::handle Object, const char *Name, T &Field) {
  Field = Object.attr(Name).cast<T>();
}

Tuning tuningFrom(py::handle Object) {
  Tuning Result;
  read(Object, "loop_vectorization", Result.LoopVectorization);
  read(Object, "slp_vectorization", Result.SLPVectorization);
  read(Object, "loop_interleaving", Result.LoopInterleaving);
  read(Object, "loop_unrolling", Result.LoopUnrolling);
  read(Object, "loop_interchange", Result.LoopInterchange);
  read(Object, "loop_fusion", Result.LoopFusion);
  read(Object, "merge_functions", Result.MergeFunctions);
  read(Object, "call_graph_profile", Result.CallGraphProfile);
  read(Object, "assignment_tracking", Result.AssignmentTracking);
  read(Object, "devirtualize_speculatively", Result.DevirtualizeSpeculatively);
  read(Object, "inliner_threshold", Result.InlinerThreshold);
  return Result;
}

CodeGen codeGenFrom(py::handle Object) {
  CodeGen Result;
  read(Object, "cpu", Result.CPU);
  read(Object, "features", Result.Features);
  read(Object, "level", Result.Level);
  read(Object, "relocation_model", Result.RelocationModel);
  read(Object, "code_model", Result.CodeModel);
  read(Object, "large_data_threshold", Result.LargeDataThreshold);
  read(Object, "fp_contract", Result.FPContract);
  read(Object, "no_infs", Result.NoInfs);
  read(Object, "no_nans", Result.NoNaNs);
  read(Object, "vector_library", Result.VectorLibrary);
  read(Object, "debugger_tuning", Result.DebuggerTuning);
  read(Object, "basic_block_sections", Result.BasicBlockSections);
  read(Object, "function_sections", Result.FunctionSections);
  read(Object, "data_sections", Result.DataSections);
  read(Object, "unique_section_names", Result.UniqueSectionNames);
  read(Object, "addrsig", Result.Addrsig);
  read(Object, "relax_relocations", Result.RelaxRelocations);
  read(Object, "init_array", Result.InitArray);
  read(Object, "zeros_in_bss", Result.ZerosInBSS);
  read(Object, "integrated_assembler", Result.IntegratedAssembler);
  read(Object, "emulated_tls", Result.EmulatedTLS);
  read(Object, "tls_descriptors", Result.TLSDescriptors);
  read(Object, "stack_size_section", Result.StackSizeSection);
  read(Object, "call_site_info", Result.CallSiteInfo);
  read(Object, "split_machine_functions", Result.SplitMachineFunctions);
  read(Object, "force_dwarf_frame", Result.ForceDwarfFrame);
  read(Object, "strict_dwarf", Result.StrictDwarf);
  read(Object, "loop_alignment", Result.LoopAlignment);
  read(Object, "include_paths", Result.IncludePaths);
  return Result;
}

std::vector<std::string> optionsFrom(py::handle Settings,
                                     const std::vector<std::string> &More) {
  auto Options = Settings.attr("options").cast<std::vector<std::string>>();
  Options.insert(Options.end(), More.begin(), More.end());
  return Options;
}

static py::object dataclass(const char *Name) {
  return py::module_::import("llmcoop.ir.values").attr(Name);
}

py::list toPython(const std::vector<Remark> &Remarks) {
  py::object Type = dataclass("Remark");
  py::list Result;
  for (const Remark &R : Remarks)
    Result.append(
        Type(R.Kind, R.Pass, R.Name, R.Function, R.File, R.Line, R.Message));
  return Result;
}

py::list toPython(const std::vector<FunctionInfo> &Functions) {
  py::object Type = dataclass("FunctionInfo");
  py::list Result;
  for (const FunctionInfo &F : Functions)
    Result.append(Type(F.Name, F.Defined, F.Linkage, F.WhyNotEligible,
                       F.Instructions, F.Loops));
  return Result;
}

py::list toPython(const std::vector<Skipped> &Skipped) {
  py::object Type = dataclass("Skipped");
  py::list Result;
  for (const auto &[Function, Reason] : Skipped)
    Result.append(Type(Function, Reason));
  return Result;
}

py::list toPython(const std::vector<Mutant> &Mutants) {
  py::module_ Module = py::module_::import("llmcoop.ir.mutants");
  py::object Type = Module.attr("Mutant"), Operator = Module.attr("Operator");
  py::list Result;
  for (const Mutant &M : Mutants)
    Result.append(Type(M.Number, Operator(M.Operator), M.Function, M.Line,
                       M.Description));
  return Result;
}

void registerErrors() {
  py::register_local_exception_translator([](std::exception_ptr Thrown) {
    try {
      if (Thrown)
        std::rethrow_exception(Thrown);
    } catch (const IRError &Error) {
      py::object Type =
          py::module_::import("llmcoop.ir.errors").attr("IRError");
      py::object Raised = Type(Error.what(), Error.Line, Error.Column);
      PyErr_SetObject(Type.ptr(), Raised.ptr());
    }
  });
}

} // namespace llmcoop
