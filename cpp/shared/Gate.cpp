//===- Gate.cpp - Take one function out of a module, put another in -------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "shared/Gate.h"
#include "shared/Extract.h"
#include "shared/Transplant.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"
#include <set>

using namespace llvm;

namespace llmcoop {

static Error refuse(const Twine &Reason) { return createStringError(Reason); }

Expected<std::unique_ptr<Module>> parseReplacement(StringRef IR,
                                                   LLVMContext &Context) {
  Context.setDiagnosticHandlerCallBack([](const DiagnosticInfo *, void *) {});
  SMDiagnostic Diagnostic;
  std::unique_ptr<Module> Text =
      parseAssembly(MemoryBufferRef(IR, "replacement"), Diagnostic, Context);
  if (!Text)
    return refuse("does not parse: line " + Twine(Diagnostic.getLineNo()) +
                  ": " + Diagnostic.getMessage());
  std::string Complaint;
  raw_string_ostream Stream(Complaint);
  if (verifyModule(*Text, &Stream))
    return refuse("fails the verifier: " +
                  StringRef(Complaint).split('\n').first);
  return Text;
}

//===----------------------------------------------------------------------===//
// The interface: what callers see
//===----------------------------------------------------------------------===//

/// Attributes of a function that its callers were optimized by. All those of
/// its return value and parameters are.
static bool callersRelyOn(Attribute A) {
  if (A.isStringAttribute())
    return false;
  switch (A.getKindAsEnum()) {
  case Attribute::AllocKind:
  case Attribute::AllocSize:
  case Attribute::Convergent:
  case Attribute::NoCallback:
  case Attribute::NoFree:
  case Attribute::NoRecurse:
  case Attribute::NoReturn:
  case Attribute::NoSync:
  case Attribute::NoUnwind:
  case Attribute::NullPointerIsValid:
  case Attribute::ReturnsTwice:
  case Attribute::Speculatable:
  case Attribute::StrictFP:
  case Attribute::WillReturn:
    return true;
  default:
    return false;
  }
}

/// Attributes of a parameter by which a body promises something; all others
/// say how it is passed or what the caller promises.
static bool isPromiseOfBody(Attribute A) {
  if (A.isStringAttribute())
    return true;
  switch (A.getKindAsEnum()) {
  case Attribute::Captures:
  case Attribute::Initializes:
  case Attribute::NoFree:
  case Attribute::ReadNone:
  case Attribute::ReadOnly:
  case Attribute::Returned:
  case Attribute::WriteOnly:
    return true;
  default:
    return false;
  }
}

/// The first attribute of \p Has, as text, that \p Other does not have in the
/// same form; attributes of two contexts can be compared as text only.
static std::string firstMissing(AttributeSet Has, AttributeSet Other,
                                function_ref<bool(Attribute)> Counts) {
  for (Attribute A : Has) {
    if (!Counts(A))
      continue;
    Attribute Same = A.isStringAttribute()
                         ? Other.getAttribute(A.getKindAsString())
                         : Other.getAttribute(A.getKindAsEnum());
    if (!Same.isValid() || Same.getAsString() != A.getAsString())
      return A.getAsString();
  }
  return "";
}

static Error checkAttributes(const Function &Old, const Function &New) {
  auto Any = [](Attribute) { return true; };
  auto Assumed = [](Attribute A) { return !isPromiseOfBody(A); };
  AttributeList Before = Old.getAttributes(), After = New.getAttributes();

  std::string Lost =
      firstMissing(Before.getFnAttrs(), After.getFnAttrs(), callersRelyOn);
  if (Lost.empty())
    Lost = firstMissing(Before.getRetAttrs(), After.getRetAttrs(), Any);
  for (unsigned I = 0; I != Old.arg_size() && Lost.empty(); ++I)
    Lost = firstMissing(Before.getParamAttrs(I), After.getParamAttrs(I), Any);
  if (!Lost.empty())
    return refuse("loses the attribute '" + Lost + "' that callers rely on");

  MemoryEffects Allowed = Old.getMemoryEffects();
  if ((New.getMemoryEffects() | Allowed) != Allowed)
    return refuse("has memory effects that callers do not expect");

  for (unsigned I = 0; I != Old.arg_size(); ++I) {
    std::string Gained =
        firstMissing(After.getParamAttrs(I), Before.getParamAttrs(I), Assumed);
    if (!Gained.empty())
      return refuse("gains the parameter attribute '" + Gained +
                    "' that callers do not promise");
  }
  for (StringRef Key : {"target-cpu", "target-features", "tune-cpu"})
    if (Before.getFnAttr(Key).getValueAsString() !=
        After.getFnAttr(Key).getValueAsString())
      return refuse("changes the attribute '" + Key + "'");
  return Error::success();
}

static std::string describeComdat(const Function &F) {
  const Comdat *Group = F.getComdat();
  return Group ? (Group->getName() + ", " + Twine(Group->getSelectionKind()))
                     .str()
               : "";
}

static std::string personalityName(const Function &F) {
  return F.hasPersonalityFn()
             ? F.getPersonalityFn()->stripPointerCasts()->getName().str()
             : "";
}

static Error checkInterface(const Function &Old, const Function &New) {
  const std::pair<const char *, bool> Kept[] = {
      {"calling convention", Old.getCallingConv() == New.getCallingConv()},
      {"linkage", Old.getLinkage() == New.getLinkage() ||
                      extractedLinkage(Old.getLinkage()) == New.getLinkage()},
      {"visibility", Old.getVisibility() == New.getVisibility()},
      {"comdat", describeComdat(Old) == describeComdat(New)},
      {"section", Old.getSection() == New.getSection()},
      {"alignment", Old.getAlign() == New.getAlign()},
      {"personality", personalityName(Old) == personalityName(New)},
      {"garbage collector",
       (Old.hasGC() ? Old.getGC() : "") == (New.hasGC() ? New.getGC() : "")},
  };
  for (auto [Property, Same] : Kept)
    if (!Same)
      return refuse(Twine("changes the ") + Property + " of the function");
  return checkAttributes(Old, New);
}

//===----------------------------------------------------------------------===//
// The references: what the body uses
//===----------------------------------------------------------------------===//

/// An intrinsic that an optimizer introduces freely: it computes, or it writes
/// only what its arguments point to (memcpy, assume, lifetime markers, vector
/// operations). One of a particular target may not exist for the target-cpu.
static bool isHarmlessIntrinsic(const Function &F) {
  Intrinsic::ID ID = F.getIntrinsicID();
  if (ID == Intrinsic::not_intrinsic || Intrinsic::isTargetIntrinsic(ID))
    return false;
  return F.onlyAccessesInaccessibleMemOrArgMem() && F.willReturn() &&
         F.doesNotThrow();
}

static bool isOwnConstant(const GlobalValue &G) {
  const auto *Variable = dyn_cast<GlobalVariable>(&G);
  return Variable && Variable->hasLocalLinkage() && Variable->isConstant() &&
         Variable->hasInitializer() && Variable->hasAtLeastLocalUnnamedAddr() &&
         !Variable->isThreadLocal() && !Variable->hasSection() &&
         !Variable->hasComdat();
}

static Error checkReference(Module &Host, const GlobalValue &G) {
  bool IsUnused = G.isDeclaration() && G.use_empty() && !G.isUsedByMetadata();
  if (IsUnused || isOwnConstant(G))
    return Error::success();
  if (!G.isDeclaration() && !G.hasAvailableExternallyLinkage())
    return refuse("defines @" + G.getName());

  const auto *Called = dyn_cast<Function>(&G);
  const GlobalValue *Existing = findExtracted(Host, G.getName());
  if (!Existing && !(Called && isHarmlessIntrinsic(*Called)))
    return refuse("refers to something new: @" + G.getName());
  const auto *Known = dyn_cast_or_null<Function>(Existing);
  if (!Called || !Known)
    return Error::success();
  if (Called->getCallingConv() != Known->getCallingConv())
    return refuse("changes the calling convention of @" + G.getName());
  std::string Gained =
      firstMissing(Called->getAttributes().getFnAttrs(),
                   Known->getAttributes().getFnAttrs(), callersRelyOn);
  if (!Gained.empty())
    return refuse("promises '" + Gained + "' for @" + G.getName());
  return Error::success();
}

static std::set<std::string> inlineAssembly(const Function &F) {
  std::set<std::string> Found;
  for (const Instruction &I : instructions(F)) {
    const auto *Call = dyn_cast<CallBase>(&I);
    if (!Call || !Call->isInlineAsm())
      continue;
    const auto *Asm = cast<InlineAsm>(Call->getCalledOperand());
    Found.insert(
        (Asm->getAsmString() + "\n" + Asm->getConstraintString()).str());
  }
  return Found;
}

static Error checkBody(const Function &Old, const Function &New) {
  for (const BasicBlock &Block : New)
    if (Block.hasAddressTaken())
      return refuse("takes the address of a block");
  for (const Instruction &I : instructions(New)) {
    const auto *Call = dyn_cast<CallBase>(&I);
    const Function *Callee = Call ? Call->getCalledFunction() : nullptr;
    if (Callee && Callee->getCallingConv() != Call->getCallingConv())
      return refuse("calls @" + Callee->getName() + " by another convention");
  }
  std::set<std::string> Before = inlineAssembly(Old);
  for (const std::string &Assembly : inlineAssembly(New))
    if (!Before.count(Assembly))
      return refuse("has new inline assembly");
  return Error::success();
}

/// A text that names no target is for the module's.
static Error checkTarget(const Module &Host, const Module &Text) {
  if (!Text.getTargetTriple().empty() &&
      Text.getTargetTriple() != Host.getTargetTriple())
    return refuse("is for another target: " + Text.getTargetTriple().str());
  if (!Text.getDataLayoutStr().empty() &&
      Text.getDataLayoutStr() != Host.getDataLayoutStr())
    return refuse("has another data layout");
  return Error::success();
}

static Error checkReferences(Function &Old, Module &Text, const Function &New) {
  if (!Text.getModuleInlineAsm().empty())
    return refuse("has assembly outside of the function");
  for (const GlobalValue &G : Text.global_values())
    if (&G != &New)
      if (Error Refusal = checkReference(*Old.getParent(), G))
        return Refusal;
  return checkBody(Old, New);
}

//===----------------------------------------------------------------------===//

Error admit(Function &Old, Module &Text, Admission Kind) {
  std::string Ineligible = whyNotEligible(Old);
  if (!Ineligible.empty())
    return refuse("can't replace this function: " + Ineligible);
  if (Error Refusal = checkTarget(*Old.getParent(), Text))
    return Refusal;
  const Function *New = Text.getFunction(Old.getName());
  if (!New || New->isDeclaration())
    return refuse("does not define @" + Old.getName());
  if (Error Refusal = checkInterface(Old, *New))
    return Refusal;
  if (Error Refusal = checkReferences(Old, Text, *New))
    return Refusal;

  Transplant Operation(Old, Text);
  if (Error Refusal = Operation.perform())
    return Refusal;
  if (Kind == Admission::Keep)
    Operation.commit();
  return Error::success();
}

static Error tryReplacement(Function &Old, StringRef IR, Admission Kind) {
  LLVMContext Context;
  Expected<std::unique_ptr<Module>> Text = parseReplacement(IR, Context);
  return Text ? admit(Old, **Text, Kind) : Text.takeError();
}

Error replaceFunction(Function &Old, StringRef IR) {
  return tryReplacement(Old, IR, Admission::Keep);
}

Error checkReplacement(Function &Old, StringRef IR) {
  return tryReplacement(Old, IR, Admission::OnlyCheck);
}

} // namespace llmcoop
