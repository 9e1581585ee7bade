//===- Dispatcher.cpp - Chooses the version of a function at run time -----===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "shared/Dispatcher.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace llvm;

namespace llmcoop {

/// Before constructors of the program, which have 65535 unless told otherwise.
static constexpr int Priority = 101;

static GlobalVariable &featureWords(Module &M) {
  auto *Type = ArrayType::get(Type::getInt32Ty(M.getContext()), 3);
  auto *Words =
      cast<GlobalVariable>(M.getOrInsertGlobal("__cpu_features2", Type));
  Words->setDSOLocal(true);
  return *Words;
}

static Value *isSupported(IRBuilder<> &Builder, GlobalVariable &Words,
                          FeatureBit Level) {
  Type *Word = Builder.getInt32Ty();
  Value *Address = Builder.CreateConstInBoundsGEP2_32(Words.getValueType(),
                                                      &Words, 0, Level.Word);
  Value *Bits = Builder.CreateLoad(Word, Address);
  return Builder.CreateIsNotNull(
      Builder.CreateAnd(Bits, Builder.getInt32(1u << Level.Bit)));
}

static void fillConstructor(Function &Constructor, GlobalVariable &Variable,
                            ArrayRef<FeatureBit> Levels) {
  Module &M = *Constructor.getParent();
  IRBuilder<> Builder(BasicBlock::Create(M.getContext(), "", &Constructor));
  FunctionCallee Detect =
      M.getOrInsertFunction("__cpu_indicator_init", Builder.getVoidTy());
  cast<Function>(Detect.getCallee())->setDSOLocal(true);
  Builder.CreateCall(Detect);
  GlobalVariable &Words = featureWords(M);
  Value *Best = Builder.getInt32(0);
  for (auto [Index, Level] : enumerate(Levels))
    Best = Builder.CreateSelect(isSupported(Builder, Words, Level),
                                Builder.getInt32(Index + 1), Best);
  Builder.CreateStore(Best, &Variable);
  Builder.CreateRetVoid();
}

GlobalVariable &addLevelVariable(Module &M, ArrayRef<FeatureBit> Levels) {
  LLVMContext &Context = M.getContext();
  auto *Word = Type::getInt32Ty(Context);
  auto *Variable = new GlobalVariable(
      M, Word, /*isConstant=*/false, GlobalValue::InternalLinkage,
      ConstantInt::get(Word, 0), "llmcoop.cpu.level");
  auto *Constructor = Function::createWithDefaultAttr(
      FunctionType::get(Type::getVoidTy(Context), /*isVarArg=*/false),
      GlobalValue::InternalLinkage, /*AddrSpace=*/0, "llmcoop.detect.cpu", &M);
  Constructor->addFnAttr(Attribute::NoUnwind);
  fillConstructor(*Constructor, *Variable, Levels);
  appendToGlobalCtors(M, Constructor, Priority);
  return *Variable;
}

static bool hasByVal(const Function &F) {
  return any_of(F.args(), [](auto &Parameter) {
    return Parameter.hasByValAttr() || Parameter.hasInAllocaAttr();
  });
}

static void callAndReturn(Function &F, Function &Version, BasicBlock &Block) {
  IRBuilder<> Builder(&Block);
  SmallVector<Value *, 8> Arguments;
  for (Argument &Parameter : F.args())
    Arguments.push_back(&Parameter);
  CallInst *Call = Builder.CreateCall(&Version, Arguments);
  Call->setCallingConv(F.getCallingConv());
  // Like those of the function: extension, alignment, struct return, ...
  AttributeList Attributes = F.getAttributes();
  Call->setAttributes(Attributes.removeFnAttributes(F.getContext()));
  if (F.isVarArg()) // The only call that forwards `...`.
    Call->setTailCallKind(CallInst::TCK_MustTail);
  else if (!hasByVal(F))
    Call->setTailCallKind(CallInst::TCK_Tail);
  if (F.getReturnType()->isVoidTy())
    Builder.CreateRetVoid();
  else
    Builder.CreateRet(Call);
}

void fillDispatcher(Function &F, GlobalVariable &Level,
                    ArrayRef<Function *> Versions) {
  LLVMContext &Context = F.getContext();
  auto *Block = BasicBlock::Create(Context, "", &F);
  IRBuilder<> Builder(Block);
  Value *Best = Builder.CreateLoad(Level.getValueType(), &Level);
  for (unsigned Number = Versions.size() - 1; Number > 0; --Number) {
    if (!Versions[Number])
      continue;
    auto *Found = BasicBlock::Create(Context, "", &F);
    auto *Next = BasicBlock::Create(Context, "", &F);
    Builder.SetInsertPoint(Block);
    Builder.CreateCondBr(Builder.CreateICmpUGE(Best, Builder.getInt32(Number)),
                         Found, Next);
    callAndReturn(F, *Versions[Number], *Found);
    Block = Next;
  }
  callAndReturn(F, *Versions[0], *Block);
}

} // namespace llmcoop
