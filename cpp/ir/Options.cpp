//===- Options.cpp - LLVM's command-line options, for a while -------------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Options.h"
#include "Settings.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace llmcoop {

static void restoreDefaults() {
  for (auto &[Name, Option] : cl::getRegisteredOptions())
    if (Option->getNumOccurrences())
      Option->setDefault();
  cl::ResetAllOptionOccurrences();
}

ScopedOptions::ScopedOptions(const std::vector<std::string> &Options)
    : Active(!Options.empty()) {
  if (!Active)
    return;
  std::vector<const char *> Arguments = {"llmcoop"};
  for (const std::string &Option : Options) {
    // Anything else would be taken for a positional or a response file.
    if (Option.empty() || Option[0] != '-')
      throw IRError("not an LLVM option (it must start with '-'): " + Option);
    Arguments.push_back(Option.c_str());
  }
  std::string Errors;
  raw_string_ostream Stream(Errors);
  if (cl::ParseCommandLineOptions(Arguments.size(), Arguments.data(), "",
                                  &Stream))
    return;
  restoreDefaults();
  // A value that does not parse is reported to stderr only.
  throw IRError(Errors.empty()
                    ? "LLVM refuses a value in: " + join(Options, " ")
                    : StringRef(Errors).rtrim().str());
}

ScopedOptions::~ScopedOptions() {
  if (Active)
    restoreDefaults();
}

} // namespace llmcoop
