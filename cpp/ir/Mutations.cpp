//===- Mutations.cpp - Ways to break one instruction ----------------------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Mutations.h"
#include "Changes.h"
#include "Effects.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstVisitor.h"
#include "llvm/IR/PatternMatch.h"

using namespace llvm;

namespace llmcoop {

static std::string becomes(const Twine &Old, const Twine &New) {
  return (Old + " becomes " + New).str();
}

/// Whether control can go from here to the end of the function only.
static bool leadsOut(const BasicBlock *Block) {
  SmallPtrSet<const BasicBlock *, 8> Seen;
  while (Seen.insert(Block).second) {
    if (succ_empty(Block))
      return true;
    Block = Block->getSingleSuccessor();
    if (!Block)
      return false;
  }
  return false;
}

namespace {
/// Collects the mutations of one function.
class Finder : public InstVisitor<Finder> {
public:
  explicit Finder(Function &F)
      : Tree(F), Loops(Tree), Query(F.getDataLayout()) {}

  void visitBinaryOperator(BinaryOperator &I);
  void visitUnaryOperator(UnaryOperator &I);
  void visitICmpInst(ICmpInst &I);
  void visitFCmpInst(FCmpInst &I);
  void visitBranchInst(BranchInst &I);
  void visitSelectInst(SelectInst &I);
  void visitStoreInst(StoreInst &I);
  void visitReturnInst(ReturnInst &I);
  void visitCallInst(CallInst &I);
  void visitMemIntrinsic(MemIntrinsic &I);
  void visitIntrinsicInst(IntrinsicInst &I);
  void visitDbgInfoIntrinsic(DbgInfoIntrinsic &) {}

  std::vector<Mutation> Found;

private:
  using Change = std::function<Value *(Instruction &)>;

  void add(Instruction &I, const char *Operator, std::string Description,
           Change Apply) {
    Found.push_back({&I, Operator, std::move(Description), std::move(Apply)});
  }
  void addOpcode(Instruction &I, unsigned Opcode);
  void addOffByOne(Instruction &I);
  void addPredicate(CmpInst &I, const char *Operator, CmpInst::Predicate Other,
                    StringRef Remark = "");
  void addNarrower(BinaryOperator &I);
  void addReordered(BinaryOperator &I);
  bool isPossible(const ICmpInst &I, CmpInst::Predicate Difference) const;
  bool leavesEarly(const BranchInst &I, unsigned Successor) const;

