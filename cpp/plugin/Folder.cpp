//===- Folder.cpp - The rewrites that are kept in a folder ----------------===//
//
// Part of LLMCoop, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "plugin/Folder.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace llmcoop {

static constexpr StringRef Extension = ".rewrite";
static constexpr size_t HashLength = 16;

static Expected<Rewrite> read(StringRef Path) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> Text = MemoryBuffer::getFile(Path);
  if (!Text)
    return createStringError(Text.getError(), Text.getError().message());
  return parseRewrite((*Text)->getBuffer());
}

const Rewrite *KeptRewrite::get() {
  std::call_once(Read, [this] {
    Expected<Rewrite> Result = read(Path);
    if (Result)
      Content = std::move(*Result);
    else
      Refusal = toString(Result.takeError());
  });
  return Content ? &*Content : nullptr;
}

StringRef KeptRewrite::fileName() const { return sys::path::filename(Path); }

void KeptRewrite::refuse(StringRef Reason) {
  std::call_once(Told, [&] {
    // In one piece: several compilers may write at the same time.
    errs() << ("llmcoop: " + Path + ": refused: " + Reason + "\n").str();
  });
}

/// A file without a hash in its name can only be found by all of it.
static StringRef stemOf(StringRef FileName) {
  StringRef Name = FileName.drop_back(Extension.size());
  auto [Stem, Hash] = Name.rsplit('-');
  return Hash.size() == HashLength && all_of(Hash, isHexDigit) ? Stem : Name;
}

RewriteFolder::RewriteFolder(StringRef Path) {
  std::error_code Code;
  std::vector<std::string> Paths;
  for (sys::fs::directory_iterator Entry(Path, Code), End;
       !Code && Entry != End; Entry.increment(Code))
    if (StringRef(Entry->path()).ends_with(Extension))
      Paths.push_back(Entry->path());
  sort(Paths); // the file system has an order of its own
  for (std::string &File : Paths) {
    Owned.push_back(std::make_unique<KeptRewrite>(std::move(File)));
    KeptRewrite *Kept = Owned.back().get();
    Files[stemOf(Kept->fileName())].push_back(Kept);
  }
}

const RewriteFolder &RewriteFolder::at(StringRef Path) {
  static std::mutex OneAtATime; // a linker may optimize modules in parallel
  static StringMap<std::unique_ptr<RewriteFolder>> Known;
  std::lock_guard<std::mutex> Lock(OneAtATime);
  std::unique_ptr<RewriteFolder> &Folder = Known[Path];
  if (!Folder)
    Folder.reset(new RewriteFolder(Path));
  return *Folder;
}

ArrayRef<KeptRewrite *> RewriteFolder::of(StringRef Function) const {
  auto Found = Files.find(fileStem(Function));
  return Found == Files.end() ? ArrayRef<KeptRewrite *>() : Found->second;
}

} // namespace llmcoop
