//===- Transplant.h - Move a function's body into another module ----------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_SHARED_TRANSPLANT_H
#define LLMCOOP_SHARED_TRANSPLANT_H

#include "llvm/ADT/DenseMap.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"
#include "llvm/Transforms/Utils/ValueMapper.h"
#include <memory>

namespace llmcoop {

/// A copy of \p M in another context, with the names of everything.
std::unique_ptr<llvm::Module> copyInto(llvm::LLVMContext &Context,
                                       const llvm::Module &M);

/// Types that came with a text, mapped to the context's own ones: a named
/// struct that the context has already is that struct, not a second one.
class TextTypes final : public llvm::ValueMapTypeRemapper {
public:
  llvm::Type *remapType(llvm::Type *T) override;

private:
  llvm::Type *rebuild(llvm::Type *T);
  llvm::Type *rebuildStruct(llvm::StructType *T);

  llvm::DenseMap<llvm::Type *, llvm::Type *> Known;
};

/// Exchanges the body of a function for that of its namesake in a text, such
/// that the rest of the module and the function's own properties stay as they
/// are. Unless commit() is called, the destructor puts everything back.
class Transplant {
public:
  /// \p Text is in a context of its own, and refers to nothing that \p Old's
  /// module does not have, apart from intrinsics and constants of its own.
  Transplant(llvm::Function &Old, llvm::Module &Text);
  ~Transplant();
  Transplant(const Transplant &) = delete;
  Transplant &operator=(const Transplant &) = delete;

  /// Puts the new body in. After an error nothing is changed.
  llvm::Error perform();

  /// The new body stays.
  void commit();

private:
  llvm::Error mapGlobals();
  bool hasSameValue(const llvm::GlobalVariable &G);
  llvm::Expected<llvm::GlobalValue *> counterpart(llvm::GlobalValue &G);
  llvm::GlobalVariable *addConstant(llvm::GlobalVariable &G);
  llvm::Function *addIntrinsic(llvm::Function &G);
  llvm::Function &Old;
  llvm::Module &Host;
  std::unique_ptr<llvm::Module> Text; // in Old's context
  llvm::Function *New;
  TextTypes Types;
  llvm::ValueToValueMapTy Values;
  llvm::SmallVector<llvm::GlobalValue *> Added;
  bool Committed = false;
  llvm::Function *Aside = nullptr; // holds the old body, in Old's module
};

} // namespace llmcoop

#endif // LLMCOOP_SHARED_TRANSPLANT_H
