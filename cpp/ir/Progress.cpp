//===- Progress.cpp - What LLVM is doing, told to another process ---------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Progress.h"
#include "Settings.h"
#include "llvm/Analysis/LazyCallGraph.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Function.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/OptBisect.h"
#include "llvm/IR/PassInstrumentation.h"
#include "llvm/Support/ErrorHandling.h"
#include <algorithm>
#include <cstring>
#include <new>
#include <unistd.h>

using namespace llvm;

namespace llmcoop {

static ProgressPage *Page = nullptr;
static constexpr int EndedEarly = 70;

template <size_t Size> static void write(char (&To)[Size], StringRef Text) {
  size_t Length = std::min(Text.size(), Size - 1);
  std::memcpy(To, Text.data(), Length);
  To[Length] = '\0';
}

[[noreturn]] static void endEarly(Ending End, const char *Reason) {
  write(Page->Message, Reason);
  Page->End = End;
  _exit(EndedEarly);
}

void reportProgress(void *Memory, size_t Size) {
  if (Size < sizeof(ProgressPage))
    throw IRError("the progress page is too small");
  Page = static_cast<ProgressPage *>(Memory);
  install_fatal_error_handler([](void *, const char *Reason, bool) {
    endEarly(Ending::FatalError, Reason);
  });
  install_bad_alloc_error_handler([](void *, const char *Reason, bool) {
    endEarly(Ending::OutOfMemory, Reason);
  });
  std::set_new_handler(
      [] { endEarly(Ending::OutOfMemory, "allocation failed"); });
}

void noteProgress(StringRef Pass, StringRef Function) {
  if (!Page)
    return;
  write(Page->Pass, Pass);
  write(Page->Function, Function);
}

static StringRef functionOf(const Any &Unit) {
  if (auto *F = any_cast<const Function *>(&Unit))
    return (*F)->getName();
  if (auto *L = any_cast<const Loop *>(&Unit))
    return (*L)->getHeader()->getParent()->getName();
  if (auto *C = any_cast<const LazyCallGraph::SCC *>(&Unit))
    return (*C)->begin()->getFunction().getName();
  return "";
}

void noteEachPass(PassInstrumentationCallbacks &Callbacks) {
  if (!Page)
    return;
  Callbacks.registerBeforeNonSkippedPassCallback(
      [](StringRef Pass, Any Unit) { noteProgress(Pass, functionOf(Unit)); });
}

namespace {
/// The legacy pass manager has no instrumentation, but asks this gate.
class ProgressGate : public OptPassGate {
public:
  bool shouldRunPass(StringRef Pass, StringRef Description) const override {
    Description.consume_front("function (");
    noteProgress(Pass, Description.take_until([](char C) { return C == ')'; }));
    return true;
  }
  bool isEnabled() const override { return Page; }
};
} // namespace

void noteEachPass(LLVMContext &Context) {
  static ProgressGate Gate;
  Context.setOptPassGate(Gate);
}

} // namespace llmcoop
