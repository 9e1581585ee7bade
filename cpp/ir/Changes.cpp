//===- Changes.cpp - What a mutant does instead of an instruction
//------------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Changes.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/IR/IRBuilder.h"

using namespace llvm;

namespace llmcoop {

Value *withSwappedOperands(Instruction &Copy) {
  Copy.dropPoisonGeneratingFlags();
  Value *First = Copy.getOperand(0);
  Copy.setOperand(0, Copy.getOperand(1));
  Copy.setOperand(1, First);
  return &Copy;
}

Value *withOperand(Instruction &Copy, unsigned Number, Value *Operand) {
  Copy.dropPoisonGeneratingFlags();
  Copy.setOperand(Number, Operand);
  return &Copy;
}

static Value *replaceBy(Instruction &Copy, Value *Other) {
  Copy.eraseFromParent();
  return Other;
}

Value *leaveOut(Instruction &Copy) { return replaceBy(Copy, nullptr); }

Value *inHalfTheBits(Instruction &Copy) {
  bool IsSigned = Copy.hasNoSignedWrap();
  Copy.dropPoisonGeneratingFlags();
  IRBuilder<> Builder(Copy.getNextNode());
  Type *Wide = Copy.getType();
  Type *Narrow = Builder.getIntNTy(Wide->getIntegerBitWidth() / 2);
  return Builder.CreateIntCast(Builder.CreateTrunc(&Copy, Narrow), Wide,
                               IsSigned);
}

Value *roundedOnce(Instruction &Copy, Value *A, Value *B, Value *C) {
  IRBuilder<> Builder(&Copy);
  Type *Narrow = Copy.getType();
  Type *Wide = Narrow->isFloatTy() ? Builder.getDoubleTy()
                                   : Type::getX86_FP80Ty(Builder.getContext());
  auto Extend = [&](Value *V) { return Builder.CreateFPExt(V, Wide); };
  Value *Product = Builder.CreateFMul(Extend(A), Extend(B));
  Value *Sum = Builder.CreateFAdd(Product, Extend(C));
  return replaceBy(Copy, Builder.CreateFPTrunc(Sum, Narrow));
}

Value *byOpcode(Instruction &Copy, Instruction::BinaryOps Opcode) {
  IRBuilder<> Builder(&Copy);
  return replaceBy(Copy, Builder.CreateBinOp(Opcode, Copy.getOperand(0),
                                             Copy.getOperand(1)));
}

Value *regrouped(Instruction &Copy, Value *A, Value *B, Value *C) {
  IRBuilder<> Builder(&Copy);
  auto Opcode = static_cast<Instruction::BinaryOps>(Copy.getOpcode());
  return replaceBy(
      Copy, Builder.CreateBinOp(Opcode, A, Builder.CreateBinOp(Opcode, B, C)));
}

Value *fromZero(Instruction &Copy) {
  IRBuilder<> Builder(&Copy);
  Value *Zero = ConstantFP::get(Copy.getType(), 0.0);
  return replaceBy(Copy, Builder.CreateFSub(Zero, Copy.getOperand(0)));
}

Value *byReciprocal(Instruction &Copy) {
  IRBuilder<> Builder(&Copy);
  Value *One = ConstantFP::get(Copy.getType(), 1.0);
  Value *Reciprocal = Builder.CreateFDiv(One, Copy.getOperand(1));
  return replaceBy(Copy, Builder.CreateFMul(Copy.getOperand(0), Reciprocal));
}

StringRef symbolOf(unsigned Opcode) {
  switch (Opcode) {
  case Instruction::Add:
  case Instruction::FAdd:
    return "+";
  case Instruction::Sub:
  case Instruction::FSub:
    return "-";
  case Instruction::Mul:
  case Instruction::FMul:
    return "*";
  case Instruction::UDiv:
  case Instruction::SDiv:
  case Instruction::FDiv:
    return "/";
  case Instruction::URem:
  case Instruction::SRem:
  case Instruction::FRem:
    return "%";
  case Instruction::And:
    return "&";
  case Instruction::Or:
    return "|";
  case Instruction::Xor:
    return "^";
  case Instruction::Shl:
    return "<<";
  default:
    return ">>";
  }
}

StringRef symbolOf(CmpInst::Predicate Predicate) {
  // The names are those of C with a letter for signedness or NaN before them.
  return StringSwitch<StringRef>(
             CmpInst::getPredicateName(Predicate).take_back(2))
      .Case("eq", "==")
      .Case("ne", "!=")
      .Case("lt", "<")
      .Case("le", "<=")
      .Case("gt", ">")
      .Case("ge", ">=")
      .Default("a comparison");
}

unsigned mistakenFor(unsigned Opcode) {
  switch (Opcode) {
  case Instruction::Sub:
  case Instruction::Mul:
    return Instruction::Add;
  case Instruction::Add:
    return Instruction::Sub;
  case Instruction::And:
  case Instruction::Xor:
    return Instruction::Or;
  case Instruction::Or:
    return Instruction::And;
  case Instruction::Shl:
    return Instruction::LShr;
  case Instruction::LShr:
  case Instruction::AShr:
    return Instruction::Shl;
  case Instruction::FSub:
    return Instruction::FAdd;
  case Instruction::FAdd:
    return Instruction::FSub;
  case Instruction::FMul:
    return Instruction::FAdd;
  case Instruction::FDiv:
    return Instruction::FMul;
  default:
    return 0;
  }
}

} // namespace llmcoop
