//===- Host.h - The compiler, as the embedded Python sees it --------------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Between LLMCoop.so, which knows LLVM, and LLMCoopPython.so, which knows
// Python; so it speaks of neither.
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_PLUGIN_HOST_H
#define LLMCOOP_PLUGIN_HOST_H

#include <optional>
#include <string>
#include <vector>

namespace llmcoop {

/// What the user asks of the plugin.
struct Options {
  /// `apply`: use kept rewrites; `search`: look for new ones; `off`: do
  /// nothing.
  std::string Mode = "apply";
  /// The folder of the rewrites that are kept; empty: there are none.
  std::string Rewrites;
  /// Regular expression that the whole name of a function must match.
  std::string Functions = ".*";
  /// Seconds that may be spent on one module.
  double Budget = 2;
  /// The language model that proposes candidates; empty: none does.
  std::string Model;
  /// How often the model may be asked for one module.
  unsigned Calls = 8;
  /// Path of the socket of the run that judges candidates; empty: cost model.
  std::string Run;
  /// `file.py:function` that proposes candidates; empty: the pass search.
  std::string Proposer;
  /// The weakest evidence with which a function is replaced: `by-construction`,
  /// `proved` or `tested`; each includes those before it.
  std::string Accept = "proved";
};

struct FunctionSummary {
  std::string Name;
  unsigned Instructions;
  /// Instructions executed in one call, by LLVM's block frequencies.
  double Work;
};

/// A text, or why there is none.
struct Conversion {
  std::string Text;
  std::optional<std::string> Refusal;
};

enum class RemarkKind { Passed, Missed, Analysis };

class Host {
public:
  virtual ~Host() = default;

  virtual const Options &options() const = 0;

  /// The functions that may be rewritten.
  virtual std::vector<FunctionSummary> functions() = 0;

  /// The text of a module in which only \p Function is defined.
  virtual std::string extract(const std::string &Function) const = 0;

  /// The canonical text of \p Function, by which a later build knows it.
  virtual std::string canonical(const std::string &Function) const = 0;

  /// \p IR, which could replace \p Function, in canonical names.
  virtual Conversion canonicalReplacement(const std::string &Function,
                                          const std::string &IR) const = 0;

  /// Why \p IR can't replace \p Function, or nothing if it can.
  virtual std::optional<std::string> check(const std::string &Function,
                                           const std::string &IR) = 0;

  /// Replaces \p Function, or says why not.
  virtual std::optional<std::string> replace(const std::string &Function,
                                             const std::string &IR) = 0;

  virtual void remark(RemarkKind Kind, const std::string &Name,
                      const std::string &Function,
                      const std::string &Message) = 0;
};

/// Runs the Python side on \p Compiler. \p Interpreter is the path of the
/// Python whose environment is used; \p PackageFolder is searched last for the
/// package. Returns what went wrong, in one line, or nothing.
using RunPython = std::optional<std::string>(Host &Compiler,
                                             const char *Interpreter,
                                             const char *PackageFolder);

/// LLMCoopPython.so's only symbol, a RunPython.
inline constexpr const char *RunPythonSymbol = "llmcoopRunPython";

} // namespace llmcoop

#endif // LLMCOOP_PLUGIN_HOST_H
