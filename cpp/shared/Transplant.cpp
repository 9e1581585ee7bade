//===- Transplant.cpp - Move a function's body into another module --------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "shared/Transplant.h"
#include "shared/DebugLocations.h"
#include "shared/Extract.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/DerivedTypes.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace llmcoop {

/// Names of a text's types start with this while they share a context with the
/// module's types, for a context renames a type whose name is taken.
static constexpr StringRef TypePrefix = "llmcoop.text.";

Type *TextTypes::remapType(Type *T) {
  if (Type *Mapped = Known.lookup(T))
    return Mapped;
  Type *Mapped = rebuild(T);
  Known[T] = Mapped;
  return Mapped;
}

Type *TextTypes::rebuild(Type *T) {
  if (auto *Struct = dyn_cast<StructType>(T))
    return rebuildStruct(Struct);
  if (auto *Array = dyn_cast<ArrayType>(T))
    return ArrayType::get(remapType(Array->getElementType()),
                          Array->getNumElements());
  if (auto *Signature = dyn_cast<FunctionType>(T)) {
    SmallVector<Type *> Parameters;
    for (Type *Parameter : Signature->params())
      Parameters.push_back(remapType(Parameter));
    return FunctionType::get(remapType(Signature->getReturnType()), Parameters,
                             Signature->isVarArg());
  }
  return T;
}

Type *TextTypes::rebuildStruct(StructType *T) {
  SmallVector<Type *> Elements;
  for (Type *Element : T->elements())
    Elements.push_back(remapType(Element));
  if (T->isLiteral())
    return StructType::get(T->getContext(), Elements, T->isPacked());

  StringRef Name = T->hasName() ? T->getName() : "";
  if (!Name.consume_front(TypePrefix))
    return T;
  StructType *Existing = StructType::getTypeByName(T->getContext(), Name);
  if (Existing && Existing->isOpaque() == T->isOpaque() &&
      Existing->isPacked() == T->isPacked() &&
      Existing->elements() == ArrayRef<Type *>(Elements))
    return Existing;
  return T->isOpaque() ? StructType::create(T->getContext(), Name)
                       : StructType::create(T->getContext(), Elements, Name,
                                            T->isPacked());
}

std::unique_ptr<Module> copyInto(LLVMContext &Context, const Module &M) {
  SmallVector<char, 0> Bitcode;
  // Without a symbol table, which is for linkers and takes longer than the
  // rest.
  BitcodeWriter Writer(Bitcode);
  Writer.writeModule(M);
  Writer.writeStrtab();
  return cantFail(
      parseBitcodeFile(MemoryBufferRef(toStringRef(Bitcode), "copy"), Context),
      "bitcode that was just written can be read");
}

static std::unique_ptr<Module> moveToContext(Module &Text,
                                             LLVMContext &Context) {
  for (StructType *Struct : Text.getIdentifiedStructTypes())
    if (Struct->hasName())
      Struct->setName((TypePrefix + Struct->getName()).str());
  return copyInto(Context, Text);
}

Transplant::Transplant(Function &Old, Module &Text)
    : Old(Old), Host(*Old.getParent()),
      Text(moveToContext(Text, Old.getContext())),
      New(this->Text->getFunction(Old.getName())) {
  std::vector<StructType *> Structs = this->Text->getIdentifiedStructTypes();
  for (StructType *Struct : Structs)
    Types.remapType(Struct);
  // The context outlives the text, and the next text has types of these names.
  for (StructType *Struct : Structs)
    Struct->setName("");
}

Transplant::~Transplant() {
  if (Committed)
    return;
  if (Aside) {
    New->splice(New->end(), &Old);
    Old.splice(Old.end(), Aside);
    Aside->eraseFromParent();
  }
  // What was added is referred to by the text's body only.
  Text.reset();
  for (GlobalValue *G : Added)
    G->dropAllReferences();
  for (GlobalValue *G : Added)
    G->eraseFromParent();
}

void Transplant::commit() {
  Aside->eraseFromParent();
  Committed = true;
}

