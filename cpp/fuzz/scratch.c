// The folders that runs write to. Isolated, every target has a file system of
// its own, which its server sees as /tmp; plain, a folder below ours. A run
// that wrote nothing costs a look, not a cleaning.
#include "fuzzer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT "/tmp"
enum {
  PathBytes = 4096,
  OpenFolders = 32,
  Passes = 4,
  FolderMode = 01777,
  WorkMode = 0777
};

static char Path[PathBytes];

// The folder of a target, or a place in it.
static const char *inScratch(const Settings *S, uint64_t Index,
                             const char *Name) {
  if (snprintf(Path, sizeof Path, "%s/%lu/%s", S->Isolated ? ROOT : S->Folder,
               (unsigned long)Index, Name) >= PathBytes) {
    errno = ENAMETOOLONG;
    die("find a working directory");
  }
  return Path;
}

static bool hasMode(const char *Where, mode_t Mode) {
  struct stat Status;
  return lstat(Where, &Status) == 0 && S_ISDIR(Status.st_mode) &&
         (Status.st_mode & 07777) == Mode;
}

static bool isEmpty(const char *Folder) {
  DIR *Entries = opendir(Folder);
  unsigned Count = 0;
  while (Entries && Count < 3 && readdir(Entries))
    ++Count;
  if (Entries)
    closedir(Entries);
  return Count == 2; // itself and its parent
}

static bool untouched(const Settings *S, const Scratch *At) {
  struct statfs Full;
  if (!S->Isolated)
    return isEmpty(inScratch(S, At->Index, "work"));
  return hasMode(inScratch(S, At->Index, "work"), WorkMode) &&
         hasMode(inScratch(S, At->Index, "shm"), WorkMode) &&
         hasMode(inScratch(S, At->Index, ""), FolderMode) &&
         statfs(Path, &Full) == 0 && Full.f_ffree == At->Clean.f_ffree &&
         Full.f_bfree == At->Clean.f_bfree;
}

static int removeEntry(const char *Where, const struct stat *Status, int Kind,
                       struct FTW *Place) {
  (void)Status;
  const char *Name = Where + Place->base;
  bool Stays = Place->level == 0 ||
               (Place->level == 1 &&
                (strcmp(Name, "work") == 0 || strcmp(Name, "shm") == 0));
  if (Kind == FTW_DNR)
    chmod(Where, 0700); // opened in the next pass
  if (!Stays)
    remove(Where); // if it can't be, the scratch is not found empty
  return 0;
}

// The runtime of a sanitizer may hold a file that has no name any more.
void noteScratch(const Settings *S, Scratch *At) {
  if (S->Isolated && statfs(inScratch(S, At->Index, ""), &At->Clean) < 0)
    die("statfs");
}

static void makeScratch(const Settings *S, Scratch *At) {
  if (!S->Isolated) {
    makeFolder(inScratch(S, At->Index, ""));
    makeFolder(inScratch(S, At->Index, "work"));
    return;
  }
  mountScratch(S, inScratch(S, At->Index, ""));
  noteScratch(S, At);
}

// What can't be removed file by file goes away as a whole.
static void replaceScratch(const Settings *S, Scratch *At) {
  static unsigned long Left;
  char Aside[PathBytes];
  inScratch(S, At->Index, "");
  if (S->Isolated && umount2(Path, MNT_DETACH) < 0)
    die("discard a run's files");
  if (!S->Isolated) {
    Path[strlen(Path) - 1] = '\0'; // rename follows no link so
    snprintf(Aside, sizeof Aside, "%.4000s/left-%lu", S->Folder, ++Left);
    if (rename(Path, Aside) < 0)
      die("put a run's files aside");
  }
  makeScratch(S, At);
}

void openScratches(const Settings *S) {
  if (S->Isolated)
    mountTmpfs(ROOT, "mode=0755");
}

Scratch openScratch(const Settings *S, uint64_t Index) {
  Scratch New = {.Index = Index};
  if (S->Isolated)
    makeFolder(inScratch(S, Index, ""));
  makeScratch(S, &New);
  return New;
}

void enterScratch(const Settings *S, const Scratch *At) {
  // Mounts of its own: other targets' folders and programs are out of sight.
  if (S->Isolated &&
      (unshare(CLONE_NEWNS) < 0 ||
       mount(inScratch(S, At->Index, ""), ROOT, NULL, MS_BIND, NULL) < 0))
    die("mount the working directory");
  if (chdir(S->Isolated ? ROOT "/work" : inScratch(S, At->Index, "work")) < 0)
    die("enter the working directory");
}

void addFile(const Settings *S, const Scratch *At, const char *Name,
             const char *Data, uint64_t Bytes) {
  char Folder[PathBytes];
  snprintf(Folder, sizeof Folder, "%s", inScratch(S, At->Index, "work"));
  if (snprintf(Path, sizeof Path, "%.3000s/%s", Folder, Name) >= PathBytes)
    die(Name);
  int File =
      open(Path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (File < 0)
    die(Name);
  for (uint64_t Done = 0; Done < Bytes;) {
    ssize_t Written = write(File, Data + Done, Bytes - Done);
    if (Written < 0)
      die(Name);
    Done += (uint64_t)Written;
  }
  close(File);
}

bool emptyScratch(const Settings *S, Scratch *At) {
  for (unsigned Pass = 0; Pass < Passes; ++Pass) {
    if (untouched(S, At))
      return true;
    nftw(inScratch(S, At->Index, ""), removeEntry, OpenFolders,
         FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
  }
  if (untouched(S, At))
    return true;
  replaceScratch(S, At);
  return false;
}
