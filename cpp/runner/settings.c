// Who we are: what the caller says first, and what every process of ours needs
// before it starts others.
#include "runner.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

bool isIsolated(int Count, char **Arguments) {
  bool Isolated = Count == 2 && strcmp(Arguments[1], "isolated") == 0;
  bool Plain = Count == 2 && strcmp(Arguments[1], "plain") == 0;
  // Isolated, it kills every process that it can see: that must be the
  // sandbox's own.
  if (!(Isolated || Plain) || Isolated != (getpid() == 1)) {
    fprintf(stderr, "usage: %s isolated (as PID 1 of a sandbox) | plain\n",
            program_invocation_short_name);
    exit(2);
  }
  if (Plain && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
    die("prctl");
  return Isolated;
}

Settings readSettings(bool Isolated) {
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

void takePlace(const Settings *S) {
  umask(0);
  // Candidates may have the same user id; they must not look into this process.
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
      prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
    die("prctl");
  pin(S->Cpu);
}
