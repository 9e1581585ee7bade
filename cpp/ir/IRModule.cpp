//===- IRModule.cpp - A module with its context, as Python sees it --------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "IRModule.h"
#include "shared/Canonical.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/Verifier.h"
#include "llvm/IRReader/IRReader.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Transforms/IPO/Internalize.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace llvm;

namespace llmcoop {

static bool isBitcode(StringRef Data) {
  auto *Bytes = Data.bytes_begin();
  return llvm::isBitcode(Bytes, Bytes + Data.size());
}

IRModule::IRModule(StringRef Data, const std::string &Name) {
  auto Handler = std::make_unique<Diagnostics>();
  Said = Handler.get();
  Context.setDiagnosticHandler(std::move(Handler));
  // As in clang: names of values are for readers, and only text has them.
  Context.setDiscardValueNames(llmcoop::isBitcode(Data));
  M = parse(Data, Name);
  if (M->getTargetTriple().empty())
    M->setTargetTriple(Triple("x86_64-pc-linux-gnu"));
}

std::unique_ptr<Module> IRModule::parse(StringRef Data,
                                        const std::string &Name) {
  // The parser of text needs a zero after the end.
  auto Buffer = MemoryBuffer::getMemBufferCopy(Data, Name);
  SMDiagnostic Problem;
  std::unique_ptr<Module> Parsed = parseIR(*Buffer, Problem, Context);
  if (!Parsed)
    throw IRError(Problem.getMessage().str(), std::max(Problem.getLineNo(), 0),
                  Problem.getColumnNo() + 1);
  Said->take();
  return Parsed;
}

void IRModule::verify() const {
  std::string Problems;
  raw_string_ostream Stream(Problems);
  if (verifyModule(*M, &Stream))
    throw IRError(StringRef(Problems).rtrim().str());
}

std::string IRModule::text() const {
  std::string Text;
  raw_string_ostream Stream(Text);
  M->print(Stream, nullptr);
  return Text;
}

std::string IRModule::bitcode() const {
  SmallString<0> Bytes;
  raw_svector_ostream Stream(Bytes);
  // Some passes look at uses in order, so that the order changes the result.
  WriteBitcodeToFile(*M, Stream, /*ShouldPreserveUseListOrder=*/true);
  return std::string(Bytes);
}

static std::string linkageOf(const GlobalValue &Value) {
  switch (Value.getLinkage()) {
  case GlobalValue::ExternalLinkage:
    return "external";
  case GlobalValue::AvailableExternallyLinkage:
    return "available_externally";
  case GlobalValue::LinkOnceAnyLinkage:
    return "linkonce";
  case GlobalValue::LinkOnceODRLinkage:
    return "linkonce_odr";
  case GlobalValue::WeakAnyLinkage:
    return "weak";
  case GlobalValue::WeakODRLinkage:
    return "weak_odr";
  case GlobalValue::AppendingLinkage:
    return "appending";
  case GlobalValue::InternalLinkage:
    return "internal";
  case GlobalValue::PrivateLinkage:
    return "private";
  case GlobalValue::ExternalWeakLinkage:
    return "extern_weak";
  case GlobalValue::CommonLinkage:
    return "common";
  }
  return "external";
}

static unsigned countLoops(const Function &F) {
  if (F.isDeclaration())
    return 0;
  DominatorTree Tree(const_cast<Function &>(F));
  return LoopInfo(Tree).getLoopsInPreorder().size();
}

std::vector<FunctionInfo> IRModule::functions() const {
  std::vector<FunctionInfo> Result;
  for (const Function &F : *M)
    if (!F.isIntrinsic())
      Result.push_back({F.getName().str(), !F.isDeclaration(), linkageOf(F),
                        whyNotEligible(F), F.getInstructionCount(),
                        countLoops(F)});
  return Result;
}

Function &IRModule::definition(const std::string &Name) const {
  Function *F = M->getFunction(Name);
  if (!F || F->isDeclaration())
    throw IRError("the module does not define a function '" + Name + "'");
  return *F;
}

std::unique_ptr<IRModule>
IRModule::extract(const std::vector<std::string> &Names) const {
  SmallPtrSet<const GlobalValue *, 8> Wanted;
  for (const std::string &Name : Names)
    Wanted.insert(&definition(Name));
  ValueToValueMapTy Values;
  std::unique_ptr<Module> Part =
      CloneModule(*M, Values, [&](const GlobalValue *Value) {
        return Wanted.contains(Value);
      });
  SmallString<0> Bytes;
  raw_svector_ostream Stream(Bytes);
  WriteBitcodeToFile(*Part, Stream, /*ShouldPreserveUseListOrder=*/true);
  return std::make_unique<IRModule>(Bytes, M->getModuleIdentifier());
}

void IRModule::link(const IRModule &Other) {
  std::string Bytes = Other.bitcode();
  std::unique_ptr<Module> Copy = parse(Bytes, Other.M->getModuleIdentifier());
  bool Failed = Linker::linkModules(*M, std::move(Copy));
  Said->take();
  if (Failed)
    throw IRError("the modules can't be linked");
}

void IRModule::internalize(const std::vector<std::string> &Keep) {
  StringSet<> Kept;
  Kept.insert_range(Keep);
  internalizeModule(*M, [&](const GlobalValue &Value) {
    return Kept.contains(Value.getName());
  });
}

void IRModule::replaceFunction(const std::string &Name, const std::string &IR) {
  if (Error E = llmcoop::replaceFunction(definition(Name), IR))
    throw IRError(toString(std::move(E)));
}

std::string IRModule::canonical(const std::string &Name) const {
  return CanonicalForm(definition(Name)).text();
}

std::string IRModule::canonicalReplacement(const std::string &Name,
                                           const std::string &IR) const {
  return valueOf(CanonicalForm(definition(Name)).fromExtracted(IR));
}

} // namespace llmcoop
