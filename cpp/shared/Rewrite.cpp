//===- Rewrite.cpp - What was found for a function, kept in a file --------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "shared/Rewrite.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA256.h"

using namespace llvm;

namespace llmcoop {

static constexpr StringRef Opening = "llmcoop-rewrite 1\n";
static constexpr StringRef BeforeMark = "--- before\n";
static constexpr StringRef AfterMark = "--- after\n";
static constexpr size_t StemLength = 64;

static Error malformed(const Twine &What) {
  return createStringError("it is not a rewrite: " + What);
}

static std::string digestOf(StringRef Bytes) {
  return toHex(SHA256::hash(arrayRefFromStringRef(Bytes)), /*LowerCase=*/true);
}

/// Takes the line `<name> <value>` from \p Rest.
static Error take(StringRef &Rest, StringRef Name, std::string &Value) {
  auto [Line, Others] = Rest.split('\n');
  if (!Line.consume_front(Name) || !Line.consume_front(" "))
    return malformed("the line '" + Name + "' is not where it should be");
  Value = Line.str();
  Rest = Others;
  return Error::success();
}

static Error takeDigest(StringRef &Rest) {
  std::string Digest;
  if (Error Failure = take(Rest, "digest", Digest))
    return Failure;
  if (Digest != digestOf(Rest))
    return createStringError("its digest does not fit: it was changed after "
                             "it was written");
  return Error::success();
}

static Error checkEvidence(StringRef Evidence) {
  StringRef Kind = Evidence.split(':').first;
  if (is_contained({"by-construction", "proved", "tested"}, Kind))
    return Error::success();
  return malformed("unknown evidence '" + Kind + "'");
}

static Error takeHeader(StringRef &Rest, Rewrite &Result) {
  std::string Stage, LLVM;
  std::pair<StringRef, std::string *> Fields[] = {
      {"function", &Result.Function},
      {"module", &Result.Module},
      {"stage", &Stage},
      {"target", &Result.Target},
      {"llvm", &LLVM},
      {"evidence", &Result.Evidence},
      {"measured", &Result.Measured},
      {"origin", &Result.Origin}};
  for (auto [Name, Value] : Fields)
    if (Error Failure = take(Rest, Name, *Value))
      return Failure;
  if (Stage != "start" && Stage != "last")
    return malformed("unknown stage '" + Stage + "'");
  Result.Stage = Stage == "start" ? Stage::Start : Stage::Last;
  if (StringRef(LLVM).getAsInteger(10, Result.LLVM))
    return malformed("'" + LLVM + "' is no version of LLVM");
  return checkEvidence(Result.Evidence);
}

static void takeHintsAndClones(StringRef &Rest, Rewrite &Result) {
  std::string Value;
  while (Rest.starts_with("hint ")) {
    cantFail(take(Rest, "hint", Value));
    auto [Name, Setting] = StringRef(Value).split(' ');
    Result.Hints.emplace_back(Name, Setting);
  }
  while (Rest.starts_with("clone ")) {
    cantFail(take(Rest, "clone", Value));
    Result.Clones.push_back(Value);
  }
}

static Error takeTexts(StringRef Rest, Rewrite &Result) {
  if (!Rest.consume_front(BeforeMark))
    return malformed("the line '--- before' is not where it should be");
  size_t After = Rest.find(("\n" + AfterMark).str());
  Result.Before = Rest.take_front(After == StringRef::npos ? After : After + 1);
  if (After != StringRef::npos)
    Result.After = Rest.drop_front(After + 1 + AfterMark.size());
  return Error::success();
}

/// A version holds everything itself; hints and clones are for passes to come.
static Error checkContents(const Rewrite &Result) {
  bool HasSettings = !Result.Hints.empty() || !Result.Clones.empty();
  if (HasSettings != Result.After.empty())
    return malformed("it needs either another version or hints and clones");
  if (HasSettings && Result.Stage != Stage::Start)
    return malformed("hints and clones come too late in the stage 'last'");
  return Error::success();
}

Expected<Rewrite> parseRewrite(StringRef Text) {
  if (!Text.consume_front(Opening))
    return malformed("it does not begin with '" + Opening.rtrim() + "'");
  Rewrite Result;
  if (Error Failure = takeDigest(Text))
    return std::move(Failure);
  if (Error Failure = takeHeader(Text, Result))
    return std::move(Failure);
  takeHintsAndClones(Text, Result);
  if (Error Failure = takeTexts(Text, Result))
    return std::move(Failure);
  if (Error Failure = checkContents(Result))
    return std::move(Failure);
  return Result;
}

std::string fileStem(StringRef Function) {
  std::string Stem = Function.take_front(StemLength).str();
  for (char &Character : Stem)
    if (!isAlnum(Character) && Character != '_' && Character != '.')
      Character = '_';
  return Stem;
}

} // namespace llmcoop
