//===- Bindings.cpp - The extension module llmcoop._llmcoop ---------------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Conversions.h"
#include "Cost.h"
#include "Mutants.h"
#include "Options.h"
#include "Passes.h"
#include "Progress.h"
#include "Reader.h"
#include "Target.h"
#include "shared/Hints.h"
#include "shared/Multiversion.h"
#include "llvm/Config/llvm-config.h"

namespace py = pybind11;
using namespace llmcoop;
using Strings = std::vector<std::string>;

static std::unique_ptr<IRModule> parse(const py::object &Data,
                                       const std::string &Name) {
  // Both str and bytes give their bytes without a copy of Python's.
  return std::make_unique<IRModule>(Data.cast<std::string_view>(), Name);
}

static py::list runPassesOn(IRModule &M, const std::string &Pipeline,
                            const Strings &Options, const py::object &Tuning,
                            const py::object &CodeGen, const py::bytes &Profile,
                            bool Instrument, bool Remarks) {
  ScopedOptions Scope(optionsFrom(Tuning, Options));
  M.diagnostics().WantRemarks = Remarks;
  llmcoop::runPasses(M.get(), Pipeline, tuningFrom(Tuning),
                     codeGenFrom(CodeGen), {Profile, Instrument});
  M.diagnostics().WantRemarks = false;
  return toPython(M.diagnostics().take());
}

static py::list annotateOn(IRModule &M, const std::string &Pipeline,
                           const py::bytes &Profile, const Strings &Options,
                           const py::object &Tuning,
                           const py::object &CodeGen) {
  ScopedOptions Scope(optionsFrom(Tuning, Options));
  llmcoop::annotate(M.get(), Pipeline, tuningFrom(Tuning), codeGenFrom(CodeGen),
                    Profile);
  return toPython(M.diagnostics().take());
}

static py::bytes emitFrom(IRModule &M, const std::string &Kind,
                          const py::object &CodeGen, const Strings &Options) {
  if (Kind != "asm" && Kind != "obj")
    throw IRError("emit: the kind is 'asm' or 'obj', not '" + Kind + "'");
  ScopedOptions Scope(optionsFrom(CodeGen, Options));
  // Code generation changes the IR, and this module stays as it is.
  IRModule Copy(M.bitcode(), M.get().getModuleIdentifier());
  std::string Code = llmcoop::emit(Copy.get(), codeGenFrom(CodeGen),
                                   /*AsObject=*/Kind == "obj");
  Copy.diagnostics().take();
  return Code;
}

static py::tuple readProgress(const py::buffer &Memory) {
  py::buffer_info Info = Memory.request();
  if (static_cast<size_t>(Info.size) < sizeof(ProgressPage))
    throw IRError("the progress page is too small");
  auto *Page = static_cast<const ProgressPage *>(Info.ptr);
  auto Text = [](const char *Bytes) {
    return py::reinterpret_steal<py::str>(
        PyUnicode_DecodeUTF8(Bytes, strlen(Bytes), "replace"));
  };
  return py::make_tuple(int(Page->End), Text(Page->Pass), Text(Page->Function),
                        Text(Page->Message));
}

static py::object settings(const char *Name) {
  return py::module_::import("llmcoop.ir.settings").attr(Name)();
}

static void bindContents(py::class_<IRModule> &Type) {
  Type.def_static("parse", parse, py::arg("data"), py::arg("name") = "")
      .def("verify", &IRModule::verify)
      .def_property_readonly("text", &IRModule::text)
      .def_property_readonly(
          "bitcode", [](const IRModule &M) { return py::bytes(M.bitcode()); })
      .def_property_readonly(
          "functions",
          [](const IRModule &M) { return toPython(M.functions()); })
      .def_property_readonly("canonical_text",
                             [](IRModule &M) { return canonicalText(M.get()); })
      .def(
          "read",
          [](const IRModule &M, const std::string &Function) {
            return readBody(M.definition(Function));
          },
          py::arg("function"))
      .def("extract", &IRModule::extract, py::arg("names"))
      .def("link", &IRModule::link, py::arg("other"))
      .def("internalize", &IRModule::internalize, py::arg("keep"))
      .def("replace_function", &IRModule::replaceFunction, py::arg("name"),
           py::arg("ir"))
      .def("canonical", &IRModule::canonical, py::arg("function"))
      .def("canonical_replacement", &IRModule::canonicalReplacement,
           py::arg("function"), py::arg("ir"));
}

static void bindCompilation(py::class_<IRModule> &Type) {
  py::object Tuning = settings("Tuning"), CodeGen = settings("CodeGen");
  Type.def("run_passes", runPassesOn, py::arg("pipeline"), py::kw_only(),
           py::arg("options") = Strings(), py::arg("tuning") = Tuning,
           py::arg("codegen") = CodeGen, py::arg("profile") = py::bytes(),
           py::arg("instrument") = false, py::arg("remarks") = false)
      .def("annotate", annotateOn, py::arg("pipeline"), py::arg("profile"),
           py::kw_only(), py::arg("options") = Strings(),
           py::arg("tuning") = Tuning, py::arg("codegen") = CodeGen)
      .def("emit", emitFrom, py::arg("kind"), py::arg("codegen") = CodeGen,
           py::kw_only(), py::arg("options") = Strings());
}

static void bindMutants(py::class_<IRModule> &Type) {
  Type.def(
          "add_mutants",
          [](IRModule &M, unsigned Limit) {
            return toPython(addMutants(M.get(), Limit));
          },
          py::arg("limit"))
      .def(
          "fix_mutant",
          [](IRModule &M, unsigned Number) { fixMutant(M.get(), Number); },
          py::arg("number"));
}

static void bindSearch(py::class_<IRModule> &Type) {
  py::object CodeGen = settings("CodeGen");
  Type.def(
          "cost",
          [](IRModule &M, const std::string &Function,
             const py::object &CodeGen) {
            return costOf(M.definition(Function), codeGenFrom(CodeGen));
          },
          py::arg("function"), py::arg("codegen") = CodeGen)
      .def(
          "hotness",
          [](IRModule &M, const py::object &CodeGen) {
            return hotness(M.get(), codeGenFrom(CodeGen));
          },
          py::arg("codegen") = CodeGen)
      .def(
          "multiversion",
          [](IRModule &M, const Strings &Functions, const Strings &CPUs) {
            return toPython(valueOf(multiversion(M.get(), Functions, CPUs)));
          },
          py::arg("functions"), py::arg("cpus"))
      .def(
          "set_hints",
          [](IRModule &M, const std::string &Function, const Hints &Hints) {
            return valueOf(setHints(M.definition(Function), Hints));
          },
          py::arg("function"), py::arg("hints"));
}

PYBIND11_MODULE(_llmcoop, Package) {
  Package.doc() = "LLVM's passes and code generator; see llmcoop.ir.";
  Package.attr("LLVM_MAJOR") = LLVM_VERSION_MAJOR;
  Package.attr("LLVM_VERSION") = LLVM_VERSION_STRING;
  Package.attr("LLVM_LIBRARY_DIR") = LLMCOOP_LLVM_LIBRARY_DIR;
  registerErrors();
  py::class_<IRModule> Type(Package, "Module");
  bindContents(Type);
  bindCompilation(Type);
  bindSearch(Type);
  bindMutants(Type);
  Package.attr("PROGRESS_BYTES") = sizeof(ProgressPage);
  Package.def("report_progress", [](const py::buffer &Memory) {
    py::buffer_info Info = Memory.request(/*writable=*/true);
    reportProgress(Info.ptr, Info.size);
  });
  Package.def("read_progress", readProgress);
}
