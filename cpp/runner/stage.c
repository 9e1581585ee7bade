// Where candidates run. Isolated, the executables lie in a folder that is
// covered by another mount, and only the one that runs is bound to a fixed
// path; what a run wrote goes away with the file system it was on.
#include "runner.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define STORE "/exe"
#define PROGRAM STORE "/program"
#define SCRATCH "/tmp"
enum {
  PathBytes = 4096,
  ScratchFiles = 20000
}; // without a limit, empty files would fill the kernel's memory

static int Store = -1;
static char Path[PathBytes];

void mountTmpfs(const char *Where, const char *Options) {
  if (mount("tmpfs", Where, "tmpfs", MS_NOSUID | MS_NODEV, Options) < 0)
    die("mount tmpfs");
}

void makeFolder(const char *Where) {
  if (mkdir(Where, 0777) < 0)
    die(Where);
}

const char *inFolder(const Settings *S, const char *Name) {
  if (snprintf(Path, sizeof Path, "%s/%s", S->Folder, Name) >= PathBytes)
    die("too long a path");
  return Path;
}

void openStage(const Settings *S) {
  const char *Where = S->Isolated ? STORE : inFolder(S, "exe");
  if (S->Isolated)
    mountTmpfs(Where, "mode=0755");
  else
    makeFolder(Where);
  Store = open(Where, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (Store < 0)
    die("open the executables' folder");
}

void addExecutable(uint64_t Index) {
  char Name[24];
  snprintf(Name, sizeof Name, "%lu", (unsigned long)Index);
  int File = openat(Store, Name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0555);
  if (File < 0)
    die("create an executable");
  readBlob(File);
  close(File);
}

void closeStage(const Settings *S) {
  if (!S->Isolated)
    return;
  const unsigned long ReadOnly =
      MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV;
  if (mount(NULL, STORE, NULL, ReadOnly, NULL) < 0)
    die("make the executables read-only");
  mountTmpfs(STORE,
             "mode=0755,size=4k"); // covers them; `Store` still leads there
  int Place = open(PROGRAM, O_CREAT | O_EXCL | O_CLOEXEC, 0444);
  if (Place < 0 || close(Place) < 0 ||
      mount(NULL, STORE, NULL, ReadOnly, NULL) < 0)
    die("make the program's place");
}

const char *showExecutable(const Settings *S, uint64_t Index) {
  static uint64_t Shown = UINT64_MAX;
  if (!S->Isolated) {
    char Name[32];
    snprintf(Name, sizeof Name, "exe/%lu", (unsigned long)Index);
    return inFolder(S, Name);
  }
  if (Index == Shown)
    return PROGRAM;
  char Source[64];
  snprintf(Source, sizeof Source, "/proc/self/fd/%d/%lu", Store,
           (unsigned long)Index);
  if (Shown != UINT64_MAX && umount2(PROGRAM, MNT_DETACH) < 0)
    die("unbind the last program");
  if (mount(Source, PROGRAM, NULL, MS_BIND, NULL) < 0)
    die("bind the program");
  Shown = Index;
  return PROGRAM;
}

void mountScratch(const Settings *S, const char *Where) {
  char Options[96];
  snprintf(Options, sizeof Options, "mode=1777,size=%lu,nr_inodes=%d",
           (unsigned long)S->FileBytes, ScratchFiles);
  mountTmpfs(Where, Options);
  for (const char *const *Name = (const char *const[]){"shm", "work", NULL};
       *Name; ++Name) { // /dev/shm is a link to the first
    if (snprintf(Path, sizeof Path, "%s/%s", Where, *Name) >= PathBytes)
      die("too long a path");
    makeFolder(Path);
  }
}

const char *clearScratch(const Settings *S) {
  if (!S->Isolated) { // the caller has removed the last one
    makeFolder(inFolder(S, "work"));
    return Path;
  }
  static bool Mounted;
  if (Mounted && umount2(SCRATCH, MNT_DETACH) < 0)
    die("discard the last run's files");
  mountScratch(S, SCRATCH);
  Mounted = true;
  return SCRATCH "/work";
}

int memoryFile(const char *Name) {
  int File = memfd_create(Name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (File < 0)
    die("memfd_create");
  return File;
}

int sealedInput(void) {
  int File = memoryFile("stdin");
  readBlob(File);
  const int Seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (lseek(File, 0, SEEK_SET) < 0 || fcntl(File, F_ADD_SEALS, Seals) < 0)
    die("seal stdin");
  return File;
}
