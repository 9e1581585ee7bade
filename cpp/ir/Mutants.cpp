//===- Mutants.cpp - A program that holds its own mutants -----------------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Mutants.h"
#include "Mutations.h"
#include "Settings.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace llmcoop {

static constexpr const char *ActiveName = "llmcoop_mutant";
static constexpr const char *ReachedName = "llmcoop_reached";

//===----------------------------------------------------------------------===//
// Choosing
//===----------------------------------------------------------------------===//

/// How many each group may have, so that there are \p Limit in all.
static size_t fairShare(ArrayRef<size_t> Sizes, size_t Limit) {
  size_t Share = 0;
  auto Total = [&](size_t Each) {
    size_t Sum = 0;
    for (size_t Size : Sizes)
      Sum += std::min(Size, Each);
    return Sum;
  };
  size_t All = Total(SIZE_MAX);
  while (Total(Share) < std::min(Limit, All) && Total(Share + 1) <= Limit)
    ++Share;
  return Share;
}

/// Keeps \p Limit of the mutations at most: an equal number of each group, at
/// even distances, and one more of the first groups as far as there is room.
static std::vector<Mutation> choose(std::vector<Mutation> All, size_t Limit) {
  MapVector<std::pair<Function *, StringRef>, std::vector<size_t>> Groups;
  for (auto [Index, Mutation] : enumerate(All))
    Groups[{Mutation.Place->getFunction(), Mutation.Operator}].push_back(Index);
  SmallVector<size_t, 64> Sizes;
  for (auto &Group : Groups)
    Sizes.push_back(Group.second.size());
  size_t Share = fairShare(Sizes, Limit);
  size_t Room = Limit;
  for (size_t Size : Sizes)
    Room -= std::min(Size, Share);
  std::vector<bool> Chosen(All.size());
  for (auto &[Key, Members] : Groups) {
    size_t Count = std::min(Members.size(), Share);
    if (Room && Members.size() > Count)
      ++Count, --Room;
    for (size_t Index = 0; Index < Count; ++Index)
      Chosen[Members[Index * Members.size() / Count]] = true;
  }
  std::vector<Mutation> Result;
  for (auto [Index, Mutation] : enumerate(All))
    if (Chosen[Index])
      Result.push_back(std::move(Mutation));
  return Result;
}

//===----------------------------------------------------------------------===//
// Weaving
//===----------------------------------------------------------------------===//

namespace {
/// Puts the mutants of one function into it.
class Weaver {
public:
  explicit Weaver(Function &F);

  /// Notes when control gets to mutants \p First to \p First + \p Count - 1.
  void report(Instruction &Place, unsigned First, unsigned Count);
  /// All mutations are of the same place; their numbers begin with \p First.
  void weave(ArrayRef<Mutation> Mutations, unsigned First);

private:
  Instruction *load(Type *Type, StringRef Name);
  BasicBlock *addMutant(const Mutation &Mutation, BasicBlock &Original,
                        BasicBlock *Tail, PHINode *Result);

  Function &F;
  IRBuilder<> Entry;
  Value *Active, *Reached;
};
} // namespace

Weaver::Weaver(Function &F)
    : F(F), Entry(&*F.getEntryBlock().getFirstNonPHIOrDbgOrAlloca()),
      Active(load(Entry.getInt32Ty(), ActiveName)),
      Reached(load(Entry.getPtrTy(), ReachedName)) {}

/// Loads a variable of the runtime, which changes only before `main` begins.
Instruction *Weaver::load(Type *Type, StringRef Name) {
  Constant *Variable = F.getParent()->getOrInsertGlobal(Name, Type);
  LoadInst *Load = Entry.CreateLoad(Type, Variable);
  Load->setMetadata(LLVMContext::MD_invariant_load,
                    MDNode::get(F.getContext(), {}));
  Load->setDebugLoc({});
  return Load;
}

void Weaver::report(Instruction &Place, unsigned First, unsigned Count) {
  IRBuilder<> Builder(&Place);
  Value *Bytes =
      Builder.CreateConstGEP1_32(Builder.getInt8Ty(), Reached, First);
  Value *Ones = ConstantVector::getSplat(ElementCount::getFixed(Count),
                                         Builder.getInt8(1));
  Builder.CreateAlignedStore(Ones, Bytes, Align(1));
}

BasicBlock *Weaver::addMutant(const Mutation &Mutation, BasicBlock &Original,
                              BasicBlock *Tail, PHINode *Result) {
  auto *Block = BasicBlock::Create(F.getContext(), "mutant", &F, Tail);
  IRBuilder<> Builder(Block);
  Instruction *Copy = Mutation.Place->clone();
  Builder.Insert(Copy);
  if (Tail)
    Builder.CreateBr(Tail);
  Value *Instead = Mutation.Apply(*Copy);
  if (Result)
    Result->addIncoming(Instead, Block);
  if (!Tail)
    for (BasicBlock *Successor : successors(Block))
      for (PHINode &Phi : Successor->phis())
        Phi.addIncoming(Phi.getIncomingValueForBlock(&Original), Block);
  return Block;
}

