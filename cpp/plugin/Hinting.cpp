//===- Hinting.cpp - Hints in a compiler that is not ours -----------------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "plugin/Hinting.h"
#include "llvm/IR/DiagnosticHandler.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/Function.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/CommandLine.h"
#include <mutex>

using namespace llvm;

namespace llmcoop {

//===----------------------------------------------------------------------===//
// The order of sums
//===----------------------------------------------------------------------===//

namespace {

/// The option, as long as any module needs it.
class Reordering {
public:
  static Reordering &ofProcess();
  Error forbid();
  void allowAgain();

private:
  std::mutex OneAtATime;
  unsigned Users = 0;
  bool Before = true;
};

} // namespace

static cl::opt<bool> *findOption() {
  auto &All = cl::getRegisteredOptions();
  auto Found = All.find("hints-allow-reordering");
  return Found == All.end() ? nullptr
                            : static_cast<cl::opt<bool> *>(Found->second);
}

Reordering &Reordering::ofProcess() {
  static Reordering Only;
  return Only;
}

Error Reordering::forbid() {
  std::lock_guard<std::mutex> Lock(OneAtATime);
  cl::opt<bool> *Option = findOption();
  if (!Option)
    return createStringError("this LLVM can't keep the order of sums");
  if (!Users++)
    Before = *Option;
  *Option = false;
  return Error::success();
}

void Reordering::allowAgain() {
  std::lock_guard<std::mutex> Lock(OneAtATime);
  if (!--Users)
    *findOption() = Before;
}

//===----------------------------------------------------------------------===//
// Warnings about loops
//===----------------------------------------------------------------------===//

namespace {

/// Hands on everything but what LLVM says of a hint that it could not follow.
class WithoutLoopWarnings final : public DiagnosticHandler {
public:
  explicit WithoutLoopWarnings(std::unique_ptr<DiagnosticHandler> Next)
      : Next(std::move(Next)) {
    HasErrors = this->Next->HasErrors;
  }

  bool handleDiagnostics(const DiagnosticInfo &Info) override {
    if (Info.getKind() == DK_OptimizationFailure)
      return true;
    return Next->handleDiagnostics(Info);
  }
  bool isAnalysisRemarkEnabled(StringRef Pass) const override {
    return Next->isAnalysisRemarkEnabled(Pass);
  }
  bool isMissedOptRemarkEnabled(StringRef Pass) const override {
    return Next->isMissedOptRemarkEnabled(Pass);
  }
  bool isPassedOptRemarkEnabled(StringRef Pass) const override {
    return Next->isPassedOptRemarkEnabled(Pass);
  }
  bool isAnyRemarkEnabled() const override {
    return Next->isAnyRemarkEnabled();
  }

private:
  std::unique_ptr<DiagnosticHandler> Next;
};

} // namespace

static void dropLoopWarnings(LLVMContext &Context) {
  if (!dynamic_cast<const WithoutLoopWarnings *>(Context.getDiagHandlerPtr()))
    Context.setDiagnosticHandler(
        std::make_unique<WithoutLoopWarnings>(Context.getDiagnosticHandler()));
}

//===----------------------------------------------------------------------===//

Error setHintsSafely(Function &F, const Hints &Hints, bool BeforeLink) {
  bool IsNeeded = needOption(Hints);
  if (IsNeeded && BeforeLink)
    return createStringError(
        "vectorization hints do not keep the order of sums through a link");
  Module &M = *F.getParent();
  bool IsFirst = IsNeeded && !M.getNamedMetadata(NeedMark);
  if (IsFirst)
    if (Error Failure = Reordering::ofProcess().forbid())
      return Failure;
  Expected<std::vector<std::string>> Options = setHints(F, Hints);
  if (!Options) {
    if (IsFirst)
      Reordering::ofProcess().allowAgain();
    return Options.takeError();
  }
  if (!Hints.empty())
    dropLoopWarnings(M.getContext());
  return Error::success();
}

void endHinting(Module &M) {
  NamedMDNode *Mark = M.getNamedMetadata(NeedMark);
  if (!Mark)
    return;
  M.eraseNamedMetadata(Mark);
  Reordering::ofProcess().allowAgain();
}

} // namespace llmcoop
