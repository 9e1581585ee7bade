//===- Diagnostics.cpp - Remarks, warnings and errors of a context, collected
//===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Diagnostics.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/Function.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace llmcoop {

static std::string kindOf(const DiagnosticInfo &Info) {
  switch (Info.getKind()) {
  case DK_OptimizationRemark:
    return "passed";
  case DK_OptimizationRemarkMissed:
    return "missed";
  case DK_OptimizationFailure:
    return "failure";
  default:
    break;
  }
  switch (Info.getSeverity()) {
  case DS_Error:
    return "error";
  case DS_Warning:
    return "warning";
  case DS_Remark:
    return "analysis";
  case DS_Note:
    return "note";
  }
  return "note";
}

static Remark remarkOf(const DiagnosticInfo &Info) {
  Remark Result{kindOf(Info), "", "", "", "", 0, ""};
  if (auto *Optimization = dyn_cast<DiagnosticInfoOptimizationBase>(&Info)) {
    Result.Pass = Optimization->getPassName().str();
    Result.Name = Optimization->getRemarkName().str();
    Result.Function = Optimization->getFunction().getName().str();
    Result.Message = Optimization->getMsg();
    if (Optimization->isLocationAvailable()) {
      Result.File = Optimization->getLocation().getRelativePath().str();
      Result.Line = Optimization->getLocation().getLine();
    }
    return Result;
  }
  raw_string_ostream Stream(Result.Message);
  DiagnosticPrinterRawOStream Printer(Stream);
  Info.print(Printer);
  return Result;
}

bool Diagnostics::handleDiagnostics(const DiagnosticInfo &Info) {
  // Some passes don't ask whether anybody wants to know.
  if (Info.getSeverity() == DS_Remark && !WantRemarks)
    return true;
  Said.push_back(remarkOf(Info));
  if (Info.getSeverity() == DS_Error && FirstError.empty())
    FirstError = Said.back().Message;
  return true;
}

bool Diagnostics::isAnalysisRemarkEnabled(StringRef) const {
  return WantRemarks;
}
bool Diagnostics::isMissedOptRemarkEnabled(StringRef) const {
  return WantRemarks;
}
bool Diagnostics::isPassedOptRemarkEnabled(StringRef) const {
  return WantRemarks;
}
bool Diagnostics::isAnyRemarkEnabled() const { return WantRemarks; }

std::vector<Remark> Diagnostics::take() {
  std::vector<Remark> Result = std::move(Said);
  std::string Error = std::move(FirstError);
  Said.clear();
  FirstError.clear();
  if (!Error.empty())
    throw IRError(Error);
  return Result;
}

} // namespace llmcoop
