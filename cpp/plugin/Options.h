//===- Options.h - What the user asks of the plugin -----------------------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_PLUGIN_OPTIONS_H
#define LLMCOOP_PLUGIN_OPTIONS_H

#include "plugin/Host.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace llmcoop {

/// Each option has one name, spelled `name=value` as a parameter of the pass,
/// `-llmcoop-name=value` on the command line and LLMCOOP_NAME in the
/// environment; the first of these that is given counts. \p Parameters is what
/// stands between the angle brackets of `llmcoop<...>`, \p DefaultMode the mode
/// when none is given. The error names the option and what is allowed.
llvm::Expected<Options> resolveOptions(llvm::StringRef Parameters,
                                       llvm::StringRef DefaultMode);

} // namespace llmcoop

#endif // LLMCOOP_PLUGIN_OPTIONS_H
