// llmcoop-runner: runs programs that nobody has read, one run after the other,
// and reports each.
//
// Isolated (`llmcoop-runner isolated`) it is PID 1 of a bubblewrap sandbox and
// has CAP_SYS_ADMIN there: every run gets a fresh /tmp, sees only its own
// executable, and all its processes are killed afterwards. Otherwise
// (`llmcoop-runner plain`, for --no-sandbox) it is a process of the user that
// applies limits only.
//
// Protocol, over stdin and stdout. A number has 64 bits in the machine's byte
// order; a string or blob is a number of bytes and the bytes; a list is a count
// and its items.
//
//   caller: folder (string; where to work when plain), cpu (all ones: not
//   pinned), user id of candidates (0: own),
//           limits: CPU seconds, memory bytes (0: none), file bytes, processes,
//           stack bytes; environment (list of strings), executables (list of
//           blobs)
//   runner: the number 1: ready
//   then for each run
//   caller: executable (index), time-out in ns, arguments (list of strings,
//   from argv[0]),
//           files for the working directory (list of: name, blob), stdin (blob)
//   runner: ending (see `Ending`), code, wall time in ns, CPU time in ns, peak
//   resident bytes,
//           stdout (blob), stderr (blob; its end)
//
// End of file on stdin ends it. A failure of its own is said on stderr, with
// exit status 1.
#include "runner.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { StderrTailBytes = 1 << 16 };

static void setUp(const Settings *S) {
  takePlace(S);
  openStage(S);
  for (uint64_t Count = readNumber(), I = 0; I < Count; ++I)
    addExecutable(I);
  closeStage(S);
}

static void copyFiles(void) {
  for (uint64_t Count = readNumber(); Count > 0; --Count) {
    char *Name = readString();
    int File =
        open(Name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (File < 0)
      die(Name);
    readBlob(File);
    close(File);
    free(Name);
  }
}

static void serveRun(const Settings *S) {
  uint64_t Index = readNumber();
  Request R = {.TimeoutNs = readNumber()};
  R.Arguments = readStrings();
  if (chdir(clearScratch(S)) < 0)
    die("enter the working directory");
  copyFiles();
  R.Input = sealedInput();
  R.Output = memoryFile("stdout");
  R.Errors = memoryFile("stderr");
  R.Program = showExecutable(S, Index);
  Result Done = runOnce(S, &R);
  if (chdir("/") < 0)
    die("leave the working directory");
  const uint64_t Numbers[] = {Done.End,      Done.Code,  Done.WallNs,
                              Done.QueuedNs, Done.CpuNs, Done.PeakRssBytes};
  for (unsigned I = 0; I < sizeof Numbers / sizeof *Numbers; ++I)
    writeNumber(Numbers[I]);
  writeBlob(R.Output, UINT64_MAX);
  writeBlob(R.Errors, StderrTailBytes);
  close(R.Input);
  close(R.Output);
  close(R.Errors);
  freeStrings(R.Arguments);
}

int main(int Count, char **Arguments) {
  bool Isolated = isIsolated(Count, Arguments);
  Settings S = readSettings(Isolated);
  setUp(&S);
  writeNumber(1);
  for (;;)
    serveRun(&S);
}
