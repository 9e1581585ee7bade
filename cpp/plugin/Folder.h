//===- Folder.h - The rewrites that are kept in a folder --------*- C++ -*-===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_PLUGIN_FOLDER_H
#define LLMCOOP_PLUGIN_FOLDER_H

#include "shared/Rewrite.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include <mutex>
#include <optional>

namespace llmcoop {

/// The file of a rewrite, which is read when its function is met.
class KeptRewrite {
public:
  explicit KeptRewrite(std::string Path) : Path(std::move(Path)) {}

  /// The rewrite, or null for a file that is none: see refusal().
  const Rewrite *get();

  llvm::StringRef path() const { return Path; }
  llvm::StringRef fileName() const;

  /// What is wrong with the file.
  llvm::StringRef refusal() const { return Refusal; }

  /// Says once, on the standard error, that the file was not used.
  void refuse(llvm::StringRef Reason);

private:
  std::string Path, Refusal;
  std::optional<Rewrite> Content;
  std::once_flag Read, Told;
};

/// The names in it are looked up once in a process, and never again.
class RewriteFolder {
public:
  /// The folder at \p Path; without rewrites if it does not exist.
  static const RewriteFolder &at(llvm::StringRef Path);

  bool empty() const { return Files.empty(); }

  /// Those that may be for \p Function, in the order of their names.
  llvm::ArrayRef<KeptRewrite *> of(llvm::StringRef Function) const;

private:
  explicit RewriteFolder(llvm::StringRef Path);

  llvm::StringMap<llvm::SmallVector<KeptRewrite *, 1>> Files; ///< By stem.
  std::vector<std::unique_ptr<KeptRewrite>> Owned;
};

} // namespace llmcoop

#endif // LLMCOOP_PLUGIN_FOLDER_H
