//===- Python.cpp - Start Python inside the compiler ----------------------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one file that starts Python, and the one place where whatever Python
// raises is caught: it must not reach the compiler.
//
//===----------------------------------------------------------------------===//

#include "plugin/Host.h"
#include <csignal>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

namespace py = pybind11;
using namespace llmcoop;

static std::string text(const py::handle &Value) {
  return py::str(Value).cast<std::string>();
}

static std::optional<std::string> initialize(const char *Interpreter) {
  PyPreConfig Before;
  PyPreConfig_InitIsolatedConfig(&Before);
  Before.utf8_mode = 1;
  PyStatus Status = Py_PreInitialize(&Before);

  // Isolated: what PYTHONPATH, PYTHONHOME or the current folder hold was meant
  // for another Python than the one inside a compiler.
  PyConfig Config;
  PyConfig_InitIsolatedConfig(&Config);
  Config.install_signal_handlers = 0;
  Config.user_site_directory = 1; // where `pip install --user` puts packages
  if (!PyStatus_Exception(Status))
    Status =
        PyConfig_SetBytesString(&Config, &Config.program_name, Interpreter);
  if (!PyStatus_Exception(Status))
    Status = PyConfig_SetBytesString(&Config, &Config.executable, Interpreter);
  if (!PyStatus_Exception(Status))
    Status = Py_InitializeFromConfig(&Config);
  PyConfig_Clear(&Config);
  if (!PyStatus_Exception(Status))
    return std::nullopt;
  return std::string("the Python ") + Interpreter + " does not start: " +
         (Status.err_msg ? Status.err_msg : "unknown reason");
}

static std::string converted(const Host &H, const std::string &Function,
                             const std::string &IR) {
  Conversion Result = H.canonicalReplacement(Function, IR);
  if (Result.Refusal)
    throw py::value_error(*Result.Refusal);
  return Result.Text;
}

static void defineHost() {
  auto *Definition = new PyModuleDef(); // lives as long as the interpreter
  py::module_ M = py::module_::create_extension_module(
      "_llmcoop_host", "The compiler that this Python runs in.", Definition);
  py::class_<Options>(M, "Options")
      .def_readonly("mode", &Options::Mode)
      .def_readonly("rewrites", &Options::Rewrites)
      .def_readonly("functions", &Options::Functions)
      .def_readonly("budget_s", &Options::Budget)
      .def_readonly("model", &Options::Model)
      .def_readonly("calls", &Options::Calls)
      .def_readonly("run", &Options::Run)
      .def_readonly("proposer", &Options::Proposer)
      .def_readonly("accept", &Options::Accept);
  py::class_<FunctionSummary>(M, "FunctionSummary")
      .def_readonly("name", &FunctionSummary::Name)
      .def_readonly("instructions", &FunctionSummary::Instructions)
      .def_readonly("work", &FunctionSummary::Work);
  py::class_<Host>(M, "Host")
      .def_property_readonly("options", &Host::options,
                             py::return_value_policy::reference_internal)
      .def("functions", &Host::functions)
      .def("extract", &Host::extract)
      .def("canonical", &Host::canonical)
      .def("canonical_replacement", converted)
      .def("check", &Host::check)
      .def("replace", &Host::replace)
      .def("passed",
           [](Host &H, const std::string &Name, const std::string &Function,
              const std::string &Message) {
             H.remark(RemarkKind::Passed, Name, Function, Message);
           })
      .def("missed",
           [](Host &H, const std::string &Name, const std::string &Function,
              const std::string &Message) {
             H.remark(RemarkKind::Missed, Name, Function, Message);
           })
      .def("analysis",
           [](Host &H, const std::string &Name, const std::string &Function,
              const std::string &Message) {
             H.remark(RemarkKind::Analysis, Name, Function, Message);
           });
  py::module_::import("sys").attr("modules")["_llmcoop_host"] = M;
}

/// Makes the package importable, and keeps what it prints out of the compiler's
/// standard output, which may be the compiled code.
static void prepare(const char *PackageFolder) {
  py::module_ Sys = py::module_::import("sys");
  Sys.attr("stdout") = Sys.attr("stderr");
  py::list Path = Sys.attr("path");
  if (!Path.contains(PackageFolder))
    Path.append(PackageFolder);
  defineHost();
}

/// The innermost line of Python that \p Error came through.
static std::string place(const py::error_already_set &Error) {
  std::string Where;
  py::object Frame = Error.trace();
  while (Frame && !Frame.is_none()) {
    py::object Code = Frame.attr("tb_frame").attr("f_code");
    Where =
        text(Code.attr("co_filename")) + ":" + text(Frame.attr("tb_lineno"));
    Frame = Frame.attr("tb_next");
  }
  return Where.empty() ? "" : " (at " + Where + ")";
}

static std::string describe(const py::error_already_set &Error,
                            const char *Interpreter) {
  if (Error.matches(PyExc_ModuleNotFoundError) &&
      text(py::getattr(Error.value(), "name", py::str())) == "llmcoop")
    return std::string("the package llmcoop is not installed for ") +
           Interpreter + "; run: " + Interpreter + " -m pip install llmcoop";
  std::string Message = text(Error.value());
  // An error that says itself what to do; LLMCoopError is not imported here,
  // because importing it may be what failed.
  if (py::hasattr(Error.value(), "hint"))
    return Message;
  return text(Error.type().attr("__name__")) + ": " + Message + place(Error);
}

static std::string oneLine(std::string Message) {
  for (char &Character : Message)
    if (Character == '\n')
      Character = ' ';
  return Message;
}

namespace {

/// A process or a run that is gone must be an exception in Python, not the end
/// of the compiler; Python itself sees to that only where it owns the signals.
class WithoutPipeSignal {
public:
  WithoutPipeSignal() : Before(std::signal(SIGPIPE, SIG_IGN)) {}
  ~WithoutPipeSignal() { std::signal(SIGPIPE, Before); }

private:
  void (*Before)(int);
};

} // namespace

extern "C" PYBIND11_EXPORT RunPython llmcoopRunPython;

std::optional<std::string> llmcoopRunPython(Host &Compiler,
                                            const char *Interpreter,
                                            const char *PackageFolder) {
  bool IsFirst = !Py_IsInitialized();
  if (IsFirst) {
    if (std::optional<std::string> Failure = initialize(Interpreter))
      return oneLine(*Failure);
    PyEval_SaveThread(); // the next module may be compiled by another thread
  }
  py::gil_scoped_acquire Lock;
  WithoutPipeSignal Guard;
  try {
    if (IsFirst)
      prepare(PackageFolder);
    py::module_::import("llmcoop.plugin")
        .attr("run")(py::cast(&Compiler, py::return_value_policy::reference));
    return std::nullopt;
  } catch (py::error_already_set &Error) {
    return oneLine(describe(Error, Interpreter));
  }
}
