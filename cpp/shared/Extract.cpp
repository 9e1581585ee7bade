//===- Extract.cpp - How a function looks in a module of its own ----------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "shared/Extract.h"
#include "shared/DebugLocations.h"
#include "shared/Gate.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Transforms/Utils/Cloning.h"
#include "llvm/Transforms/Utils/ValueMapper.h"

using namespace llvm;

namespace llmcoop {

/// Small constant tables travel with their values: unrolling folds loads from
/// them. Large ones would only make the text long.
static constexpr uint64_t MaxConstantBytes = 4096;

static constexpr StringRef UnnamedPrefix = "llmcoop.unnamed.";

GlobalValue::LinkageTypes extractedLinkage(GlobalValue::LinkageTypes Linkage) {
  if (GlobalValue::isLocalLinkage(Linkage))
    return GlobalValue::ExternalLinkage;
  if (Linkage == GlobalValue::LinkOnceAnyLinkage)
    return GlobalValue::WeakAnyLinkage;
  if (Linkage == GlobalValue::LinkOnceODRLinkage)
    return GlobalValue::WeakODRLinkage;
  return Linkage;
}

std::string extractedName(const GlobalValue &G) {
  if (G.hasName())
    return G.getName().str();
  unsigned Index = 0;
  for (const GlobalValue &Other : G.getParent()->global_values()) {
    if (&Other == &G)
      break;
    Index += !Other.hasName();
  }
  return (UnnamedPrefix + Twine(Index)).str();
}

GlobalValue *findExtracted(Module &M, StringRef Name) {
  if (GlobalValue *Named = M.getNamedValue(Name))
    return Named;
  unsigned Index;
  if (!Name.consume_front(UnnamedPrefix) || Name.getAsInteger(10, Index))
    return nullptr;
  for (GlobalValue &G : M.global_values())
    if (!G.hasName() && Index-- == 0)
      return &G;
  return nullptr;
}

std::string whyNotEligible(const Function &F) {
  if (F.isDeclaration())
    return "it is a declaration";
  if (!F.hasName())
    return "it has no name";
  if (F.hasAvailableExternallyLinkage())
    return "its definition is in another module";
  if (F.hasFnAttribute(Attribute::Naked))
    return "it is naked";
  if (F.hasFnAttribute(Attribute::OptimizeNone))
    return "it must not be optimized (optnone)";
  if (F.isPresplitCoroutine())
    return "it is a coroutine that is not split yet";
  for (const BasicBlock &Block : F) {
    if (Block.hasAddressTaken())
      return "the address of one of its blocks is taken";
    for (const Instruction &I : Block)
      if (const auto *Call = dyn_cast<IntrinsicInst>(&I))
        if (Call->getIntrinsicID() == Intrinsic::localescape)
          return "other functions use its stack frame (llvm.localescape)";
  }
  return "";
}

namespace {

/// Declares in another module whatever the extracted function refers to.
class Declarer final : public ValueMaterializer {
public:
  Declarer(Module &Target, ValueToValueMapTy &Values)
      : Target(Target), Values(Values) {}

  Value *materialize(Value *V) override;

  /// Copies the values of small constants, and declares what these refer to.
  void copyConstants();

private:
  Function *declareFunction(const GlobalValue &Source);
  GlobalVariable *declareVariable(const GlobalValue &Source);

