//===- Changes.h - What a mutant does instead of an instruction -*- C++ -*-===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LLMCOOP_IR_CHANGES_H
#define LLMCOOP_IR_CHANGES_H

#include "llvm/IR/InstrTypes.h"

namespace llmcoop {

// Each takes a copy of an instruction that is not the last of its block, or a
// terminator, and changes or erases it. Each gives the value that stands for
// the instruction's: null when it has none. What overflows in a mutant wraps:
// undefined behaviour would let the compiler make anything of it.

llvm::Value *withSwappedOperands(llvm::Instruction &Copy);
llvm::Value *withOperand(llvm::Instruction &Copy, unsigned Number,
                         llvm::Value *Operand);
llvm::Value *leaveOut(llvm::Instruction &Copy);

/// Another operation on the same operands.
llvm::Value *byOpcode(llvm::Instruction &Copy,
                      llvm::Instruction::BinaryOps Opcode);

/// Keeps half the bits of the result, extended as the type was meant.
llvm::Value *inHalfTheBits(llvm::Instruction &Copy);

/// (A op (B op C)) with the opcode of the copy.
llvm::Value *regrouped(llvm::Instruction &Copy, llvm::Value *A, llvm::Value *B,
                       llvm::Value *C);

/// (A * B + C), rounded once where the original is rounded twice. An fma would
/// be a call into a library that the program need not be linked with.
llvm::Value *roundedOnce(llvm::Instruction &Copy, llvm::Value *A,
                         llvm::Value *B, llvm::Value *C);

/// A division as a multiplication by 1 / divisor.
llvm::Value *byReciprocal(llvm::Instruction &Copy);

/// A negation as a subtraction from 0, which gives 0 for 0 and not -0.
llvm::Value *fromZero(llvm::Instruction &Copy);

/// The opcode that a hurried edit would leave there; 0 for none.
unsigned mistakenFor(unsigned Opcode);

/// How C writes it.
llvm::StringRef symbolOf(unsigned Opcode);
llvm::StringRef symbolOf(llvm::CmpInst::Predicate Predicate);

} // namespace llmcoop

#endif // LLMCOOP_IR_CHANGES_H
