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
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { StderrTailBytes = 1 << 16 };

static Settings readSettings(bool Isolated) {
  Settings S = {.Isolated = Isolated};
  S.Folder = readString();
  S.Cpu = readNumber();
  S.User = readNumber();
  S.CpuSeconds = readNumber();
  S.MemoryBytes = readNumber();
  S.FileBytes = readNumber();
  S.Processes = readNumber();
  S.StackBytes = readNumber();
  S.Environment = readStrings();
  return S;
}

// The runner shares the candidate's CPU: it sleeps meanwhile, and waking it up
// there takes no interrupt.
static void pin(uint64_t Cpu) {
  if (Cpu == NO_CPU)
    return;
  cpu_set_t Set;
  CPU_ZERO(&Set);
  CPU_SET(Cpu, &Set);
  if (sched_setaffinity(0, sizeof Set, &Set) < 0)
    die("pin to the CPU");
}

static void setUp(const Settings *S) {
  umask(0);
  // Candidates may have the same user id; they must not look into this process.
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
      prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
    die("prctl");
  pin(S->Cpu);
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
  bool Isolated = Count == 2 && strcmp(Arguments[1], "isolated") == 0;
  bool Plain = Count == 2 && strcmp(Arguments[1], "plain") == 0;
  // Isolated, it kills every process that it can see: that must be the
  // sandbox's own.
  if (!(Isolated || Plain) || Isolated != (getpid() == 1)) {
    fputs("usage: llmcoop-runner isolated (as PID 1 of a sandbox) | plain\n",
          stderr);
    return 2;
  }
  if (Plain && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
    die("prctl");
  Settings S = readSettings(Isolated);
  setUp(&S);
  writeNumber(1);
  for (;;)
    serveRun(&S);
}
