//===- Interpreter.cpp - Find Python and load it into the compiler --------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The plugin is not linked with libpython: that would cost every compile, and
// would fix which libpython it is. The interpreter knows its own library, so it
// is asked.
//
//===----------------------------------------------------------------------===//

#include "plugin/Interpreter.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include <dlfcn.h>
#include <mutex>

using namespace llvm;

namespace llmcoop {

static constexpr StringRef PythonVersion = LLMCOOP_PYTHON_VERSION;
static constexpr StringRef OtherPython =
    "; install llmcoop for the Python you want, or set LLMCOOP_PYTHON to a "
    "Python " LLMCOOP_PYTHON_VERSION " that has it";

/// Prints the version, then where the library may be, most likely first.
static constexpr StringRef Question =
    "import sys, sysconfig\n"
    "name = sysconfig.get_config_var('INSTSONAME')\n"
    "print('%d.%d' % sys.version_info[:2])\n"
    "print(sys.base_prefix + '/lib/' + name)\n"
    "print(sysconfig.get_config_var('LIBDIR') + '/' + name)\n"
    "print(name)\n";

static SmallString<128> bridgeBeside(StringRef Plugin) {
  SmallString<128> Bridge(sys::path::parent_path(Plugin));
  sys::path::append(Bridge, "LLMCoopPython.so");
  return Bridge;
}

/// Where this plugin is installed. Links are followed only where the rest of
/// the package is not beside the link: an environment may consist of links.
static std::string pluginPath() {
  static const char Anchor = 0;
  Dl_info Info;
  dladdr(&Anchor, &Info);
  SmallString<128> Path(Info.dli_fname), RealPath;
  sys::fs::make_absolute(Path);
  if (!sys::fs::exists(bridgeBeside(Path)) &&
      !sys::fs::real_path(Path, RealPath))
    return RealPath.str().str();
  return Path.str().str();
}

/// The interpreter of <prefix>/lib/pythonX.Y/site-packages/llmcoop/LLMCoop.so.
static std::string interpreterBeside(StringRef Plugin) {
  StringRef Library = Plugin;
  for (int Level = 0; Level != 3; ++Level)
    Library = sys::path::parent_path(Library);
  if (!sys::path::filename(Library).starts_with("python"))
    return "";
  StringRef Prefix = sys::path::parent_path(sys::path::parent_path(Library));
  SmallString<128> Python(Prefix);
  sys::path::append(Python, "bin", sys::path::filename(Library));
  return sys::fs::can_execute(Python) ? Python.str().str() : "";
}

static std::string findInterpreter(StringRef Plugin) {
  if (auto Chosen = sys::Process::GetEnv("LLMCOOP_PYTHON");
      Chosen && !Chosen->empty())
    return *Chosen;
  std::string Python = interpreterBeside(Plugin);
  // `pip install --user` and /usr/local have no interpreter of their own.
  return Python.empty() ? LLMCOOP_BASE_PYTHON : Python;
}

static Expected<std::string> ask(StringRef Python) {
  SmallString<128> AnswerPath;
  if (std::error_code Code =
          sys::fs::createTemporaryFile("llmcoop", "txt", AnswerPath))
    return createStringError(Code, "no temporary file: " + Code.message() +
                                       "; set TMPDIR to a writable folder");
  FileRemover Remover(AnswerPath);
  std::string Reason;
  int Status = sys::ExecuteAndWait(
      Python, {Python, "-I", "-S", "-c", Question}, /*Env=*/std::nullopt,
      {StringRef(), StringRef(AnswerPath), StringRef()},
      /*SecondsToWait=*/10, /*MemoryLimit=*/0, &Reason);
  if (Status != 0)
    return createStringError("can't run the Python " + Python +
                             (Reason.empty() ? "" : " (" + Reason + ")") +
                             OtherPython);
  ErrorOr<std::unique_ptr<MemoryBuffer>> Answer =
      MemoryBuffer::getFile(AnswerPath);
  if (!Answer)
    return createStringError("no answer from the Python " + Python);
  return (*Answer)->getBuffer().str();
}

static Error loadLibpython(StringRef Python) {
  Expected<std::string> Answer = ask(Python);
  if (!Answer)
    return Answer.takeError();
  SmallVector<StringRef> Lines;
  StringRef(*Answer).trim().split(Lines, '\n');
  if (Lines.front() != PythonVersion)
    return createStringError(Python + " is Python " + Lines.front() +
                             ", this plugin was built for Python " +
                             PythonVersion + OtherPython);
  // Global, because Python's own extension modules do not name the library.
  for (StringRef Candidate : drop_begin(Lines))
    if (dlopen(Candidate.str().c_str(), RTLD_NOW | RTLD_GLOBAL))
      return Error::success();
  return createStringError(Python + " has no shared library " + Lines.back() +
                           " (on Debian: apt-get install libpython" +
                           PythonVersion + ")" + OtherPython);
}

namespace {

struct LoadedPython {
  std::string Interpreter;
  std::string PackageFolder;
  RunPython *Run;
};

} // namespace

static Expected<LoadedPython> load() {
  std::string Plugin = pluginPath();
  std::string Python = findInterpreter(Plugin);
  if (Error Failure = loadLibpython(Python))
    return std::move(Failure);
  SmallString<128> Bridge = bridgeBeside(Plugin);
  void *Library = dlopen(Bridge.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!Library)
    return createStringError("can't load " + Bridge + ": " + dlerror() +
                             "; install llmcoop again");
  auto *Run = reinterpret_cast<RunPython *>(dlsym(Library, RunPythonSymbol));
  StringRef Package = sys::path::parent_path(Plugin);
  return LoadedPython{Python, sys::path::parent_path(Package).str(), Run};
}

std::optional<std::string> runPython(Host &Compiler) {
  static std::mutex OneAtATime; // a linker may optimize modules in parallel
  std::lock_guard<std::mutex> Lock(OneAtATime);
  static Expected<LoadedPython> Python = load();
  static std::string Failure = Python ? "" : toString(Python.takeError());
  if (!Failure.empty())
    return Failure;
  return Python->Run(Compiler, Python->Interpreter.c_str(),
                     Python->PackageFolder.c_str());
}

} // namespace llmcoop
