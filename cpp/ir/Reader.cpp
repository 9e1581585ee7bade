//===- Reader.cpp - A function's body as plain data -----------------------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Reader.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Operator.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Transforms/Utils/Cloning.h"

namespace py = pybind11;
using namespace llvm;

namespace llmcoop {

namespace {

/// Makes the values of `llmcoop.ir.body`.
class BodyReader {
public:
  explicit BodyReader(const Function &F)
      : F(F), Package(py::module_::import("llmcoop.ir.body")) {}

  py::object read();

private:
  py::object make(const char *Type, py::dict Fields) const {
    return Package.attr(Type)(**Fields);
  }
  py::object type(const Type *Ty) const;
  py::object attributes(ArrayRef<AttributeSet> Sets,
                        const MDNode *Range = nullptr) const;
  py::object operand(const Value *V) const;
  py::object instruction(const Instruction &I) const;
  py::tuple blocks(const Instruction &I) const;
  py::dict callFields(const CallBase &Call) const;

  const Function &F;
  py::module_ Package;
  DenseMap<const Value *, unsigned> Numbers; ///< Arguments, then instructions.
  DenseMap<const BasicBlock *, unsigned> Blocks;
};

} // namespace

template <typename T> static std::string print(const T &Printable) {
  std::string Text;
  raw_string_ostream Stream(Text);
  Printable.print(Stream);
  return Text;
}

static py::object integer(const APInt &Value) {
  SmallString<40> Digits;
  Value.toStringUnsigned(Digits, 16);
  return py::reinterpret_steal<py::object>(
      PyLong_FromString(Digits.c_str(), nullptr, 16));
}

static py::object rangeOf(const ConstantRange &Range) {
  return py::make_tuple(integer(Range.getLower()), integer(Range.getUpper()));
}

py::object BodyReader::type(const Type *Ty) const {
  unsigned Lanes = 0;
  const Type *Element = Ty;
  if (auto *Vector = dyn_cast<FixedVectorType>(Ty)) {
    Lanes = Vector->getNumElements();
    Element = Vector->getElementType();
  }
  py::list Fields;
  if (auto *Struct = dyn_cast<StructType>(Ty))
    for (const Type *Field : Struct->elements())
      Fields.append(type(Field));
  py::dict Values;
  Values["text"] = print(*Ty);
  Values["width"] = Element->isIntegerTy() ? Element->getIntegerBitWidth() : 0;
  Values["lanes"] = Lanes;
  Values["fields"] = py::tuple(Fields);
  return make("Type", Values);
}

/// What several sets say of one value: a call's own, and its callee's.
py::object BodyReader::attributes(ArrayRef<AttributeSet> Sets,
                                  const MDNode *Range) const {
  bool NoUndef = false;
  py::list Ranges, Others;
  for (AttributeSet Set : Sets)
    for (Attribute A : Set)
      if (A.isStringAttribute())
        continue;
      else if (A.hasAttribute(Attribute::NoUndef))
        NoUndef = true;
      else if (A.hasAttribute(Attribute::Range))
        Ranges.append(rangeOf(A.getRange()));
      else
        Others.append(A.getAsString());
  // Metadata with several ranges is left to `Instruction.metadata`.
  if (Range && Range->getNumOperands() == 2)
    Ranges.append(rangeOf(getConstantRangeFromMetadata(*Range)));
  py::dict Values;
  Values["noundef"] = NoUndef;
  Values["ranges"] = py::tuple(Ranges);
  Values["others"] = py::tuple(Others);
  return make("Attributes", Values);
}

/// Appends the scalars in \p C; false if one of them is no integer.
static bool appendElements(const Constant *C, py::list &Elements) {
  if (!C)
    return false;
  const Type *Ty = C->getType();
  if (Ty->isIntegerTy()) {
    if (isa<PoisonValue>(C))
      Elements.append("poison");
    else if (isa<UndefValue>(C))
      Elements.append("undef");
    else if (auto *Int = dyn_cast<ConstantInt>(C))
      Elements.append(integer(Int->getValue()));
    else
      return false;
    return true;
  }
  unsigned Count = 0;
  if (auto *Vector = dyn_cast<FixedVectorType>(Ty))
    Count = Vector->getNumElements();
  else if (auto *Struct = dyn_cast<StructType>(Ty))
    Count = Struct->getNumElements();
  for (unsigned I = 0; I != Count; ++I)
    if (!appendElements(C->getAggregateElement(I), Elements))
      return false;
  return Count != 0;
}

py::object BodyReader::operand(const Value *V) const {
  py::dict Values;
  if (auto Found = Numbers.find(V); Found != Numbers.end()) {
    Values["number"] = Found->second;
    return make("Local", Values);
  }
  py::list Elements;
  if (auto *C = dyn_cast<Constant>(V); C && appendElements(C, Elements)) {
    Values["type"] = type(C->getType());
    Values["elements"] = py::tuple(Elements);
    return make("Constant", Values);
  }
  std::string Text;
  raw_string_ostream Stream(Text);
  V->printAsOperand(Stream, /*PrintType=*/true, F.getParent());
  Values["text"] = Text;
  return make("Other", Values);
}

static py::list flagsOf(const Instruction &I) {
  py::list Flags;
  auto Add = [&](bool Set, const char *Name) {
    if (Set)
      Flags.append(Name);
  };
  if (auto *Op = dyn_cast<OverflowingBinaryOperator>(&I)) {
    Add(Op->hasNoUnsignedWrap(), "nuw");
    Add(Op->hasNoSignedWrap(), "nsw");
  } else if (auto *Trunc = dyn_cast<TruncInst>(&I)) {
    Add(Trunc->hasNoUnsignedWrap(), "nuw");
    Add(Trunc->hasNoSignedWrap(), "nsw");
  } else if (auto *Op = dyn_cast<PossiblyExactOperator>(&I)) {
    Add(Op->isExact(), "exact");
  } else if (auto *Or = dyn_cast<PossiblyDisjointInst>(&I)) {
    Add(Or->isDisjoint(), "disjoint");
  } else if (auto *Cast = dyn_cast<PossiblyNonNegInst>(&I)) {
    Add(Cast->hasNonNeg(), "nneg");
  } else if (auto *Compare = dyn_cast<ICmpInst>(&I)) {
    Add(Compare->hasSameSign(), "samesign");
  }
  return Flags;
}

static py::list indicesOf(const Instruction &I) {
  py::list Indices;
  auto Append = [&](auto Range) {
    for (auto Index : Range)
      Indices.append(Index);
  };
  if (auto *Extract = dyn_cast<ExtractValueInst>(&I))
    Append(Extract->getIndices());
  else if (auto *Insert = dyn_cast<InsertValueInst>(&I))
    Append(Insert->getIndices());
  else if (auto *Shuffle = dyn_cast<ShuffleVectorInst>(&I))
    Append(Shuffle->getShuffleMask());
  return Indices;
}

/// Successors of a terminator, incoming blocks of a phi.
py::tuple BodyReader::blocks(const Instruction &I) const {
  py::list Result;
  if (auto *Phi = dyn_cast<PHINode>(&I))
    for (const BasicBlock *Block : Phi->blocks())
      Result.append(Blocks.lookup(Block));
  else if (I.isTerminator())
    for (unsigned Index = 0; Index != I.getNumSuccessors(); ++Index)
      Result.append(Blocks.lookup(I.getSuccessor(Index)));
  return py::tuple(Result);
}

static py::list metadataOf(const Instruction &I) {
  SmallVector<StringRef, 32> Names;
  I.getContext().getMDKindNames(Names);
  SmallVector<std::pair<unsigned, MDNode *>, 4> Attached;
  I.getAllMetadataOtherThanDebugLoc(Attached);
  py::list Result;
  for (auto [Kind, Node] : Attached)
    if (Kind != LLVMContext::MD_range || Node->getNumOperands() != 2 ||
        !isa<CallBase>(I))
      Result.append(Names[Kind].str());
  return Result;
}

py::dict BodyReader::callFields(const CallBase &Call) const {
  const Function *Callee = Call.getCalledFunction();
  auto Both = [&](auto Get) {
    SmallVector<AttributeSet, 2> Sets{Get(Call.getAttributes())};
    if (Callee)
      Sets.push_back(Get(Callee->getAttributes()));
    return Sets;
  };
  py::list Operands, OfOperands;
  for (unsigned I = 0; I != Call.arg_size(); ++I) {
    Operands.append(operand(Call.getArgOperand(I)));
    OfOperands.append(attributes(
        Both([&](AttributeList List) { return List.getParamAttrs(I); })));
  }
  py::dict Values;
  Values["operands"] = py::tuple(Operands);
  Values["operand_attributes"] = py::tuple(OfOperands);
  Values["attributes"] =
      attributes(Both([](AttributeList List) { return List.getRetAttrs(); }),
                 Call.getMetadata(LLVMContext::MD_range));
  Values["callee"] =
      !Callee ? ""
      : Callee->isIntrinsic()
          ? Intrinsic::getBaseName(Callee->getIntrinsicID()).str()
          : "@" + Callee->getName().str();
  Values["bundles"] = Call.getNumOperandBundles();
  return Values;
}

py::object BodyReader::instruction(const Instruction &I) const {
  py::dict Values;
  if (auto *Call = dyn_cast<CallBase>(&I)) {
    Values = callFields(*Call);
  } else {
    py::list Operands;
    for (const Use &Operand : I.operands())
      if (!isa<BasicBlock>(Operand))
        Operands.append(operand(Operand));
    if (auto *Switch = dyn_cast<SwitchInst>(&I))
      for (auto Case : Switch->cases())
        Operands.append(operand(Case.getCaseValue()));
    Values["operands"] = py::tuple(Operands);
  }
  Values["number"] = Numbers.lookup(&I);
  Values["opcode"] = I.getOpcodeName();
  Values["type"] = type(I.getType());
  Values["flags"] = py::frozenset(flagsOf(I));
  auto *Compare = dyn_cast<CmpInst>(&I);
  Values["predicate"] =
      Compare ? CmpInst::getPredicateName(Compare->getPredicate()).str() : "";
  Values["indices"] = py::tuple(indicesOf(I));
  Values["blocks"] = blocks(I);
  Values["metadata"] = py::tuple(metadataOf(I));
  return make("Instruction", Values);
}

py::object BodyReader::read() {
  for (const Argument &A : F.args())
    Numbers[&A] = Numbers.size();
  for (const BasicBlock &Block : F) {
    Blocks[&Block] = Blocks.size();
    for (const Instruction &I : Block)
      Numbers[&I] = Numbers.size();
  }
  py::list Parameters, Contents;
  for (const Argument &A : F.args()) {
    py::dict Values;
    Values["name"] = A.getName().str();
    Values["type"] = type(A.getType());
    Values["attributes"] =
        attributes(F.getAttributes().getParamAttrs(A.getArgNo()));
    Parameters.append(make("Parameter", Values));
  }
  for (const BasicBlock &Block : F) {
    py::list Instructions;
    for (const Instruction &I : Block)
      Instructions.append(instruction(I));
    Contents.append(py::tuple(Instructions));
  }
  py::dict Values;
  Values["name"] = F.getName().str();
  Values["signature"] =
      print(*F.getFunctionType()) + " cc" + std::to_string(F.getCallingConv());
  Values["parameters"] = py::tuple(Parameters);
  Values["returns"] = type(F.getReturnType());
  Values["return_attributes"] = attributes(F.getAttributes().getRetAttrs());
  Values["attributes"] = attributes(F.getAttributes().getFnAttrs());
  Values["blocks"] = py::tuple(Contents);
  return make("Body", Values);
}

py::object readBody(const Function &F) { return BodyReader(F).read(); }

std::string canonicalText(const Module &M) {
  std::unique_ptr<Module> Copy = CloneModule(M);
  StripDebugInfo(*Copy);
  for (Function &F : *Copy) {
    for (Argument &A : F.args())
      A.setName("");
    for (BasicBlock &Block : F) {
      Block.setName("");
      for (Instruction &I : Block)
        I.setName("");
    }
  }
  Copy->setModuleIdentifier("");
  Copy->setSourceFileName("");
  std::string Text;
  raw_string_ostream Stream(Text);
  Copy->print(Stream, nullptr);
  return Text;
}

} // namespace llmcoop
