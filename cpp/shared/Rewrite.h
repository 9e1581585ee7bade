//===- Rewrite.h - What was found for a function, kept in a file *- C++ -*-===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One rewrite a file, plain text, so that it can be reviewed and merged. The
// format is described in docs/rewrites.md; llmcoop.rewrites writes it.
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_SHARED_REWRITE_H
#define LLMCOOP_SHARED_REWRITE_H

#include "shared/Hints.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace llmcoop {

/// Where in the compiler's pipeline a rewrite replaces its function.
enum class Stage {
  Start, ///< As the front end leaves it.
  Last,  ///< After all other passes.
};

struct Rewrite {
  std::string Function, Module; ///< Module: the source file, without folder.
  llmcoop::Stage Stage;
  std::string Target; ///< A triple.
  unsigned LLVM;      ///< The major version.
  std::string Evidence, Measured, Origin;
  llmcoop::Hints Hints;            ///< See setHints().
  std::vector<std::string> Clones; ///< See multiversion().
  std::string Before;              ///< The canonical text that is replaced.
  std::string After;               ///< In canonical names; or hints, or clones.
};

/// The error says what is wrong with the file's contents.
llvm::Expected<Rewrite> parseRewrite(llvm::StringRef Text);

/// What the name of a rewrite's file starts with, before `-<hash>.rewrite`.
std::string fileStem(llvm::StringRef Function);

} // namespace llmcoop

#endif // LLMCOOP_SHARED_REWRITE_H
