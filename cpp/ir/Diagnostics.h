//===- Diagnostics.h - Remarks, warnings and errors of a context, collected -*-
// C++ -*-===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_IR_DIAGNOSTICS_H
#define LLMCOOP_IR_DIAGNOSTICS_H

#include "Settings.h"
#include "llvm/IR/DiagnosticHandler.h"

namespace llmcoop {

/// Keeps what LLVM says, in place of printing it (or exiting, for an error).
class Diagnostics : public llvm::DiagnosticHandler {
public:
  bool handleDiagnostics(const llvm::DiagnosticInfo &Info) override;
  bool isAnalysisRemarkEnabled(llvm::StringRef) const override;
  bool isMissedOptRemarkEnabled(llvm::StringRef) const override;
  bool isPassedOptRemarkEnabled(llvm::StringRef) const override;
  bool isAnyRemarkEnabled() const override;

  /// Whether optimization remarks are wanted; they cost compile time.
  bool WantRemarks = false;

  /// What was said since the last call.
  /// \throws IRError with the first error, if there was one.
  std::vector<Remark> take();

private:
  std::vector<Remark> Said;
  std::string FirstError;
};

} // namespace llmcoop

#endif // LLMCOOP_IR_DIAGNOSTICS_H
