//===- Passes.h - Runs a textual pass pipeline the way clang does -*- C++
//-*-===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_IR_PASSES_H
#define LLMCOOP_IR_PASSES_H

#include "Settings.h"

namespace llvm {
class Module;
} // namespace llvm

namespace llmcoop {

/// What a pipeline does about a profile.
struct Profiling {
  std::string Profile;     ///< An indexed profile (.profdata); empty: none.
  bool Instrument = false; ///< Insert counters.
};

/// Runs \p Pipeline, such as `default<O3>` or `sroa,gvn`.
/// A module that was annotated already is not annotated with \p Profile again.
/// \throws IRError when the pipeline does not parse.
void runPasses(llvm::Module &M, const std::string &Pipeline,
               const Tuning &Tuning, const CodeGen &CodeGen,
               const Profiling &Profiling);

/// Runs \p Pipeline up to and with the pass that attaches \p Profile, so that
/// functions can be cloned or rewritten and keep their counts. Does nothing to
/// a module that was annotated already.
void annotate(llvm::Module &M, const std::string &Pipeline,
              const Tuning &Tuning, const CodeGen &CodeGen,
              const std::string &Profile);

} // namespace llmcoop

#endif // LLMCOOP_IR_PASSES_H