  Module &Target;
  ValueToValueMapTy &Values;
  SmallVector<std::pair<const GlobalVariable *, GlobalVariable *>> Constants;
};

} // namespace

static GlobalValue::LinkageTypes declaredLinkage(const GlobalValue &Source) {
  return Source.hasExternalWeakLinkage() ? GlobalValue::ExternalWeakLinkage
                                         : GlobalValue::ExternalLinkage;
}

static void declareLike(GlobalValue &Copy, const GlobalValue &Source) {
  Copy.setVisibility(Source.getVisibility());
  Copy.setUnnamedAddr(Source.getUnnamedAddr());
  Copy.setDSOLocal(Source.isDSOLocal());
}

Value *Declarer::materialize(Value *V) {
  const auto *Source = dyn_cast<GlobalValue>(V);
  if (!Source)
    return nullptr;
  if (Source->getValueType()->isFunctionTy())
    return declareFunction(*Source);
  return declareVariable(*Source);
}

Function *Declarer::declareFunction(const GlobalValue &Source) {
  auto *Copy = Function::Create(
      cast<FunctionType>(Source.getValueType()), declaredLinkage(Source),
      Source.getAddressSpace(), extractedName(Source), &Target);
  declareLike(*Copy, Source);
  if (const auto *Called = dyn_cast<Function>(&Source)) {
    Copy->setCallingConv(Called->getCallingConv());
    Copy->setAttributes(Called->getAttributes());
  }
  return Copy;
}

GlobalVariable *Declarer::declareVariable(const GlobalValue &Source) {
  const auto *Variable = dyn_cast<GlobalVariable>(&Source);
  auto *Copy = new GlobalVariable(
      Target, Source.getValueType(), Variable && Variable->isConstant(),
      declaredLinkage(Source), /*Initializer=*/nullptr, extractedName(Source),
      /*InsertBefore=*/nullptr, Source.getThreadLocalMode(),
      Source.getAddressSpace());
  declareLike(*Copy, Source);
  if (!Variable)
    return Copy;
  Copy->setAlignment(Variable->getAlign());
  if (Variable->isConstant() && Variable->hasDefinitiveInitializer() &&
      Target.getDataLayout().getTypeAllocSize(Variable->getValueType()) <=
          MaxConstantBytes)
    Constants.emplace_back(Variable, Copy);
  return Copy;
}

void Declarer::copyConstants() {
  while (!Constants.empty()) {
    auto [Source, Copy] = Constants.pop_back_val();
    Copy->setInitializer(MapValue(Source->getInitializer(), Values, RF_None,
                                  /*TypeMapper=*/nullptr, this));
    Copy->setLinkage(GlobalValue::AvailableExternallyLinkage);
  }
}

/// The flags that code generation looks at; the others may refer to anything.
static void copyIntegerFlags(const Module &Source, Module &Target) {
  SmallVector<Module::ModuleFlagEntry> Flags;
  Source.getModuleFlagsMetadata(Flags);
  for (const Module::ModuleFlagEntry &Flag : Flags)
    if (mdconst::hasa<ConstantInt>(Flag.Val))
      Target.addModuleFlag(Flag.Behavior, Flag.Key->getString(), Flag.Val);
}

static void cloneInto(Module &Target, const Function &F) {
  ValueToValueMapTy Values;
  auto *Copy =
      Function::Create(F.getFunctionType(), extractedLinkage(F.getLinkage()),
                       F.getAddressSpace(), F.getName(), &Target);
  Values[&F] = Copy;
  for (auto [Old, New] : zip(F.args(), Copy->args())) {
    New.setName(Old.getName());
    Values[&Old] = &New;
  }

  Declarer Declare(Target, Values);
  MetadataPredicate IsDebugInfo = [](const Metadata *MD) {
    return isa<DINode, DILocation, DIAssignID>(MD);
  };
  SmallVector<ReturnInst *> Returns;
  CloneFunctionAttributesInto(Copy, &F, Values, /*ModuleLevelChanges=*/true,
                              /*TypeMapper=*/nullptr, &Declare);
  CloneFunctionBodyInto(
      *Copy, F, Values, RF_DoNotRemapAtoms, Returns, /*NameSuffix=*/"",
      /*CodeInfo=*/nullptr, /*TypeMapper=*/nullptr, &Declare, &IsDebugInfo);
  Declare.copyConstants();
  Copy->setMetadata(LLVMContext::MD_prof, F.getMetadata(LLVMContext::MD_prof));
  if (const Comdat *Group = F.getComdat()) {
    Comdat *NewGroup = Target.getOrInsertComdat(Group->getName());
    NewGroup->setSelectionKind(Group->getSelectionKind());
    Copy->setComdat(NewGroup);
  }
}

std::unique_ptr<Module> extractModule(const Function &F) {
  const Module &Source = *F.getParent();
  auto Target =
      std::make_unique<Module>(Source.getModuleIdentifier(), F.getContext());
  Target->setSourceFileName(Source.getSourceFileName());
  Target->setTargetTriple(Source.getTargetTriple());
  Target->setDataLayout(Source.getDataLayout());
  copyIntegerFlags(Source, *Target);
  cloneInto(*Target, F);
  return Target;
}

std::string extractFunction(const Function &F) {
  std::unique_ptr<Module> Target = extractModule(F);
  DebugLocations(F).abbreviate(*Target->getFunction(F.getName()));
  std::string Text;
  raw_string_ostream Stream(Text);
  Target->print(Stream, /*AAW=*/nullptr);
  return Text;
}

} // namespace llmcoop
