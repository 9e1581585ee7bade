//===- Canonical.cpp - The same text for the same function ----------------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "shared/Canonical.h"
#include "shared/Extract.h"
#include "shared/Transplant.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace llmcoop {

//===----------------------------------------------------------------------===//
// What has no meaning
//===----------------------------------------------------------------------===//

void dropNames(Function &F) {
  for (Argument &A : F.args())
    A.setName("");
  for (BasicBlock &Block : F) {
    Block.setName("");
    for (Instruction &I : Block)
      I.setName("");
  }
}

/// The inliner puts names of arguments into those of alias scopes.
static void dropScopeNames(const MDNode *Scopes) {
  if (!Scopes)
    return;
  for (Metadata *Operand : Scopes->operands()) {
    auto *Scope = dyn_cast_or_null<MDNode>(Operand);
    if (Scope && Scope->getNumOperands() > 2 && Scope->getOperand(0) == Scope)
      Scope->replaceOperandWith(2, MDString::get(Scope->getContext(), ""));
  }
}

static void dropScopeNames(const Instruction &I) {
  dropScopeNames(I.getMetadata(LLVMContext::MD_alias_scope));
  dropScopeNames(I.getMetadata(LLVMContext::MD_noalias));
  if (auto *Declaration = dyn_cast<NoAliasScopeDeclInst>(&I))
    dropScopeNames(Declaration->getScopeList());
}

/// A pass may have added to what LLVM says of its own functions; a module that
/// was written and read again has lost that.
static void resetIntrinsics(Module &M) {
  for (Function &G : M)
    if (Intrinsic::ID ID = G.getIntrinsicID())
      G.setAttributes(
          Intrinsic::getAttributes(M.getContext(), ID, G.getFunctionType()));
}

static void dropMeaningless(Module &M, Function &F) {
  StripDebugInfo(M);
  resetIntrinsics(M);
  dropNames(F);
  for (Instruction &I : instructions(F)) {
    dropScopeNames(I);
    I.setMetadata("srcloc", nullptr);
  }
  while (!M.named_metadata_empty())
    M.eraseNamedMetadata(&*M.named_metadata_begin());
  M.setModuleIdentifier("");
  M.setSourceFileName("");
}

//===----------------------------------------------------------------------===//
// The order of first use
//===----------------------------------------------------------------------===//

namespace {

/// The globals that a function reaches, in the order in which it does.
class Reached {
public:
  explicit Reached(const Function &F);
  ArrayRef<GlobalValue *> globals() const { return Globals.getArrayRef(); }

private:
  void visit(const Value *V);

  SetVector<GlobalValue *> Globals;
  SmallPtrSet<const Value *, 16> Seen;
};

} // namespace

Reached::Reached(const Function &F) {
  for (const Value *Operand : F.operand_values())
    visit(Operand);
  for (const Instruction &I : instructions(F))
    for (const Value *Operand : I.operand_values())
      visit(Operand);
  for (GlobalValue &G : const_cast<Module *>(F.getParent())->global_values())
    if (G.isUsedByMetadata())
      Globals.insert(&G);
  for (unsigned Index = 0; Index != Globals.size(); ++Index)
    if (auto *Variable = dyn_cast<GlobalVariable>(Globals[Index]))
      if (Variable->hasInitializer())
        visit(Variable->getInitializer());
}

void Reached::visit(const Value *V) {
  const auto *C = dyn_cast<Constant>(V);
  if (!C || !Seen.insert(C).second)
    return;
  if (const auto *G = dyn_cast<GlobalValue>(C)) {
    Globals.insert(const_cast<GlobalValue *>(G));
    return;
  }
  for (const Value *Operand : C->operand_values())
    visit(Operand);
}

static void moveToEnd(Module &M, GlobalValue &G) {
  if (auto *Variable = dyn_cast<GlobalVariable>(&G)) {
    M.removeGlobalVariable(Variable);
    M.insertGlobalVariable(Variable);
  } else if (auto *Called = dyn_cast<Function>(&G)) {
    Called->removeFromParent();
    M.getFunctionList().push_back(Called);
  }
}

