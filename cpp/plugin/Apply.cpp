//===- Apply.cpp - Put kept rewrites into a module ------------------------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "plugin/Apply.h"
#include "plugin/Hinting.h"
#include "plugin/ModuleHost.h"
#include "shared/Canonical.h"
#include "shared/Multiversion.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Regex.h"
#include <map>

using namespace llvm;

namespace llmcoop {

namespace {

/// A rewrite whose function is there, unchanged.
struct Match {
  Function *F;
  KeptRewrite *File;
  std::unique_ptr<CanonicalForm> Form;
};

class Application {
public:
  Application(Module &M, const Options &Opts, Position Here)
      : M(M), Opts(Opts), Here(Here) {}

  Functions run(const RewriteFolder &Folder);

private:
  void match(Function &F, ArrayRef<KeptRewrite *> Files);
  bool isFor(const Rewrite &Kept, const Function &F) const;
  bool isOfThisFile(const Rewrite &Kept) const;

  void install(const Match &Found);
  void hint(const Match &Found);
  Error checkClones(const Match &Found) const;

  void applied(const Match &Found);
  void refused(Function &F, KeptRewrite &File, StringRef Reason);
  void refused(const Match &Found, Error Reason);

  Module &M;
  const Options &Opts;
  Position Here;
  SmallVector<Match> Matches;
  /// Functions by the levels that they are to be cloned for.
  std::map<std::vector<std::string>, std::vector<std::string>> ToClone;
  Functions Changed;
};

} // namespace

//===----------------------------------------------------------------------===//
// What is for this module
//===----------------------------------------------------------------------===//

bool Application::isFor(const Rewrite &Kept, const Function &F) const {
  return Kept.Stage == Here.At && Kept.LLVM == LLVM_VERSION_MAJOR &&
         Kept.Function == F.getName() &&
         Kept.Target == M.getTargetTriple().str();
}

bool Application::isOfThisFile(const Rewrite &Kept) const {
  return Kept.Module == sys::path::filename(M.getSourceFileName());
}

void Application::match(Function &F, ArrayRef<KeptRewrite *> Files) {
  std::unique_ptr<CanonicalForm> Form;
  SmallVector<KeptRewrite *> Stale;
  for (KeptRewrite *File : Files) {
    const Rewrite *Kept = File->get();
    if (!Kept) {
      refused(F, *File, File->refusal());
      continue;
    }
    if (!isFor(*Kept, F))
      continue;
    if (!Form)
      Form = std::make_unique<CanonicalForm>(F);
    if (Form->text() == Kept->Before)
      return Matches.push_back({&F, File, std::move(Form)});
    if (isOfThisFile(*Kept))
      Stale.push_back(File);
  }
  for (const KeptRewrite *File : Stale)
    emitRemark(F, RemarkKind::Missed, "Stale",
               (File->fileName() + ": the function has changed since").str());
}

//===----------------------------------------------------------------------===//
// What becomes of it
//===----------------------------------------------------------------------===//

void Application::applied(const Match &Found) {
  Changed.insert(Found.F);
  const Rewrite &Kept = *Found.File->get();
  emitRemark(*Found.F, RemarkKind::Passed, "Applied",
             (Found.File->fileName() + ": " + Kept.Measured + "; " +
              Kept.Evidence + "; by " + Kept.Origin)
                 .str());
}

void Application::refused(Function &F, KeptRewrite &File, StringRef Reason) {
  File.refuse(Reason);
  emitRemark(F, RemarkKind::Missed, "Refused",
             (File.fileName() + ": " + Reason).str());
}

void Application::refused(const Match &Found, Error Reason) {
  refused(*Found.F, *Found.File, toString(std::move(Reason)));
}

void Application::install(const Match &Found) {
  const Rewrite &Kept = *Found.File->get();
  if (Error Refusal = Found.Form->install(Kept.After, Admission::Keep))
    return refused(Found, std::move(Refusal));
  applied(Found);
}

Error Application::checkClones(const Match &Found) const {
  if (mayBeFused(M))
    return createStringError("versions with FMA would round otherwise under "
                             "-ffp-contract=fast");
  return checkCloneable(*Found.F, Found.File->get()->Clones);
}

void Application::hint(const Match &Found) {
  const Rewrite &Kept = *Found.File->get();
  bool HasClones = !Kept.Clones.empty();
  if (HasClones)
    if (Error Refusal = checkClones(Found))
      return refused(Found, std::move(Refusal));
  if (Error Refusal = setHintsSafely(*Found.F, Kept.Hints, Here.BeforeLink))
    return refused(Found, std::move(Refusal));
  if (HasClones)
    ToClone[Kept.Clones].push_back(Found.F->getName().str());
  applied(Found);
}

Functions Application::run(const RewriteFolder &Folder) {
  Regex Wanted("^(" + Opts.Functions + ")$");
  for (Function &F : M) {
    ArrayRef<KeptRewrite *> Files = Folder.of(F.getName());
    if (!Files.empty() && whyNotEligible(F).empty() &&
        Wanted.match(F.getName()))
      match(F, Files);
  }
  // All comparisons come first: one rewrite must not make another one stale.
  for (const Match &Found : Matches)
    if (Found.File->get()->After.empty())
      hint(Found);
    else
      install(Found);
  // All at once, so that versions call each other and not the dispatchers.
  for (const auto &[Levels, Names] : ToClone)
    cantFail(multiversion(M, Names, Levels), "it was checked");
  return Changed;
}

Functions applyRewrites(Module &M, const Options &Opts, Position Here) {
  const RewriteFolder &Folder = RewriteFolder::at(Opts.Rewrites);
  return Folder.empty() ? Functions() : Application(M, Opts, Here).run(Folder);
}

} // namespace llmcoop
