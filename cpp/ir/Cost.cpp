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
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/ScalarEvolution.h"
#include "llvm/Analysis/ScalarEvolutionExpressions.h"
#include "llvm/Analysis/TargetTransformInfo.h"
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
        Loops(Analyses.getResult<LoopAnalysis>(F)),
        Evolution(Analyses.getResult<ScalarEvolutionAnalysis>(F)),
        Entry(F.getEntryBlock()), HasProfile(F.hasProfileData()) {}

  double of(const BasicBlock &Block) {
    const Loop *L = HasProfile ? nullptr : Loops.getLoopFor(&Block);
    if (!L)
      return relative(Block, Entry);
    const BasicBlock &Header = *L->getHeader();
    auto Known = OfHeader.find(&Header);
    if (Known == OfHeader.end())
      Known = OfHeader.insert({&Header, ofHeader(*L)}).first;
    return Known->second * relative(Block, Header);
  }

private:
  double relative(const BasicBlock &Block, const BasicBlock &To) const {
    double Base = Frequencies.getBlockFreq(&To).getFrequency();
    return Frequencies.getBlockFreq(&Block).getFrequency() / std::max(Base, 1.);
  }

  double ofHeader(const Loop &L) {
    const BasicBlock *Before = L.getLoopPredecessor();
    return Before ? of(*Before) * tripCount(L)
                  : relative(*L.getHeader(), Entry);
  }

  double tripCount(const Loop &L) {
    if (unsigned Exact = Evolution.getSmallConstantTripCount(&L))
      return Exact;
    double Step = stepOf(L);
    bool Vectorized = getBooleanLoopAttribute(&L, "llvm.loop.isvectorized");
    bool Remainder = Vectorized || getBooleanLoopAttribute(
                                       &L, "llvm.loop.unroll.runtime.disable");
    double Assumed =
        Remainder && Step == 1 ? AssumedRemainder : AssumedElements / Step;
    unsigned Most = Evolution.getSmallConstantMaxTripCount(&L);
    return std::max(1., Most ? std::min<double>(Assumed, Most) : Assumed);
  }

  double stepOf(const Loop &L) {
    const PHINode *Variable = L.getInductionVariable(Evolution);
    if (!Variable)
      return 1;
    auto *Recurrence = dyn_cast<SCEVAddRecExpr>(
        Evolution.getSCEV(const_cast<PHINode *>(Variable)));
    auto *Step =
        Recurrence
            ? dyn_cast<SCEVConstant>(Recurrence->getStepRecurrence(Evolution))
            : nullptr;
    if (!Step)
      return 1;
    return std::max<double>(1, Step->getAPInt().abs().getLimitedValue());
  }

  BlockFrequencyInfo &Frequencies;
  LoopInfo &Loops;
  ScalarEvolution &Evolution;
  const BasicBlock &Entry;
  bool HasProfile;
  DenseMap<const BasicBlock *, double> OfHeader;
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