/// Puts \p F first and what it reaches after it, and erases everything else.
static void orderByUse(Module &M, Function &F) {
  Reached Order(F);
  SmallPtrSet<GlobalValue *, 16> Kept(from_range, Order.globals());
  Kept.insert(&F);
  SmallVector<GlobalValue *> Unused;
  for (GlobalValue &G : M.global_values())
    if (!Kept.contains(&G))
      Unused.push_back(&G);
  for (GlobalValue *G : Unused)
    G->dropAllReferences();
  for (GlobalValue *G : Unused)
    G->eraseFromParent();
  moveToEnd(M, F);
  for (GlobalValue *G : Order.globals())
    if (G != &F)
      moveToEnd(M, *G);
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

namespace {

/// Gives out `name`, `name.1`, `name.2`, … for names that differ by what number
/// an earlier one of the file has left them.
class Numbering {
public:
  void reserve(StringRef Name) { Taken.insert(Name); }
  std::string next(StringRef Name);

private:
  StringSet<> Taken;
  StringMap<unsigned> Counts;
};

} // namespace

static StringRef withoutNumbers(StringRef Name) {
  while (true) {
    auto [Stem, Number] = Name.rsplit('.');
    if (Stem.empty() || Number.empty() || !all_of(Number, isDigit))
      return Name;
    Name = Stem;
  }
}

std::string Numbering::next(StringRef Name) {
  StringRef Stem = withoutNumbers(Name);
  while (true) {
    unsigned Number = Counts[Stem]++;
    std::string Next = Number ? (Stem + "." + Twine(Number)).str() : Stem.str();
    if (Taken.insert(Next).second)
      return Next;
  }
}

static bool isMeaningless(const GlobalValue *G) {
  return G && (G->hasPrivateLinkage() || !G->hasName());
}

static Names nameGlobals(const Module &M, Module &Host) {
  Numbering Next;
  for (const GlobalValue &G : M.global_values())
    if (!isMeaningless(findExtracted(Host, G.getName())))
      Next.reserve(G.getName());
  Names Result;
  for (const GlobalValue &G : M.global_values())
    if (isMeaningless(findExtracted(Host, G.getName())))
      Result.emplace_back(G.getName(), Next.next(G.getName()));
  return Result;
}

static Names nameTypes(const Module &M) {
  Numbering Next;
  Names Result;
  for (const StructType *Type : M.getIdentifiedStructTypes())
    if (Type->hasName())
      Result.emplace_back(Type->getName(), Next.next(Type->getName()));
  return Result;
}

static Names reversed(const Names &Pairs) {
  Names Result;
  for (const auto &[From, To] : Pairs)
    Result.emplace_back(To, From);
  return Result;
}

/// What has one of the new names already gives way.
static void renameGlobals(Module &M, const Names &Pairs) {
  SmallVector<std::pair<GlobalValue *, StringRef>> Renamed;
  for (const auto &[From, To] : Pairs)
    if (GlobalValue *G = M.getNamedValue(From))
      Renamed.emplace_back(G, To);
  for (auto [G, To] : Renamed)
    G->setName("");
  for (auto [G, To] : Renamed) {
    if (GlobalValue *Other = M.getNamedValue(To))
      Other->setName(To + ".own");
    G->setName(To);
  }
}

namespace {

/// Gives the types of a module other names for a while; types belong to all
/// modules of their context, so they get their own names back.
class RenamedTypes {
public:
  RenamedTypes(const Module &M, const Names &Pairs);
  ~RenamedTypes();
  RenamedTypes(const RenamedTypes &) = delete;
  RenamedTypes &operator=(const RenamedTypes &) = delete;

private:
  void hide(StructType *Type);

  SmallVector<std::pair<StructType *, std::string>> Hidden;
};

} // namespace

RenamedTypes::RenamedTypes(const Module &M, const Names &Pairs) {
  StringMap<StructType *> Known;
  for (StructType *Type : M.getIdentifiedStructTypes())
    if (Type->hasName())
      Known[Type->getName()] = Type;
  for (const auto &[From, To] : Pairs)
    hide(Known.lookup(From));
  for (const auto &[From, To] : Pairs) {
    if (StructType *Other = StructType::getTypeByName(M.getContext(), To))
      hide(Other);
    Known.lookup(From)->setName(To);
  }
}

void RenamedTypes::hide(StructType *Type) {
  Hidden.emplace_back(Type, Type->getName());
  Type->setName("");
}

RenamedTypes::~RenamedTypes() {
  for (const auto &[Type, Name] : Hidden)
    Type->setName("");
  for (const auto &[Type, Name] : Hidden)
    Type->setName(Name);
}

static void renameTypes(Module &M, const Names &Pairs) {
  StringMap<StructType *> Known;
  for (StructType *Type : M.getIdentifiedStructTypes())
    if (Type->hasName())
      Known[Type->getName()] = Type;
  SmallVector<std::pair<StructType *, StringRef>> Renamed;
  for (const auto &[From, To] : Pairs)
    if (StructType *Type = Known.lookup(From))
      Renamed.emplace_back(Type, To);
  for (auto [Type, To] : Renamed)
    Type->setName("");
  for (auto [Type, To] : Renamed) {
    if (StructType *Other = StructType::getTypeByName(M.getContext(), To))
      Other->setName((To + ".own").str());
    Type->setName(To);
  }
}

//===----------------------------------------------------------------------===//
// A function's own form
//===----------------------------------------------------------------------===//

static std::string print(const Module &M) {
  std::string Text;
  raw_string_ostream Stream(Text);
  M.print(Stream, /*AAW=*/nullptr);
  return Text;
}

/// In a context of its own nothing else has taken any name.
static std::unique_ptr<Module> extractInto(LLVMContext &Context,
                                           const Function &F) {
  std::unique_ptr<Module> Shared = extractModule(F);
  StripDebugInfo(*Shared); // it is not the function's alone
  std::unique_ptr<Module> M = copyInto(Context, *Shared);
  dropMeaningless(*M, *M->getFunction(F.getName()));
  return M;
}

CanonicalForm::CanonicalForm(Function &F) : F(F) {
  std::unique_ptr<Module> M = extractModule(F);
  Function &Copy = *M->getFunction(F.getName());
  dropMeaningless(*M, Copy);
  orderByUse(*M, Copy);
  Globals = nameGlobals(*M, *F.getParent());
  Types = nameTypes(*M);
  renameGlobals(*M, Globals);
  RenamedTypes Renamed(*M, Types);
  Text = print(*M);
}

//===----------------------------------------------------------------------===//
// Other versions of it
//===----------------------------------------------------------------------===//

static std::string printedValue(const GlobalVariable &G) {
  std::string Text;
  raw_string_ostream Stream(Text);
  G.getInitializer()->print(Stream);
  return Text;
}

static bool haveSameValue(const GlobalValue &A, const GlobalValue *B) {
  const auto *First = dyn_cast<GlobalVariable>(&A);
  const auto *Second = dyn_cast_or_null<GlobalVariable>(B);
  if (!First || !First->hasInitializer())
    return true;
  return Second && Second->hasInitializer() &&
         printedValue(*First) == printedValue(*Second);
}

/// A constant that can be anywhere, so that a copy of it is as good.
static bool canBeCopied(const GlobalValue &G) {
  const auto *Variable = dyn_cast<GlobalVariable>(&G);
  return Variable && Variable->isConstant() && Variable->hasInitializer() &&
         Variable->hasAtLeastLocalUnnamedAddr() && !Variable->isThreadLocal();
}

/// Private constants of a file that the function does not have in common with
/// its other version go with that version.
static void takeConstantsAlong(Module &Text, const Module &Own, Module &Host) {
  for (GlobalValue &G : Text.global_values()) {
    const GlobalValue *Existing = findExtracted(Host, G.getName());
    bool IsShared = Existing && !isMeaningless(Existing);
    const GlobalValue *Known = Own.getNamedValue(G.getName());
    if (IsShared || (Known && haveSameValue(G, Known)) || !canBeCopied(G))
      continue;
    G.setVisibility(GlobalValue::DefaultVisibility);
    G.setLinkage(GlobalValue::PrivateLinkage);
    G.setDSOLocal(true);
  }
}

Expected<std::string> CanonicalForm::fromExtracted(StringRef IR) const {
  LLVMContext Context, OwnContext;
  Expected<std::unique_ptr<Module>> Parsed = parseReplacement(IR, Context);
  if (!Parsed)
    return Parsed.takeError();
  Module &M = **Parsed;
  Function *New = M.getFunction(F.getName());
  if (!New || New->isDeclaration())
    return createStringError("does not define @" + F.getName());
  dropMeaningless(M, *New);
  if (M.getTargetTriple().empty())
    M.setTargetTriple(F.getParent()->getTargetTriple());
  if (M.getDataLayoutStr().empty())
    M.setDataLayout(F.getParent()->getDataLayout());
  takeConstantsAlong(M, *extractInto(OwnContext, F), *F.getParent());
  orderByUse(M, *New);
  renameGlobals(M, Globals);
  renameTypes(M, Types);
  return print(M);
}

Error CanonicalForm::install(StringRef Version, Admission Kind) const {
  LLVMContext Context;
  Expected<std::unique_ptr<Module>> Parsed = parseReplacement(Version, Context);
  if (!Parsed)
    return Parsed.takeError();
  renameGlobals(**Parsed, reversed(Globals));
  renameTypes(**Parsed, reversed(Types));
  return admit(F, **Parsed, Kind);
}

} // namespace llmcoop
