//===- Apply.h - Put kept rewrites into a module ----------------*- C++ -*-===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a build does with the rewrites of an earlier run: no Python, no search,
// nothing that depends on anything but the module and the files.
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_PLUGIN_APPLY_H
#define LLMCOOP_PLUGIN_APPLY_H

#include "plugin/Folder.h"
#include "plugin/Host.h"
#include "llvm/ADT/SmallPtrSet.h"

namespace llvm {
class Function;
class Module;
} // namespace llvm

namespace llmcoop {

using Functions = llvm::SmallPtrSet<const llvm::Function *, 8>;

/// Where a module stands on its way.
struct Position {
  Stage At;
  bool BeforeLink; ///< Most passes are for a later process to run.
};

/// Replaces the functions of \p M that rewrites in the folder of \p Opts are
/// for and are still the same; the others stay as they are. Remarks say what
/// was applied, stale or refused. Gives the functions that have changed.
Functions applyRewrites(llvm::Module &M, const Options &Opts, Position Here);

} // namespace llmcoop

#endif // LLMCOOP_PLUGIN_APPLY_H
