//===- Canonical.h - The same text for the same function --------*- C++ -*-===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// By its canonical text a function is recognized in a later build: the text
// does not depend on debug info, on names that have no meaning, on what else is
// in the file, or on where the file is.
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_SHARED_CANONICAL_H
#define LLMCOOP_SHARED_CANONICAL_H

#include "shared/Gate.h"
#include <utility>
#include <vector>

namespace llmcoop {

/// Takes the names of arguments, blocks and instructions away from \p F.
void dropNames(llvm::Function &F);

/// Pairs of a name as extractFunction() writes it, and the canonical one.
using Names = std::vector<std::pair<std::string, std::string>>;

/// A function as canonical text, and the way back from it.
class CanonicalForm {
public:
  /// \p F must outlive this, and be eligible (see whyNotEligible).
  explicit CanonicalForm(llvm::Function &F);

  /// What extractFunction() writes, without what differs between builds.
  /// Private and unnamed globals and numbered types are named by first use.
  const std::string &text() const { return Text; }

  /// Brings \p IR, another version of the function in the names that
  /// extractFunction() uses, into canonical names. A private constant that the
  /// function itself does not have becomes one of the version's own.
  llvm::Expected<std::string> fromExtracted(llvm::StringRef IR) const;

  /// Puts \p Version, in canonical names, in place of the function, or only
  /// checks whether that is possible; see replaceFunction().
  llvm::Error install(llvm::StringRef Version, Admission Kind) const;

private:
  llvm::Function &F;
  std::string Text;
  Names Globals, Types;
};

} // namespace llmcoop

#endif // LLMCOOP_SHARED_CANONICAL_H
