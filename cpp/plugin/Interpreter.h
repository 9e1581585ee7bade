//===- Interpreter.h - Find Python and load it into the compiler ----------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_PLUGIN_INTERPRETER_H
#define LLMCOOP_PLUGIN_INTERPRETER_H

#include "plugin/Host.h"

namespace llmcoop {

/// Runs the Python package of the environment that this plugin is installed in
/// (LLMCOOP_PYTHON names another one) on \p Compiler. Python is loaded the
/// first time, and stays. Returns what went wrong, in one line, or nothing.
std::optional<std::string> runPython(Host &Compiler);

} // namespace llmcoop

#endif // LLMCOOP_PLUGIN_INTERPRETER_H
