//===- Multiversion.cpp - Versions of functions for better CPUs -----------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "shared/Multiversion.h"
#include "shared/Dispatcher.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"
#include "llvm/TargetParser/X86TargetParser.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace llvm;

namespace llmcoop {

namespace {
/// A CPU to clone for, and how.
struct Level {
  StringRef CPU;
  FeatureBit Bit;
  StringRef Tune, PreferVectorWidth;
};

/// Original functions and their versions at one level.
using Versions = MapVector<Function *, Function *>;
} // namespace

//===----------------------------------------------------------------------===//
// Levels and features
//===----------------------------------------------------------------------===//

static Expected<Level> parseLevel(StringRef Text) {
  auto [CPU, Settings] = Text.split(':');
  // The bits 96 to 98 of the features, which come 32 to a word after the first.
  unsigned Bit = StringSwitch<unsigned>(CPU)
                     .Case("x86-64-v2", 0)
                     .Case("x86-64-v3", 1)
                     .Case("x86-64-v4", 2)
                     .Default(3);
  if (Bit == 3)
    return createStringError("not a level to clone for: " + CPU +
                             " (x86-64-v2, x86-64-v3 or x86-64-v4)");
  Level Result{CPU, {2, Bit}, "", ""};
  while (!Settings.empty()) {
    auto [Setting, Rest] = Settings.split(',');
    auto [Name, Value] = Setting.split('=');
    if (Name != "tune" && Name != "prefer-vector-width")
      return createStringError("not a setting of a level: " + Setting);
    (Name == "tune" ? Result.Tune : Result.PreferVectorWidth) = Value;
    Settings = Rest;
  }
  return Result;
}

static StringSet<> featuresOf(StringRef CPU) {
  StringSet<> Features;
  SmallVector<StringRef, 64> Names;
  if (X86::parseArchX86(CPU) != X86::CK_None)
    X86::getFeaturesForCPU(CPU, Names);
  for (StringRef Name : Names)
    Features.insert(Name);
  return Features;
}

static StringSet<> featuresOf(const Function &F) {
  StringSet<> Features =
      featuresOf(F.getFnAttribute("target-cpu").getValueAsString());
  SmallVector<StringRef, 64> Changes;
  F.getFnAttribute("target-features").getValueAsString().split(Changes, ',');
  for (StringRef Change : Changes)
    if (Change.consume_front("+"))
      Features.insert(Change);
    else if (Change.consume_front("-"))
      Features.erase(Change);
  return Features;
}

/// Whether the function is compiled for all that the level offers already.
static bool covers(const Function &F, const Level &Level) {
  StringSet<> Has = featuresOf(F);
  return all_of(featuresOf(Level.CPU),
                [&](auto &Feature) { return Has.contains(Feature.getKey()); });
}

/// The function's own features stay: it may use intrinsics that need them.
static void compileFor(Function &F, const Level &Level) {
  StringSet<> Features = featuresOf(F);
  for (auto &Feature : featuresOf(Level.CPU))
    Features.insert(Feature.getKey());
  SmallVector<std::string, 64> Names;
  for (auto &Feature : Features)
    Names.push_back("+" + Feature.getKey().str());
  sort(Names);
  F.addFnAttr("target-cpu", Level.CPU);
  F.addFnAttr("target-features", join(Names, ","));
  if (!Level.Tune.empty())
    F.addFnAttr("tune-cpu", Level.Tune);
  if (!Level.PreferVectorWidth.empty())
    F.addFnAttr("prefer-vector-width", Level.PreferVectorWidth);
}

static void splitMulAdd(IntrinsicInst &MulAdd) {
  IRBuilder<> Builder(&MulAdd);
  FastMathFlags Flags = MulAdd.getFastMathFlags();
  Value *Product = Builder.CreateFMulFMF(MulAdd.getArgOperand(0),
                                         MulAdd.getArgOperand(1), Flags);
  Value *Sum = Builder.CreateFAddFMF(Product, MulAdd.getArgOperand(2), Flags);
  MulAdd.replaceAllUsesWith(Sum);
  MulAdd.eraseFromParent();
}

/// Without FMA nothing can be fused, so this says what happens anyway.
static void forbidFusing(Function &F) {
  if (featuresOf(F).contains("fma"))
    return;
  for (Instruction &I : make_early_inc_range(instructions(F))) {
    if (isa<FPMathOperator>(I))
      I.setHasAllowContract(false);
    auto *Intrinsic = dyn_cast<IntrinsicInst>(&I);
    if (Intrinsic && Intrinsic->getIntrinsicID() == Intrinsic::fmuladd)
      splitMulAdd(*Intrinsic);
  }
}

//===----------------------------------------------------------------------===//
// What can be cloned
//===----------------------------------------------------------------------===//

/// AVX passes wide vectors in other registers, so callers and callees would
/// disagree.
static bool isWideVector(const Type *Type) {
  return isa<VectorType>(Type) && Type->getPrimitiveSizeInBits() > 128;
}

static bool passesWideVectors(const FunctionType &Type) {
  return isWideVector(Type.getReturnType()) ||
         any_of(Type.params(), isWideVector);
}

static StringRef whyNotCloneable(const CallBase &Call) {
  auto *Asm = dyn_cast<InlineAsm>(Call.getCalledOperand());
  if (Asm && !Asm->getAsmString().empty())
    return "contains inline assembly";
  if (Call.cannotDuplicate())
    return "contains a call that must stay unique";
  if (Call.hasFnAttr(Attribute::ReturnsTwice))
    return "calls setjmp or the like";
  // A pass of LLVM knows how wide the vectors of its own intrinsics are.
  if (!isa<IntrinsicInst>(Call) && passesWideVectors(*Call.getFunctionType()))
    return "passes vectors wider than 128 bits";
  return "";
}

static StringRef whyNotCloneable(const Function &F) {
  if (F.isDeclaration())
    return "is not defined here";
  if (F.hasFnAttribute(Attribute::Naked) || F.hasOptNone())
    return "is naked or optnone";
  if (F.hasPrefixData() || F.hasPrologueData())
    return "has prefix or prologue data";
  if (passesWideVectors(*F.getFunctionType()))
    return "passes vectors wider than 128 bits";
  for (const BasicBlock &Block : F)
    if (Block.hasAddressTaken())
      return "takes the address of a label";
  for (const Instruction &I : instructions(F))
    if (auto *Call = dyn_cast<CallBase>(&I))
      if (StringRef Why = whyNotCloneable(*Call); !Why.empty())
        return Why;
  return "";
}

static StringRef whyNotRoot(const Function &F) {
  if (F.hasFnAttribute(Attribute::AlwaysInline))
    return "is always inlined";
  if (F.hasAvailableExternallyLinkage())
    return "is defined elsewhere";
  return whyNotCloneable(F);
}

/// The functions themselves and what they call directly, and so on.
static SetVector<Function *> withCallees(ArrayRef<Function *> Roots) {
  SetVector<Function *> Found(Roots.begin(), Roots.end());
  for (unsigned Index = 0; Index < Found.size(); ++Index)
    for (Instruction &I : instructions(*Found[Index])) {
      auto *Call = dyn_cast<CallBase>(&I);
      Function *Callee = Call ? Call->getCalledFunction() : nullptr;
      // An interposable callee may be another one at run time.
      if (Callee && !Callee->isInterposable() &&
          whyNotCloneable(*Callee).empty())
        Found.insert(Callee);
    }
  return Found;
}

//===----------------------------------------------------------------------===//
// Cloning
//===----------------------------------------------------------------------===//

static Function &cloneAs(Function &F, const Twine &Name) {
  ValueToValueMapTy Values;
  Function *Clone = CloneFunction(&F, Values);
  Clone->setName(Name);
  Clone->setComdat(nullptr);
  Clone->setVisibility(GlobalValue::DefaultVisibility);
  Clone->setDLLStorageClass(GlobalValue::DefaultStorageClass);
  Clone->setLinkage(GlobalValue::InternalLinkage);
  return *Clone;
}

/// Only calls: a function's address is that of the original everywhere.
static void callEachOther(const Versions &Clones) {
  for (auto [Original, Clone] : Clones)
    for (Instruction &I : instructions(*Clone)) {
      auto *Call = dyn_cast<CallBase>(&I);
      Function *Callee = Call ? Call->getCalledFunction() : nullptr;
      if (Callee && Clones.contains(Callee))
        Call->setCalledFunction(Clones.find(Callee)->second);
    }
}

static Versions cloneFor(ArrayRef<Function *> Functions, const Level &Level) {
  std::string Suffix = "." + Level.CPU.str();
  std::replace(Suffix.begin(), Suffix.end(), '-', '_');
  Versions Clones;
  for (Function *F : Functions) {
    if (covers(*F, Level))
      continue;
    Function &Clone = cloneAs(*F, F->getName() + Suffix);
    compileFor(Clone, Level);
    Clones[F] = &Clone;
  }
  callEachOther(Clones);
  return Clones;
}

static void makeDispatcher(Function &F, GlobalVariable &LevelVariable,
                           ArrayRef<Function *> Choices) {
  auto Linkage = F.getLinkage();
  auto EntryCount = F.getEntryCount();
  F.deleteBody();
  F.setLinkage(Linkage);
  F.setSubprogram(nullptr);
  if (EntryCount)
    F.setEntryCount(*EntryCount);
  // It reads the level, whatever the function itself does.
  F.removeFnAttr(Attribute::Memory);
  fillDispatcher(F, LevelVariable, Choices);
}

static void dispatch(ArrayRef<Function *> Roots, ArrayRef<Versions> Levels,
                     GlobalVariable &LevelVariable) {
  Versions Defaults;
  for (Function *F : Roots)
    Defaults[F] = &cloneAs(*F, F->getName() + ".default");
  callEachOther(Defaults);
  for (Function *F : Roots) {
    SmallVector<Function *, 4> Choices = {Defaults[F]};
    for (const Versions &Clones : Levels)
      Choices.push_back(Clones.lookup(F));
    makeDispatcher(*F, LevelVariable, Choices);
  }
}

static StringRef whyNotRoot(const Function &F, ArrayRef<Level> Levels) {
  StringRef Why = whyNotRoot(F);
  if (Why.empty() && all_of(Levels, [&](auto &L) { return covers(F, L); }))
    return "is compiled for such a CPU already";
  return Why;
}

/// The functions to dispatch; the others go to \p Skipped with the reason.
static SetVector<Function *> findRoots(Module &M,
                                       const std::vector<std::string> &Names,
                                       ArrayRef<Level> Levels,
                                       std::vector<Skipped> &Skipped) {
  SetVector<Function *> Roots;
  for (const std::string &Name : Names) {
    Function *F = M.getFunction(Name);
    StringRef Why = F ? whyNotRoot(*F, Levels) : "does not exist";
    if (Why.empty())
      Roots.insert(F);
    else
      Skipped.push_back({Name, Why.str()});
  }
  return Roots;
}

static Expected<SmallVector<Level, 4>>
parseLevels(const std::vector<std::string> &CPUs) {
  SmallVector<Level, 4> Levels;
  for (const std::string &CPU : CPUs) {
    Expected<Level> Parsed = parseLevel(CPU);
    if (!Parsed)
      return Parsed.takeError();
    Levels.push_back(*Parsed);
  }
  return Levels;
}

Expected<std::vector<Skipped>>
multiversion(Module &M, const std::vector<std::string> &Functions,
             const std::vector<std::string> &CPUs) {
  Expected<SmallVector<Level, 4>> Levels = parseLevels(CPUs);
  if (!Levels)
    return Levels.takeError();
  std::vector<Skipped> Skipped;
  SetVector<Function *> Roots = findRoots(M, Functions, *Levels, Skipped);
  if (Roots.empty())
    return Skipped;
  for (Function &F : M)
    forbidFusing(F);
  SetVector<Function *> All = withCallees(Roots.getArrayRef());
  SmallVector<FeatureBit, 4> Bits;
  SmallVector<Versions, 4> Clones;
  for (const Level &Level : *Levels) {
    Bits.push_back(Level.Bit);
    Clones.push_back(cloneFor(All.getArrayRef(), Level));
  }
  dispatch(Roots.getArrayRef(), Clones, addLevelVariable(M, Bits));
  return Skipped;
}

Error checkCloneable(const Function &F, const std::vector<std::string> &CPUs) {
  Expected<SmallVector<Level, 4>> Levels = parseLevels(CPUs);
  if (!Levels)
    return Levels.takeError();
  StringRef Why = whyNotRoot(F, *Levels);
  return Why.empty() ? Error::success()
                     : createStringError("the function " + Why);
}

bool mayBeFused(const Module &M) {
  for (const Function &F : M)
    for (const Instruction &I : instructions(F))
      if (isa<FPMathOperator>(I) && I.hasAllowContract() &&
          !I.hasAllowReassoc())
        return true;
  return false;
}

} // namespace llmcoop
