//===- Progress.h - What LLVM is doing, told to another process -*- C++ -*-===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The process that watches a job shares a page of memory with it. Before each
// pass, the pass and its function are written there, so that after a crash or
// a time-out the watcher can name the culprit.
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_IR_PROGRESS_H
#define LLMCOOP_IR_PROGRESS_H

#include "llvm/ADT/StringRef.h"
#include <cstddef>

namespace llvm {
class LLVMContext;
class PassInstrumentationCallbacks;
} // namespace llvm

namespace llmcoop {

/// Why a job ended early on its own account.
enum class Ending : char { None = 0, FatalError = 1, OutOfMemory = 2 };

/// The layout of the shared page; texts end with a zero byte.
struct ProgressPage {
  Ending End;
  char Pass[255];
  char Function[768];
  char Message[1024];
};

/// Writes progress to \p Memory from now on, and turns LLVM's fatal errors and
/// failed allocations into an entry there and exit code 70. For a process that
/// does one job: it can't be taken back.
void reportProgress(void *Memory, size_t Size);

/// Notes the work that is about to begin, if anybody watches.
void noteProgress(llvm::StringRef Pass, llvm::StringRef Function);

/// Notes each pass of the new pass manager.
void noteEachPass(llvm::PassInstrumentationCallbacks &Callbacks);

/// Notes each optional pass of the code generator.
void noteEachPass(llvm::LLVMContext &Context);

} // namespace llmcoop

#endif // LLMCOOP_IR_PROGRESS_H