Error Transplant::perform() {
  if (Types.remapType(New->getFunctionType()) != Old.getFunctionType())
    return createStringError("changes the type of the function");
  if (Error Failure = mapGlobals())
    return Failure;
  RemapFunction(*New, Values,
                RF_IgnoreMissingLocals | RF_ReuseAndMutateDistinctMDs, &Types);
  DebugLocations(Old).restore(*New);

  Aside = Function::Create(Old.getFunctionType(), GlobalValue::PrivateLinkage,
                           "", Host);
  Aside->splice(Aside->end(), &Old);
  Old.splice(Old.end(), New);
  for (auto [OldArgument, NewArgument] : zip(Old.args(), New->args()))
    NewArgument.replaceAllUsesWith(&OldArgument);

  std::string Complaint;
  raw_string_ostream Stream(Complaint);
  if (verifyFunction(Old, &Stream))
    return createStringError("fails the verifier in its module: " +
                             StringRef(Complaint).split('\n').first);
  return Error::success();
}

Error Transplant::mapGlobals() {
  Values[New] = &Old;
  SmallVector<GlobalVariable *> OwnConstants, KnownConstants;
  for (GlobalValue &G : Text->global_values()) {
    if (&G == New || (G.use_empty() && !G.isUsedByMetadata()))
      continue;
    Expected<GlobalValue *> Mapped = counterpart(G);
    if (!Mapped)
      return Mapped.takeError();
    Values[&G] = *Mapped;
    if (G.hasLocalLinkage())
      OwnConstants.push_back(cast<GlobalVariable>(&G));
    else if (G.hasAvailableExternallyLinkage() && isa<GlobalVariable>(G))
      KnownConstants.push_back(cast<GlobalVariable>(&G));
  }
  for (GlobalVariable *G : OwnConstants)
    cast<GlobalVariable>(Values[G])->setInitializer(
        MapValue(G->getInitializer(), Values, RF_None, &Types));
  for (GlobalVariable *G : KnownConstants)
    if (!hasSameValue(*G))
      return createStringError("gives @" + G->getName() + " another value");
  return Error::success();
}

/// What was proved or tested with the text's value must hold with the module's.
bool Transplant::hasSameValue(const GlobalVariable &G) {
  const auto *Existing = dyn_cast<GlobalVariable>(Values[&G]);
  return Existing && Existing->hasDefinitiveInitializer() &&
         Existing->getInitializer() ==
             MapValue(G.getInitializer(), Values, RF_None, &Types);
}

/// Whether code that was written for \p Declared may refer to \p Existing.
static bool agree(const GlobalValue &Declared, Type *DeclaredType,
                  const GlobalValue &Existing) {
  if (DeclaredType != Existing.getValueType() ||
      Declared.isThreadLocal() != Existing.isThreadLocal())
    return false;
  const auto *Variable = dyn_cast<GlobalVariable>(&Declared);
  const auto *ExistingVariable = dyn_cast<GlobalVariable>(&Existing);
  return !Variable || !Variable->isConstant() ||
         (ExistingVariable && ExistingVariable->isConstant());
}

Expected<GlobalValue *> Transplant::counterpart(GlobalValue &G) {
  if (G.hasLocalLinkage())
    return addConstant(cast<GlobalVariable>(G));
  GlobalValue *Existing = findExtracted(Host, G.getName());
  if (!Existing)
    return addIntrinsic(cast<Function>(G));
  if (!agree(G, Types.remapType(G.getValueType()), *Existing))
    return createStringError("declares @" + G.getName() + " differently");
  return Existing;
}

GlobalVariable *Transplant::addConstant(GlobalVariable &G) {
  auto *Copy = new GlobalVariable(Host, Types.remapType(G.getValueType()),
                                  /*isConstant=*/true, G.getLinkage(),
                                  /*Initializer=*/nullptr, G.getName());
  Copy->setUnnamedAddr(G.getUnnamedAddr());
  Copy->setAlignment(G.getAlign());
  if (!Copy->hasName())
    Copy->setName("llmcoop.constant");
  Added.push_back(Copy);
  return Copy;
}

Function *Transplant::addIntrinsic(Function &G) {
  auto *Copy =
      Function::Create(cast<FunctionType>(Types.remapType(G.getValueType())),
                       GlobalValue::ExternalLinkage, G.getName(), Host);
  Copy->setAttributes(G.getAttributes());
  Added.push_back(Copy);
  return Copy;
}

} // namespace llmcoop
