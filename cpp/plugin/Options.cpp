//===- Options.cpp - What the user asks of the plugin ---------------------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "plugin/Options.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Regex.h"

using namespace llvm;

static cl::OptionCategory Category("LLMCoop");

static cl::opt<std::string>
    ModeFlag("llmcoop-mode",
             cl::desc("What LLMCoop does: apply, search or off"),
             cl::cat(Category));
static cl::opt<std::string>
    RewritesFlag("llmcoop-rewrites", cl::cat(Category),
                 cl::desc("Folder of rewrites that LLMCoop keeps"));
static cl::opt<std::string> FunctionsFlag(
    "llmcoop-functions", cl::cat(Category),
    cl::desc("Regular expression for the functions LLMCoop may rewrite"));
static cl::opt<std::string>
    BudgetFlag("llmcoop-budget", cl::cat(Category),
               cl::desc("Seconds LLMCoop may spend on a module"));
static cl::opt<std::string>
    ModelFlag("llmcoop-model", cl::cat(Category),
              cl::desc("Language model that proposes candidates"));
static cl::opt<std::string>
    CallsFlag("llmcoop-calls", cl::cat(Category),
              cl::desc("How often LLMCoop may ask the model for a module"));
static cl::opt<std::string>
    RunFlag("llmcoop-run", cl::cat(Category),
            cl::desc("Socket of the LLMCoop run that judges candidates"));
static cl::opt<std::string>
    ProposerFlag("llmcoop-proposer", cl::cat(Category),
                 cl::desc("file.py:function that proposes candidates"));
static cl::opt<std::string>
    AcceptFlag("llmcoop-accept", cl::cat(Category),
               cl::desc("Weakest evidence: by-construction, proved or tested"));

namespace llmcoop {

static constexpr StringRef Allowed =
    "allowed are mode=apply|search|off, rewrites=<folder>, "
    "functions=<regular expression>, budget=<seconds>, model=<name>, "
    "calls=<number>, run=<socket>, "
    "proposer=<file.py>:<function>, accept=by-construction|proved|tested";

/// Seconds for a module with a model, which takes its time for each reply.
static constexpr double BudgetWithModel = 60;

static Error malformed(const Twine &What) {
  return createStringError("llmcoop: " + What + "; " + Allowed);
}

namespace {

/// Options in the making: some defaults depend on what else is given.
struct Settings {
  Options Opts;
  bool HasBudget = false;
};

} // namespace

static Error set(Settings &Given, StringRef Name, StringRef Value) {
  Options &Opts = Given.Opts;
  if (Name == "mode") {
    if (!is_contained({"apply", "search", "off"}, Value))
      return malformed("unknown mode '" + Value + "'");
    Opts.Mode = Value;
  } else if (Name == "rewrites") {
    Opts.Rewrites = Value;
  } else if (Name == "functions") {
    std::string Reason;
    if (!Regex(Value).isValid(Reason))
      return malformed("functions='" + Value + "' is not valid: " + Reason);
    Opts.Functions = Value;
  } else if (Name == "budget") {
    if (Value.getAsDouble(Opts.Budget) || !(Opts.Budget >= 0))
      return malformed("budget='" + Value + "' is not a number of seconds");
    Given.HasBudget = true;
  } else if (Name == "model") {
    Opts.Model = Value;
  } else if (Name == "calls") {
    if (Value.getAsInteger(10, Opts.Calls))
      return malformed("calls='" + Value + "' is not a number");
  } else if (Name == "run") {
    Opts.Run = Value;
  } else if (Name == "proposer") {
    if (!Value.contains(':'))
      return malformed("proposer='" + Value + "' names no function");
    Opts.Proposer = Value;
  } else if (Name == "accept") {
    if (!is_contained({"by-construction", "proved", "tested"}, Value))
      return malformed("unknown evidence '" + Value + "'");
    Opts.Accept = Value;
  } else {
    return malformed("unknown parameter '" + Name + "'");
  }
  return Error::success();
}

static Error setFromEnvironment(Settings &Given) {
  for (StringRef Name : {"mode", "rewrites", "functions", "budget", "model",
                         "calls", "run", "proposer", "accept"})
    if (auto Value = sys::Process::GetEnv("LLMCOOP_" + Name.upper()))
      if (Error E = set(Given, Name, *Value))
        return E;
  return Error::success();
}

static Error setFromFlags(Settings &Given) {
  for (const cl::opt<std::string> *Flag :
       {&ModeFlag, &RewritesFlag, &FunctionsFlag, &BudgetFlag, &ModelFlag,
        &CallsFlag, &RunFlag, &ProposerFlag, &AcceptFlag})
    if (Flag->getNumOccurrences())
      if (Error E = set(Given, Flag->ArgStr.drop_front(strlen("llmcoop-")),
                        Flag->getValue()))
        return E;
  return Error::success();
}

Expected<Options> resolveOptions(StringRef Parameters, StringRef DefaultMode) {
  Settings Given;
  Given.Opts.Mode = DefaultMode;
  if (Error E = setFromEnvironment(Given))
    return E;
  if (Error E = setFromFlags(Given))
    return E;
  SmallVector<StringRef> Pairs;
  Parameters.split(Pairs, ';', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  for (StringRef Pair : Pairs) {
    auto [Name, Value] = Pair.split('=');
    if (Error E = set(Given, Name, Value))
      return E;
  }
  if (!Given.Opts.Model.empty() && !Given.HasBudget)
    Given.Opts.Budget = BudgetWithModel;
  return Given.Opts;
}

} // namespace llmcoop
