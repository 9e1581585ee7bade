//===- Options.h - LLVM's command-line options, for a while -----*- C++ -*-===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_IR_OPTIONS_H
#define LLMCOOP_IR_OPTIONS_H

#include <string>
#include <vector>

namespace llmcoop {

/// Sets options such as `-unroll-threshold=400` and puts the defaults back
/// when it goes out of scope. The options are the process's: one at a time.
class ScopedOptions {
public:
  /// \throws IRError for an option that LLVM does not have.
  explicit ScopedOptions(const std::vector<std::string> &Options);
  ~ScopedOptions();
  ScopedOptions(const ScopedOptions &) = delete;
  ScopedOptions &operator=(const ScopedOptions &) = delete;

private:
  bool Active;
};

} // namespace llmcoop

#endif // LLMCOOP_IR_OPTIONS_H