  DominatorTree Tree;
  LoopInfo Loops;
  SimplifyQuery Query;
};
} // namespace

void Finder::addOpcode(Instruction &I, unsigned Opcode) {
  if (!Opcode)
    return;
  add(I, "replaced-arithmetic",
      becomes(symbolOf(I.getOpcode()), symbolOf(Opcode)),
      [Opcode](Instruction &Copy) {
        return byOpcode(Copy, static_cast<Instruction::BinaryOps>(Opcode));
      });
}

void Finder::addOffByOne(Instruction &I) {
  for (Use &U : I.operands()) {
    auto *Constant = dyn_cast<ConstantInt>(U.get());
    if (!Constant || isAllocationSize(U))
      continue;
    APInt Next = Constant->getValue() + 1;
    // A shift by all of the bits is undefined.
    if (I.isShift() && U.getOperandNo() == 1 && Next.uge(Next.getBitWidth()))
      Next -= 2;
    auto *Other = ConstantInt::get(Constant->getType(), Next);
    SmallString<24> Old, New;
    Constant->getValue().toStringSigned(Old);
    Next.toStringSigned(New);
    add(I, "off-by-one", becomes(Old, New),
        [Number = U.getOperandNo(), Other](Instruction &Copy) {
          return withOperand(Copy, Number, Other);
        });
  }
}

void Finder::addNarrower(BinaryOperator &I) {
  Type *Type = I.getType();
  if (!Type->isIntegerTy(64) && !Type->isIntegerTy(32))
    return;
  unsigned Opcode = I.getOpcode();
  if (Opcode != Instruction::Add && Opcode != Instruction::Sub &&
      Opcode != Instruction::Mul && Opcode != Instruction::Shl)
    return;
  unsigned Width = Type->getIntegerBitWidth();
  bool IsProduct = Opcode == Instruction::Mul || Opcode == Instruction::Shl;
  // What counts by small steps, and sums of sizes in memory, hardly ever get
  // beyond the narrower type.
  bool IsSmall = isSmallConstant(I.getOperand(0)) ||
                 isSmallConstant(I.getOperand(1)) ||
                 (Width == 64 && !I.hasNoSignedWrap());
  if ((IsSmall && !IsProduct) || onlyUsedAs(I, isPosition))
    return;
  if (ComputeNumSignBits(&I, Query.DL) > Width / 2 ||
      computeKnownBits(&I, Query.DL).countMinLeadingZeros() >= Width / 2)
    return;
  add(I, "narrowed-arithmetic",
      (symbolOf(Opcode) + " in " + Twine(Width / 2) + " bits, not " +
       Twine(Width))
          .str(),
      inHalfTheBits);
}

void Finder::addReordered(BinaryOperator &I) {
  if (I.getOpcode() == Instruction::FDiv && !isa<Constant>(I.getOperand(0)))
    add(I, "reordered-floats", "x / y becomes x * (1 / y)", byReciprocal);
  if (I.getOpcode() != Instruction::FAdd && I.getOpcode() != Instruction::FMul)
    return;
  for (unsigned Number : {0, 1}) {
    auto *Inner = dyn_cast<BinaryOperator>(I.getOperand(Number));
    if (!Inner)
      continue;
    StringRef Symbol = symbolOf(I.getOpcode());
    if (Inner->getOpcode() == I.getOpcode())
      add(I, "reordered-floats",
          ("(a " + Symbol + " b) " + Symbol + " c becomes a " + Symbol +
           " (b " + Symbol + " c)")
              .str(),
          [Inner, Number](Instruction &Copy) {
            return regrouped(Copy, Inner->getOperand(0), Inner->getOperand(1),
                             Copy.getOperand(1 - Number));
          });
    else if (Inner->getOpcode() == Instruction::FMul)
      add(I, "reordered-floats", "a * b + c is rounded once",
          [Inner, Number](Instruction &Copy) {
            return roundedOnce(Copy, Inner->getOperand(0), Inner->getOperand(1),
                               Copy.getOperand(1 - Number));
          });
  }
}

void Finder::visitBinaryOperator(BinaryOperator &I) {
  if (I.getType()->isVectorTy() || onlyUsedAs(I, isAllocationSize))
    return;
  if (!I.isCommutative() && I.getOperand(0) != I.getOperand(1) && !hasNoSign(I))
    add(I, "swapped-operands",
        becomes("x " + symbolOf(I.getOpcode()) + " y",
                "y " + symbolOf(I.getOpcode()) + " x"),
        withSwappedOperands);
  addOpcode(I, mistakenFor(I.getOpcode()));
  addOffByOne(I);
  addNarrower(I);
  addReordered(I);
}

void Finder::visitUnaryOperator(UnaryOperator &I) {
  if (!I.getType()->isVectorTy())
    add(I, "special-floats", "-x becomes 0 - x", fromZero);
}

void Finder::addPredicate(CmpInst &I, const char *Operator,
                          CmpInst::Predicate Other, StringRef Remark) {
  add(I, Operator,
      becomes(symbolOf(I.getPredicate()), symbolOf(Other)) + Remark.str(),
      [Other](Instruction &Copy) {
        Copy.dropPoisonGeneratingFlags();
        cast<CmpInst>(Copy).setPredicate(Other);
        return &Copy;
      });
}

/// Whether operands for which a mutant differs from the original, those with
/// \p Difference, get by the branch before.
bool Finder::isPossible(const ICmpInst &I,
                        CmpInst::Predicate Difference) const {
  std::optional<bool> Known = isImpliedByDomCondition(
      Difference, I.getOperand(0), I.getOperand(1), &I, Query.DL);
  return Known.value_or(true);
}

void Finder::visitICmpInst(ICmpInst &I) {
  bool Counts = isCounter(I.getOperand(0)) || isCounter(I.getOperand(1));
  if (I.isRelational()) {
    bool IsStrict = I.isStrictPredicate();
    if (isPossible(I, CmpInst::ICMP_EQ))
      addPredicate(I, "off-by-one",
                   IsStrict ? I.getNonStrictPredicate()
                            : I.getStrictPredicate());
    if (!Counts && isPossible(I, IsStrict ? I.getSwappedPredicate()
                                          : I.getStrictPredicate()))
      addPredicate(I, "changed-predicate",
                   IsStrict ? CmpInst::ICMP_NE : CmpInst::ICMP_EQ);
    return;
  }
  // What is compared for equality is seldom ordered: no other predicate is a
  // likely mistake.
  if (I.getOperand(0)->getType()->isIntegerTy())
    addOffByOne(I);
  // For a branch, this is the same as to negate it.
  if (!all_of(I.users(), [](const User *U) { return isa<BranchInst>(U); }))
    addPredicate(I, "changed-predicate", I.getInversePredicate());
}

void Finder::visitFCmpInst(FCmpInst &I) {
  CmpInst::Predicate Predicate = I.getPredicate();
  if (I.getOperand(0)->getType()->isVectorTy() ||
      Predicate == CmpInst::FCMP_ORD || Predicate == CmpInst::FCMP_UNO)
    return;
  if (I.isRelational())
    addPredicate(I, "changed-predicate",
                 I.isStrictPredicate() ? I.getNonStrictPredicate()
                                       : I.getStrictPredicate());
  if (!isKnownNeverNaN(I.getOperand(0), Query) ||
      !isKnownNeverNaN(I.getOperand(1), Query))
    addPredicate(I, "special-floats",
                 CmpInst::isOrdered(Predicate)
                     ? CmpInst::getUnorderedPredicate(Predicate)
                     : CmpInst::getOrderedPredicate(Predicate),
                 CmpInst::isOrdered(Predicate) ? " or NaN" : " and not NaN");
}

bool Finder::leavesEarly(const BranchInst &I, unsigned Successor) const {
  const BasicBlock *Target = I.getSuccessor(Successor);
  const Loop *L = Loops.getLoopFor(I.getParent());
  if (!L)
    return leadsOut(Target) && !leadsOut(I.getSuccessor(1 - Successor));
  // The only way out of a loop is no early exit.
  return !L->contains(Target) && !L->getExitingBlock();
}

void Finder::visitBranchInst(BranchInst &I) {
  if (I.isUnconditional() || isa<Constant>(I.getCondition()) ||
      I.getSuccessor(0) == I.getSuccessor(1))
    return;
  add(I, "negated-branch", "the branch is negated", [](Instruction &Copy) {
    cast<BranchInst>(Copy).swapSuccessors();
    return nullptr;
  });
  for (unsigned Successor : {0, 1})
    if (leavesEarly(I, Successor))
      add(I, "removed-exit", "the early exit is never taken",
          [Successor](Instruction &Copy) {
            auto *Never = ConstantInt::getBool(Copy.getContext(), Successor);
            return withOperand(Copy, 0, Never), nullptr;
          });
}

void Finder::visitSelectInst(SelectInst &I) {
  add(I, "swapped-arms", "x ? y : z becomes x ? z : y", [](Instruction &Copy) {
    cast<SelectInst>(Copy).swapValues();
    return &Copy;
  });
  addOffByOne(I);
}

void Finder::visitStoreInst(StoreInst &I) {
  if (!I.isSimple())
    return;
  add(I, "dropped-store", "the store is left out", leaveOut);
  addOffByOne(I);
}

void Finder::visitReturnInst(ReturnInst &I) {
  Value *Result = I.getReturnValue();
  if (!Result || !Result->getType()->isIntegerTy() ||
      I.getParent()->getTerminatingMustTailCall())
    return;
  Type *Type = Result->getType();
  if (!match(Result, PatternMatch::m_Zero()))
    add(I, "changed-return", "returns 0", [Type](Instruction &Copy) {
      return withOperand(Copy, 0, ConstantInt::get(Type, 0)), nullptr;
    });
  add(I, "changed-return", "returns one more", [Type](Instruction &Copy) {
    Value *More = IRBuilder<>(&Copy).CreateAdd(Copy.getOperand(0),
                                               ConstantInt::get(Type, 1));
    return withOperand(Copy, 0, More), nullptr;
  });
}

void Finder::visitCallInst(CallInst &I) {
  if (I.isInlineAsm() || I.isMustTailCall() || onlyFrees(I))
    return;
  if (I.getType()->isVoidTy() && !I.doesNotReturn()) {
    Function *Callee = I.getCalledFunction();
    StringRef Name = Callee ? Callee->getName() : "a function";
    add(I, "dropped-call", ("the call of " + Name + " is left out").str(),
        leaveOut);
  }
  addOffByOne(I);
}

void Finder::visitMemIntrinsic(MemIntrinsic &I) {
  if (I.isVolatile())
    return;
  StringRef What =
      isa<MemSetInst>(I) ? "memory is not set" : "memory is not copied";
  add(I, "dropped-initialisation", What.str(), leaveOut);
}

void Finder::visitIntrinsicInst(IntrinsicInst &I) {
  if (I.getIntrinsicID() != Intrinsic::fmuladd || I.getType()->isVectorTy())
    return;
  add(I, "reordered-floats", "a * b + c is rounded once",
      [](Instruction &Copy) {
        return roundedOnce(Copy, Copy.getOperand(0), Copy.getOperand(1),
                           Copy.getOperand(2));
      });
  add(I, "replaced-arithmetic", "a * b + c becomes a * b - c",
      [](Instruction &Copy) {
        Value *Minus = IRBuilder<>(&Copy).CreateFNeg(Copy.getOperand(2));
        return withOperand(Copy, 2, Minus);
      });
}

std::vector<Mutation> findMutations(Function &F) {
  Finder Finder(F);
  Finder.visit(F);
  return std::move(Finder.Found);
}

} // namespace llmcoop
