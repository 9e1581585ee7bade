//===- Effects.cpp - What the output of a program can show ----------------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Effects.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Operator.h"
#include "llvm/IR/PatternMatch.h"

using namespace llvm;
using namespace llvm::PatternMatch;

namespace llmcoop {

/// Values that are used often would make a deep search take for ever.
static constexpr unsigned MaxDepth = 6;

static bool onlyUsedAs(const Value &V, function_ref<bool(const Use &)> Kind,
                       unsigned Depth) {
  return Depth && !V.use_empty() && all_of(V.uses(), [&](const Use &U) {
           const User *User = U.getUser();
           bool Passes = isa<CastInst>(User) || isa<BinaryOperator>(User);
           return Kind(U) || (Passes && onlyUsedAs(*User, Kind, Depth - 1));
         });
}

bool onlyUsedAs(const Value &V, function_ref<bool(const Use &)> Kind) {
  return onlyUsedAs(V, Kind, MaxDepth);
}

static bool isSizeOf(const CallBase &Call, unsigned Argument) {
  Attribute Sizes = Call.getFnAttr(Attribute::AllocSize);
  if (!Sizes.isValid())
    return false;
  auto [Size, Count] = Sizes.getAllocSizeArgs();
  return Argument == Size || (Count && Argument == *Count);
}

bool isAllocationSize(const Use &U) {
  auto *Call = dyn_cast<CallBase>(U.getUser());
  if (!Call || !Call->isArgOperand(&U))
    return false;
  unsigned Argument = Call->getArgOperandNo(&U);
  const Function *Callee = Call->getCalledFunction();
  auto IsSize = [](const Use &Inner) {
    auto *Allocation = dyn_cast<CallBase>(Inner.getUser());
    return Allocation && Allocation->isArgOperand(&Inner) &&
           isSizeOf(*Allocation, Allocation->getArgOperandNo(&Inner));
  };
  return isSizeOf(*Call, Argument) ||
         (Callee && Argument < Callee->arg_size() &&
          onlyUsedAs(*Callee->getArg(Argument), IsSize));
}

static bool isFree(const CallBase &Call) {
  Attribute Kind = Call.getFnAttr(Attribute::AllocKind);
  return Kind.isValid() &&
         (Kind.getAllocKind() & AllocFnKind::Free) != AllocFnKind::Unknown;
}

bool onlyFrees(const CallBase &Call) {
  const Function *Callee = Call.getCalledFunction();
  if (isFree(Call) || !Callee || Callee->isDeclaration())
    return isFree(Call);
  return all_of(instructions(Callee), [&](const Instruction &I) {
    auto *Inner = dyn_cast<CallBase>(&I);
    bool Frees = Inner && (isFree(*Inner) || Inner->isLifetimeStartOrEnd() ||
                           Inner->getCalledFunction() == Callee);
    return Frees || !I.mayWriteToMemory();
  });
}

bool isPosition(const Use &U) {
  const User *User = U.getUser();
  return isa<GEPOperator>(User) || isa<MemIntrinsic>(User) ||
         isa<ICmpInst>(User) || isAllocationSize(U);
}

bool isCounter(const Value *V) {
  while (auto *Cast = dyn_cast<CastInst>(V))
    V = Cast->getOperand(0);
  auto Steps = [](const Value *From, const Value *To) {
    auto *Step = dyn_cast<BinaryOperator>(To);
    return Step && Step->getOpcode() == Instruction::Add &&
           Step->getOperand(0) == From && isa<ConstantInt>(Step->getOperand(1));
  };
  if (auto *Step = dyn_cast<BinaryOperator>(V))
    return isa<PHINode>(Step->getOperand(0)) && Steps(Step->getOperand(0), V) &&
           isCounter(Step->getOperand(0));
  auto *Phi = dyn_cast<PHINode>(V);
  return Phi && any_of(Phi->incoming_values(),
                       [&](const Use &In) { return Steps(Phi, In.get()); });
}

bool hasNoSign(const Value &V) {
  bool IsDifference = match(&V, m_CombineOr(m_Sub(m_Value(), m_Value()),
                                            m_FSub(m_Value(), m_Value())));
  return IsDifference && all_of(V.users(), [&](const User *U) {
           return match(U,
                        m_CombineOr(m_Mul(m_Specific(&V), m_Specific(&V)),
                                    m_FMul(m_Specific(&V), m_Specific(&V)))) ||
                  match(U, m_CombineOr(
                               m_FAbs(m_Specific(&V)),
                               m_Intrinsic<Intrinsic::abs>(m_Specific(&V))));
         });
}

bool isSmallConstant(const Value *V) {
  auto *Constant = dyn_cast<ConstantInt>(V);
  return Constant && Constant->getValue().getSignificantBits() <= 16;
}

} // namespace llmcoop
