//===- Hints.cpp - Hints to passes, for one function ----------------------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "shared/Hints.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/Function.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/LoopUtils.h"
#include <functional>

using namespace llvm;

namespace llmcoop {

/// A hint that is known to make sense, still to be carried out.
using Action = std::function<void()>;

static Error refuse(StringRef Name, StringRef Value) {
  return createStringError("no such hint: " + Name + " = " + Value);
}

static Expected<Action> inlining(Function &F, StringRef Value) {
  auto Kind = StringSwitch<Attribute::AttrKind>(Value)
                  .Case("always", Attribute::AlwaysInline)
                  .Case("never", Attribute::NoInline)
                  .Case("hint", Attribute::InlineHint)
                  .Default(Attribute::None);
  if (Kind == Attribute::None)
    return refuse("inline", Value);
  return [&F, Kind] {
    for (auto Other :
         {Attribute::AlwaysInline, Attribute::NoInline, Attribute::InlineHint})
      F.removeFnAttr(Other);
    F.addFnAttr(Kind);
  };
}

/// No action when \p Name is no attribute of a function.
static Expected<Action> attribute(Function &F, StringRef Name,
                                  StringRef Value) {
  if (Name == "inline")
    return inlining(F, Value);
  if (Name == "prefer-vector-width" || Name == "tune-cpu")
    return [&F, Name, Value] { F.addFnAttr(Name, Value); };
  auto Kind = StringSwitch<Attribute::AttrKind>(Name)
                  .Case("hot", Attribute::Hot)
                  .Case("cold", Attribute::Cold)
                  .Case("optsize", Attribute::OptimizeForSize)
                  .Default(Attribute::None);
  if (Kind == Attribute::None)
    return Action();
  if (Value == "true")
    return [&F, Kind] { F.addFnAttr(Kind); };
  return [&F, Kind] { F.removeFnAttr(Kind); };
}

namespace {
/// What a hint becomes: metadata of a loop, with or without a value.
struct LoopHint {
  std::string Metadata;
  Constant *Value = nullptr;
};
} // namespace

static Expected<LoopHint> loopHint(LLVMContext &Context, StringRef Name,
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
    return LoopHint{Metadata,
                    ConstantInt::get(Type::getInt32Ty(Context), Number)};
  if ((Name == "vectorize.enable" || Name == "distribute.enable") &&
      (Value == "true" || Value == "false"))
    return LoopHint{Metadata, ConstantInt::getBool(Type::getInt1Ty(Context),
                                                   Value == "true")};
  if (Name == "unroll" || Name == "unroll_and_jam")
    if (Value == "enable" || Value == "disable" || Value == "full")
      return LoopHint{Metadata + "." + Value.str()};
  return refuse(Name, Value);
}

static void attach(Loop &L, const LoopHint &Hint) {
  LLVMContext &Context = L.getHeader()->getContext();
  SmallVector<Metadata *, 4> Parts = {MDString::get(Context, Hint.Metadata)};
  if (Hint.Value)
    Parts.push_back(ConstantAsMetadata::get(Hint.Value));
  L.setLoopID(makePostTransformationMetadata(
      Context, L.getLoopID(), {Hint.Metadata}, {MDNode::get(Context, Parts)}));
}

static Expected<SmallVector<Loop *, 4>> loopsFor(LoopInfo &Loops,
                                                 StringRef Index) {
  SmallVector<Loop *, 4> All = Loops.getLoopsInPreorder();
  if (Index.empty()) {
    erase_if(All, [](Loop *L) { return !L->isInnermost(); });
    return All;
  }
  unsigned Number;
  if (Index.getAsInteger(10, Number) || Number >= All.size())
    return createStringError("there is no loop number " + Index);
  return SmallVector<Loop *, 4>{All[Number]};
}

static Expected<Action> resolve(Function &F, LoopInfo &Loops, StringRef Name,
                                StringRef Value) {
  Expected<Action> OfFunction = attribute(F, Name, Value);
  if (!OfFunction || *OfFunction)
    return OfFunction;
  auto [Kind, Index] = Name.split('@');
  Expected<LoopHint> Hint = loopHint(F.getContext(), Kind, Value);
  if (!Hint)
    return Hint.takeError();
  auto Chosen = loopsFor(Loops, Index);
  if (!Chosen)
    return Chosen.takeError();
  return [Hint = *Hint, Chosen = *Chosen] {
    for (Loop *L : Chosen)
      attach(*L, Hint);
  };
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

/// The option would change what the programmer's own pragmas mean.
static Error checkPragmas(const Module &M) {
  if (M.getNamedMetadata(NeedMark)) // What is there now, we put there.
    return Error::success();
  for (const Function &F : M)
    if (any_of(F, hasPragma))
      return createStringError("function '" + F.getName() +
                               "' has vectorization pragmas of its own");
  return Error::success();
}

bool needOption(const Hints &Hints) {
  return any_of(Hints, [](auto &Hint) { return isVectorizing(Hint.first); });
}

Expected<std::vector<std::string>> setHints(Function &F, const Hints &Hints) {
  Module &M = *F.getParent();
  bool NeedsOption = needOption(Hints);
  if (NeedsOption)
    if (Error Refusal = checkPragmas(M))
      return std::move(Refusal);
  DominatorTree Tree(F);
  LoopInfo Loops(Tree);
  SmallVector<Action> Actions;
  for (const auto &[Name, Value] : Hints) {
    Expected<Action> Resolved = resolve(F, Loops, Name, Value);
    if (!Resolved)
      return Resolved.takeError();
    Actions.push_back(*Resolved);
  }
  for (const Action &Perform : Actions)
    Perform();
  if (!NeedsOption)
    return std::vector<std::string>();
  M.getOrInsertNamedMetadata(NeedMark);
  return std::vector<std::string>{KeepFPOrder};
}

} // namespace llmcoop
