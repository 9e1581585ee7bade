//===- DebugLocations.cpp - Source locations across a text round trip -----===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "shared/DebugLocations.h"
#include "llvm/IR/DIBuilder.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace llmcoop {

/// A column is 16 bits wide in a DILocation.
static constexpr unsigned MaxColumn = 0xFFFF;

static DISubprogram *makeStandIn(Module &M, const DISubprogram &Original) {
  DIBuilder Builder(M);
  DIFile *File =
      Builder.createFile(Original.getFilename(), Original.getDirectory());
  Builder.createCompileUnit(DISourceLanguageName(dwarf::DW_LANG_C11), File,
                            "llmcoop", /*isOptimized=*/true, /*Flags=*/"",
                            /*RV=*/0);
  DISubprogram *Subprogram = Builder.createFunction(
      File, Original.getName(), Original.getLinkageName(), File,
      Original.getLine(),
      Builder.createSubroutineType(Builder.getOrCreateTypeArray({})),
      Original.getScopeLine(), DINode::FlagZero,
      DISubprogram::SPFlagDefinition | DISubprogram::SPFlagOptimized);
  Builder.finalize();
  return Subprogram;
}

static void mapLocations(Function &F,
                         function_ref<DILocation *(DILocation *)> Map) {
  auto MapOperand = [&](Metadata *Operand) -> Metadata * {
    auto *Location = dyn_cast_or_null<DILocation>(Operand);
    return Location ? Map(Location) : Operand;
  };
  for (Instruction &I : instructions(F)) {
    I.dropDbgRecords();
    I.setMetadata(LLVMContext::MD_DIAssignID, nullptr);
    I.setMetadata("heapallocsite", nullptr);
    updateLoopMetadataDebugLocations(I, MapOperand);
    if (DILocation *Location = I.getDebugLoc())
      I.setDebugLoc(DebugLoc(Map(Location)));
  }
}

DebugLocations::DebugLocations(const Function &F)
    : Subprogram(F.getSubprogram()) {
  for (const Instruction &I : instructions(F)) {
    if (DILocation *Location = I.getDebugLoc())
      Locations.insert(Location);
    const MDNode *Loop = I.getMetadata(LLVMContext::MD_loop);
    if (!Loop)
      continue;
    for (Metadata *Operand : Loop->operands())
      if (auto *Location = dyn_cast_or_null<DILocation>(Operand))
        Locations.insert(Location);
  }
}

void DebugLocations::abbreviate(Function &Copy) const {
  if (!Subprogram)
    return mapLocations(Copy, [](DILocation *) { return nullptr; });

  DISubprogram *StandIn = makeStandIn(*Copy.getParent(), *Subprogram);
  Copy.setSubprogram(StandIn);
  DenseMap<DILocation *, unsigned> Columns;
  for (auto [Index, Location] : enumerate(Locations))
    Columns[Location] = Index + 1;
  mapLocations(Copy, [&](DILocation *Location) {
    unsigned Column = Columns.lookup(Location);
    return DILocation::get(Copy.getContext(), Location->getLine(),
                           Column <= MaxColumn ? Column : 0, StandIn);
  });
}

DILocation *DebugLocations::original(const DILocation *StandIn) const {
  while (const DILocation *CallSite = StandIn->getInlinedAt())
    StandIn = CallSite;
  // Column 0 wraps around and is out of range, as it should be.
  unsigned Index = StandIn->getColumn() - 1;
  if (Index < Locations.size() &&
      Locations[Index]->getLine() == StandIn->getLine())
    return Locations[Index];
  return DILocation::get(Subprogram->getContext(), 0, 0, Subprogram);
}

void DebugLocations::restore(Function &Body) const {
  if (!Subprogram)
    return mapLocations(Body, [](DILocation *) { return nullptr; });

  mapLocations(Body, [&](DILocation *StandIn) { return original(StandIn); });
  // The verifier demands a location on calls that could be inlined.
  for (Instruction &I : instructions(Body))
    if (isa<CallBase>(I) && !I.getDebugLoc())
      I.setDebugLoc(DILocation::get(Body.getContext(), 0, 0, Subprogram));
}

} // namespace llmcoop
