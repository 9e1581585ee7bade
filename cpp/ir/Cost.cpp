//===- Cost.cpp - What code costs, estimated without running it -----------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cost.h"
#include "Target.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Analysis/BlockFrequencyInfo.h"
#include "llvm/Analysis/BranchProbabilityInfo.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/ScalarEvolution.h"
#include "llvm/Analysis/ScalarEvolutionExpressions.h"
#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/IR/CFG.h"
#include "llvm/IR/InstrTypes.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/Utils/LoopUtils.h"

using namespace llvm;

namespace llmcoop {

static constexpr double AssumedElements = 256;
static constexpr double AssumedRemainder = 4;
static constexpr double UncountedByLLVM =
    32;                                    ///< Trips of a loop with one exit.
static constexpr double Impossible = 1000; ///< What the target can't do.
static constexpr double Division = 14;     ///< LLVM's own figure is 1.

/// A division by a constant becomes multiplications.
static bool isSlowDivision(const Instruction &I) {
  return I.isIntDivRem() && !I.getType()->isVectorTy() &&
         !isa<Constant>(I.getOperand(1));
}

static double costOf(const Instruction &I, const TargetTransformInfo &Target) {
  InstructionCost Cost =
      Target.getInstructionCost(&I, TargetTransformInfo::TCK_RecipThroughput);
  if (!Cost.isValid())
    return Impossible;
  return isSlowDivision(I) ? Division : double(Cost.getValue());
}

namespace {

/// How often each block of one function runs in one call.
class Trips {
public:
  Trips(Function &F, FunctionAnalysisManager &Analyses)
      : Frequencies(Analyses.getResult<BlockFrequencyAnalysis>(F)),
        Probabilities(Analyses.getResult<BranchProbabilityAnalysis>(F)),
        Loops(Analyses.getResult<LoopAnalysis>(F)),
        Evolution(Analyses.getResult<ScalarEvolutionAnalysis>(F)),
        Entry(F.getEntryBlock()), HasProfile(F.hasProfileData()) {}

  double of(const BasicBlock &Block) {
    const Loop *L = HasProfile ? nullptr : Loops.getLoopFor(&Block);
    return ofHeader(L) * frequency(Block) / frequency(headerOf(L));
  }

private:
  double frequency(const BasicBlock &Block) const {
    return std::max<double>(Frequencies.getBlockFreq(&Block).getFrequency(), 1);
  }

  /// A function is like the body of a loop that runs once.
  const BasicBlock &headerOf(const Loop *L) const {
    return L ? *L->getHeader() : Entry;
  }

  double ofHeader(const Loop *L) {
    if (!L)
      return 1;
    auto Known = OfHeader.find(L);
    if (Known != OfHeader.end())
      return Known->second;
    const Loop *Outer = L->getParentLoop();
    double Entered = frequencyOfEntering(*L);
    double Trips = ofHeader(Outer) * Entered / frequency(headerOf(Outer)) *
                   tripCount(*L, Entered);
    OfHeader[L] = Trips;
    return Trips;
  }

  double frequencyOfEntering(const Loop &L) const {
    if (const BasicBlock *Before = L.getLoopPredecessor())
      if (Loops.getLoopFor(Before) == L.getParentLoop())
        return frequency(*outermostGuard(Before));
    double Sum = 0;
    const BasicBlock *Header = L.getHeader();
    SmallPtrSet<const BasicBlock *, 4> Before(llvm::from_range,
                                              predecessors(Header));
    for (const BasicBlock *Block : Before)
      if (!L.contains(Block)) {
        BranchProbability P = Probabilities.getEdgeProbability(Block, Header);
        Sum += frequency(*Block) * P.getNumerator() / P.getDenominator();
      }
    return std::max(Sum, 1.);
  }

  /// Conditions right before a loop ask whether there is enough to do for it.
  /// They are taken to hold: otherwise each copy of a loop that a pass puts
  /// behind a condition of its own would seem to halve the work.
  const BasicBlock *outermostGuard(const BasicBlock *Block) const {
    const BasicBlock *Before = Block->getSinglePredecessor();
    while (Before && isa<BranchInst>(Before->getTerminator()) &&
           Loops.getLoopFor(Before) == Loops.getLoopFor(Block)) {
      Block = Before;
      Before = Block->getSinglePredecessor();
    }
    return Block;
  }

  double tripCount(const Loop &L, double Entered) {
    if (unsigned Exact = Evolution.getSmallConstantTripCount(&L))
      return Exact;
    unsigned Most = Evolution.getSmallConstantMaxTripCount(&L);
    double Assumed = Evolution.hasLoopInvariantBackedgeTakenCount(&L)
                         ? assumedTripCount(L)
                         : frequency(*L.getHeader()) / Entered *
                               (AssumedElements / UncountedByLLVM);
    return std::max(1., Most ? std::min<double>(Assumed, Most) : Assumed);
  }

