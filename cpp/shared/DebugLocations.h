//===- DebugLocations.h - Source locations across a text round trip -------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The debug info that one function reaches is most of a module's metadata, and
// a second copy of it would corrupt the module. So the text of a function
// carries one small subprogram; its locations keep their line, and their
// column says which location of the function they stand for.
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_SHARED_DEBUGLOCATIONS_H
#define LLMCOOP_SHARED_DEBUGLOCATIONS_H

#include "llvm/ADT/SetVector.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/Function.h"

namespace llmcoop {

/// The source locations of one function, in the order of its instructions.
class DebugLocations {
public:
  explicit DebugLocations(const llvm::Function &F);

  /// Gives \p Copy, a copy of the function in another module, the stand-ins,
  /// and takes everything else about debugging away from it.
  void abbreviate(llvm::Function &Copy) const;

  /// Gives \p Body, which has come back as text, the function's own locations.
  /// Code that comes from no single line gets line 0 of the function.
  void restore(llvm::Function &Body) const;

private:
  llvm::DILocation *original(const llvm::DILocation *StandIn) const;

  llvm::DISubprogram *Subprogram;
  llvm::SetVector<llvm::DILocation *> Locations;
};

} // namespace llmcoop

#endif // LLMCOOP_SHARED_DEBUGLOCATIONS_H
