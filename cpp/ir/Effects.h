//===- Effects.h - What the output of a program can show --------*- C++ -*-===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_IR_EFFECTS_H
#define LLMCOOP_IR_EFFECTS_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/IR/InstrTypes.h"

namespace llmcoop {

/// Whether the value, perhaps after more arithmetic, has no other uses.
bool onlyUsedAs(const llvm::Value &V,
                llvm::function_ref<bool(const llvm::Use &)> Kind);

/// Whether it says how much to allocate, also by way of a function around the
/// allocator.
bool isAllocationSize(const llvm::Use &U);

/// Whether it says where or how much, which memory limits, or is compared.
bool isPosition(const llvm::Use &U);

/// Whether the call gives memory back, and nothing else.
bool onlyFrees(const llvm::CallBase &Call);

/// Whether the value counts up or down in a loop: such a value meets its bound,
/// and < can't be told from != then.
bool isCounter(const llvm::Value *V);

/// Whether it is a difference that is only squared, or made absolute.
bool hasNoSign(const llvm::Value &V);

/// Whether it is an integer of 16 bits at most.
bool isSmallConstant(const llvm::Value *V);

} // namespace llmcoop

#endif // LLMCOOP_IR_EFFECTS_H