  double assumedTripCount(const Loop &L) {
    double Step = stepOf(L);
    bool IsRemainder =
        Step == 1 &&
        (getBooleanLoopAttribute(&L, "llvm.loop.isvectorized") ||
         getBooleanLoopAttribute(&L, "llvm.loop.unroll.runtime.disable"));
    return IsRemainder ? AssumedRemainder : AssumedElements / Step;
  }

  /// By how much the variable advances that ends the loop; 1 if unknown. Not
  /// asked of the loop itself, which only knows it in canonical form.
  double stepOf(const Loop &L) {
    const BasicBlock *Latch = L.getLoopLatch();
    const auto *Branch =
        Latch ? dyn_cast<BranchInst>(Latch->getTerminator()) : nullptr;
    if (!Branch || !Branch->isConditional())
      return 1;
    const auto *Compare = dyn_cast<ICmpInst>(Branch->getCondition());
    if (!Compare)
      return 1;
    for (Value *Operand : Compare->operands()) {
      auto *Advance = dyn_cast<SCEVAddRecExpr>(Evolution.getSCEV(Operand));
      if (!Advance || Advance->getLoop() != &L)
        continue;
      if (auto *Step =
              dyn_cast<SCEVConstant>(Advance->getStepRecurrence(Evolution)))
        return std::max<double>(1, Step->getAPInt().abs().getLimitedValue());
    }
    return 1;
  }

  BlockFrequencyInfo &Frequencies;
  BranchProbabilityInfo &Probabilities;
  LoopInfo &Loops;
  ScalarEvolution &Evolution;
  const BasicBlock &Entry;
  bool HasProfile;
  DenseMap<const Loop *, double> OfHeader;
};

class CostModel {
public:
  CostModel(const Module &M, const CodeGen &Settings)
      : Machine(createTargetMachine(M, Settings)), Builder(Machine.get()) {
    Builder.registerModuleAnalyses(MAM);
    Builder.registerCGSCCAnalyses(CGAM);
    Builder.registerFunctionAnalyses(FAM);
    Builder.registerLoopAnalyses(LAM);
    Builder.crossRegisterProxies(LAM, FAM, CGAM, MAM);
  }

  /// With callees, each measured once.
  double inclusive(Function &F) {
    auto [Known, IsNew] = Inclusive.insert({&F, 0});
    if (!IsNew) // Zero while F is being measured: a recursive call.
      return Known->second;
    double Sum = sum(F, /*WithCallees=*/true);
    return Inclusive[&F] = Sum;
  }

  double exclusive(Function &F) { return sum(F, /*WithCallees=*/false); }

private:
  double sum(Function &F, bool WithCallees) {
    Trips Trips(F, FAM);
    double Sum = 0;
    for (BasicBlock &Block : F)
      Sum += Trips.of(Block) * costOf(Block, WithCallees);
    return Sum;
  }

  double costOf(BasicBlock &Block, bool WithCallees) {
    auto &Target = FAM.getResult<TargetIRAnalysis>(*Block.getParent());
    double Sum = 0;
    for (Instruction &I : Block) {
      Sum += llmcoop::costOf(I, Target);
      auto *Call = dyn_cast<CallBase>(&I);
      Function *Callee = Call ? Call->getCalledFunction() : nullptr;
      if (WithCallees && Callee && !Callee->isDeclaration())
        Sum += inclusive(*Callee);
    }
    return Sum;
  }

  std::unique_ptr<TargetMachine> Machine;
  PassBuilder Builder;
  LoopAnalysisManager LAM;
  FunctionAnalysisManager FAM;
  CGSCCAnalysisManager CGAM;
  ModuleAnalysisManager MAM;
  DenseMap<Function *, double> Inclusive;
};

} // namespace

double costOf(Function &F, const CodeGen &Settings) {
  return CostModel(*F.getParent(), Settings).inclusive(F);
}

std::map<std::string, double> hotness(Module &M, const CodeGen &Settings) {
  CostModel Model(M, Settings);
  std::map<std::string, double> Shares;
  double Total = 0;
  for (Function &F : M) {
    auto Count = F.getEntryCount();
    if (F.isDeclaration() || !Count)
      continue;
    double Cost = Count->getCount() * Model.exclusive(F);
    Shares[F.getName().str()] = Cost;
    Total += Cost;
  }
  for (auto &[Name, Share] : Shares)
    Share /= std::max(Total, 1.);
  return Shares;
}

} // namespace llmcoop
