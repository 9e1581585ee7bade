//===- Hints.cpp - Hints to passes, for one function ----------------------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Hints.h"
#include "Settings.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/Function.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/LoopUtils.h"

using namespace llvm;

namespace llmcoop {

namespace {
/// What a hint becomes: metadata of a loop, with or without a value.
struct LoopHint {
  std::string Metadata;
  Constant *Value = nullptr;
};
} // namespace

[[noreturn]] static void refuse(StringRef Name, StringRef Value) {
  throw IRError(("no such hint: " + Name + " = " + Value).str());
}

static void setInlining(Function &F, StringRef Value) {
  for (auto Kind :
       {Attribute::AlwaysInline, Attribute::NoInline, Attribute::InlineHint})
    F.removeFnAttr(Kind);
  if (Value == "always")
    F.addFnAttr(Attribute::AlwaysInline);
  else if (Value == "never")
    F.addFnAttr(Attribute::NoInline);
  else if (Value == "hint")
    F.addFnAttr(Attribute::InlineHint);
  else
    refuse("inline", Value);
}

/// True when \p Name is an attribute of the function and has been set.
static bool setAttribute(Function &F, StringRef Name, StringRef Value) {
  if (Name == "inline") {
    setInlining(F, Value);
    return true;
  }
  if (Name == "prefer-vector-width" || Name == "tune-cpu") {
    F.addFnAttr(Name, Value);
    return true;
  }
  auto Kind = StringSwitch<Attribute::AttrKind>(Name)
                  .Case("hot", Attribute::Hot)
                  .Case("cold", Attribute::Cold)
                  .Case("optsize", Attribute::OptimizeForSize)
                  .Default(Attribute::None);
  if (Kind == Attribute::None)
    return false;
  if (Value == "true")
    F.addFnAttr(Kind);
  else
    F.removeFnAttr(Kind);
  return true;
}

static LoopHint loopHint(LLVMContext &Context, StringRef Name,
                         StringRef Value) {
  std::string Metadata = ("llvm.loop." + Name).str();
  unsigned Number;
  bool IsNumber = !Value.getAsInteger(10, Number);
  bool Counted = StringSwitch<bool>(Name)
                     .Cases({"unroll.count", "vectorize.width",
                             "interleave.count", "unroll_and_jam.count"},
                            true)
                     .Default(false);
  if (Counted && IsNumber && Number)
    return {Metadata, ConstantInt::get(Type::getInt32Ty(Context), Number)};
  if ((Name == "vectorize.enable" || Name == "distribute.enable") &&
      (Value == "true" || Value == "false"))
    return {Metadata,
            ConstantInt::getBool(Type::getInt1Ty(Context), Value == "true")};
  if (Name == "unroll" || Name == "unroll_and_jam")
    if (Value == "enable" || Value == "disable" || Value == "full")
      return {Metadata + "." + Value.str()};
  refuse(Name, Value);
}

static void attach(Loop &L, const LoopHint &Hint) {
  LLVMContext &Context = L.getHeader()->getContext();
  SmallVector<Metadata *, 4> Parts = {MDString::get(Context, Hint.Metadata)};
  if (Hint.Value)
    Parts.push_back(ConstantAsMetadata::get(Hint.Value));
  L.setLoopID(makePostTransformationMetadata(
      Context, L.getLoopID(), {Hint.Metadata}, {MDNode::get(Context, Parts)}));
}

static SmallVector<Loop *, 4> loopsFor(LoopInfo &Loops, StringRef Index) {
  SmallVector<Loop *, 4> All = Loops.getLoopsInPreorder();
  if (Index.empty()) {
    erase_if(All, [](Loop *L) { return !L->isInnermost(); });
    return All;
  }
  unsigned Number;
  if (Index.getAsInteger(10, Number) || Number >= All.size())
    throw IRError(("there is no loop number " + Index).str());
  return {All[Number]};
}

static bool isVectorizing(StringRef Name) {
  return Name.starts_with("vectorize.") || Name.starts_with("interleave.");
}

static bool hasVectorizeMetadata(const MDNode *Loop) {
  return any_of(Loop->operands(), [](const Metadata *Operand) {
    auto *Property = dyn_cast_or_null<MDNode>(Operand);
    auto *Name = Property && Property->getNumOperands()
                     ? dyn_cast<MDString>(Property->getOperand(0))
                     : nullptr;
    return Name && Name->getString().starts_with("llvm.loop.vectorize.");
  });
}

static bool hasPragma(const BasicBlock &Block) {
  const MDNode *Loop = Block.getTerminator()->getMetadata(LLVMContext::MD_loop);
  return Loop && hasVectorizeMetadata(Loop);
}

static constexpr const char *KeepFPOrder = "-hints-allow-reordering=false";
static constexpr const char *OwnHints = "llmcoop.vectorization.hints";

/// The option would change what the programmer's own pragmas mean.
static void keepFPOrder(Module &M) {
  if (M.getNamedMetadata(OwnHints)) // What is there now, we put there.
    return;
  for (const Function &F : M)
    if (any_of(F, hasPragma))
      throw IRError("function '" + F.getName().str() +
                    "' has vectorization pragmas of its own");
  M.getOrInsertNamedMetadata(OwnHints);
}

std::vector<std::string> setHints(Function &F, const Hints &Hints) {
  std::vector<std::string> Options;
  if (any_of(Hints, [](auto &Hint) { return isVectorizing(Hint.first); })) {
    keepFPOrder(*F.getParent());
    Options.push_back(KeepFPOrder);
  }
  DominatorTree Tree(F);
  LoopInfo Loops(Tree);
  for (const auto &[Name, Value] : Hints) {
    if (setAttribute(F, Name, Value))
      continue;
    auto [Kind, Index] = StringRef(Name).split('@');
    LoopHint Hint = loopHint(F.getContext(), Kind, Value);
    for (Loop *L : loopsFor(Loops, Index))
      attach(*L, Hint);
  }
  return Options;
}

} // namespace llmcoop