void Weaver::weave(ArrayRef<Mutation> Mutations, unsigned First) {
  Instruction &Place = *Mutations.front().Place;
  BasicBlock *Head = Place.getParent();
  BasicBlock *Original = Head->splitBasicBlock(&Place, "original");
  BasicBlock *Tail = nullptr;
  PHINode *Result = nullptr;
  if (!Place.isTerminator())
    Tail = Original->splitBasicBlock(Place.getNextNode(), "after");
  if (!Place.getType()->isVoidTy()) {
    Result = PHINode::Create(Place.getType(), Mutations.size() + 1, "",
                             Tail->begin());
    Place.replaceAllUsesWith(Result);
    Result->addIncoming(&Place, Original);
  }
  IRBuilder<> Builder(Head->getTerminator());
  Value *Offset = Builder.CreateSub(Active, Builder.getInt32(First));
  Value *Here =
      Builder.CreateICmpULT(Offset, Builder.getInt32(Mutations.size()));
  auto *Chooser = BasicBlock::Create(F.getContext(), "mutants", &F, Tail);
  Builder.CreateCondBr(Here, Chooser, Original,
                       MDBuilder(F.getContext()).createUnlikelyBranchWeights());
  Head->getTerminator()->eraseFromParent();
  SmallVector<BasicBlock *, 8> Blocks;
  for (const Mutation &Mutation : Mutations)
    Blocks.push_back(addMutant(Mutation, *Original, Tail, Result));
  Builder.SetInsertPoint(Chooser);
  SwitchInst *Choice = Builder.CreateSwitch(Active, Blocks[0], Blocks.size());
  for (auto [Index, Block] : enumerate(drop_begin(Blocks)))
    Choice->addCase(Builder.getInt32(First + 1 + Index), Block);
}

//===----------------------------------------------------------------------===//
// The whole module
//===----------------------------------------------------------------------===//

/// How many of the mutations, from the first, are alike in \p Key.
template <typename KeyOf>
static size_t countAlike(ArrayRef<Mutation> Mutations, KeyOf Key) {
  return find_if(Mutations,
                 [&](const Mutation &Each) {
                   return Key(Each) != Key(Mutations.front());
                 }) -
         Mutations.begin();
}

static void weaveFunction(ArrayRef<Mutation> Mutations, unsigned First) {
  Weaver Weaver(*Mutations.front().Place->getFunction());
  auto PlaceOf = [](const Mutation &Each) { return Each.Place; };
  auto BlockOf = [](const Mutation &Each) { return Each.Place->getParent(); };
  // Weaving splits blocks, so what is in one block is reported before that.
  for (ArrayRef<Mutation> Left = Mutations; !Left.empty();) {
    size_t Count = countAlike(Left, BlockOf);
    Weaver.report(*Left.front().Place,
                  First + (Left.begin() - Mutations.begin()), Count);
    Left = Left.drop_front(Count);
  }
  for (ArrayRef<Mutation> Left = Mutations; !Left.empty();) {
    size_t Count = countAlike(Left, PlaceOf);
    Weaver.weave(Left.take_front(Count),
                 First + (Left.begin() - Mutations.begin()));
    Left = Left.drop_front(Count);
  }
}

static bool isOwned(const Function &F) {
  return !F.isDeclaration() && !F.hasAvailableExternallyLinkage() &&
         !F.hasFnAttribute(Attribute::Naked) && !F.hasOptNone();
}

static Mutant describe(const Mutation &Mutation, unsigned Number) {
  const DebugLoc &Location = Mutation.Place->getDebugLoc();
  return {Number, Mutation.Operator,
          Mutation.Place->getFunction()->getName().str(),
          Location ? Location.getLine() : 0, Mutation.Description};
}

std::vector<Mutant> addMutants(Module &M, unsigned Limit) {
  if (M.getNamedValue(ActiveName) || M.getNamedValue(ReachedName))
    throw IRError("the module has mutants already");
  std::vector<Mutation> All;
  for (Function &F : M)
    if (isOwned(F))
      append_range(All, findMutations(F));
  All = choose(std::move(All), Limit);
  std::vector<Mutant> Mutants;
  for (const Mutation &Mutation : All)
    Mutants.push_back(describe(Mutation, Mutants.size() + 1));
  auto FunctionOf = [](const Mutation &M) { return M.Place->getFunction(); };
  for (ArrayRef<Mutation> Left = All; !Left.empty();) {
    size_t Count = countAlike(Left, FunctionOf);
    weaveFunction(Left.take_front(Count), 1 + All.size() - Left.size());
    Left = Left.drop_front(Count);
  }
  return Mutants;
}

static void eraseWithUsers(Instruction &I) {
  for (User *User : make_early_inc_range(I.users()))
    eraseWithUsers(*cast<Instruction>(User));
  I.eraseFromParent();
}

void fixMutant(Module &M, unsigned Number) {
  GlobalVariable *Active = M.getGlobalVariable(ActiveName);
  GlobalVariable *Reached = M.getGlobalVariable(ReachedName);
  if (!Active || !Reached)
    throw IRError("the module has no mutants");
  for (User *User : make_early_inc_range(Active->users())) {
    auto *Load = cast<LoadInst>(User);
    Load->replaceAllUsesWith(ConstantInt::get(Load->getType(), Number));
    Load->eraseFromParent();
  }
  for (User *User : make_early_inc_range(Reached->users()))
    eraseWithUsers(*cast<Instruction>(User));
  Active->eraseFromParent();
  Reached->eraseFromParent();
  StripDebugInfo(M);
}

} // namespace llmcoop
