// The fork server: stands before main and forks a copy of the process for each
// run that the driver orders. Linked with -Wl,--wrap=main.
//
// Why not the runtimes that exist: libFuzzer runs every input in the same
// process, so that globals, heap and files of one run change the next; AFL++
// resets state as we do, but knows one target a process tree and reports
// coverage only, neither outputs nor exit codes to compare.
//
// A run is a child of the driver, not of the server (CLONE_PARENT): the driver
// itself learns how it ended.
#include "runtime.h"

#include <linux/sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int __real_main(int Count, char **Arguments, char **Environment);

// For builds with mutants: which one is active, and a byte for each that was
// reached.
uint32_t llmcoop_mutant;
static uint8_t Unserved[MaxReached];
uint8_t *llmcoop_reached = Unserved;

static Shared *Memory;
static Arguments *Given; // private: a run may write to its argv
static char *Pointers[MaxArguments + 1];

static void *map(int File, size_t Bytes, int Kind) {
  void *Where = mmap(NULL, Bytes, PROT_READ | PROT_WRITE, Kind, File, 0);
  if (Where == MAP_FAILED)
    _exit(1);
  return Where;
}

static void attach(void) {
  Memory = map(SharedFd, sizeof *Memory, MAP_SHARED);
  Given = map(ArgumentsFd, sizeof *Given, MAP_PRIVATE);
  llmcoop_reached = Memory->Reached;
  if (llmcoopTrace)
    llmcoopTrace(Memory);
}

// fork() would make the child ours. The C library keeps the thread's number
// where the kernel is told to put it.
static long forkForDriver(int **Number) {
  unsigned long Flags = CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD;
  if (*Number)
    Flags |= CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
  return syscall(SYS_clone, Flags, NULL, &Memory->Child, *Number, NULL);
}

// Returns in each child.
static void serve(void) {
  int *Number = NULL;
  if (prctl(PR_GET_TID_ADDRESS, &Number, 0, 0, 0) != 0)
    Number = NULL;
  char Byte = 0;
  if (write(ChannelFd, &Byte, 1) != 1)
    _exit(1);
  for (;;) {
    if (read(ChannelFd, &Byte, 1) != 1)
      _exit(0);
    long Child = forkForDriver(&Number);
    if (Child == 0)
      return;
    if (Child < 0)
      _exit(1);
  }
}

static int takeArguments(void) {
  int Count = (int)(Given->Count < MaxArguments ? Given->Count : MaxArguments);
  char *At = Given->Strings;
  for (int I = 0; I < Count; ++I) {
    Pointers[I] = At;
    while (*At++)
      ;
  }
  return Count;
}

int __wrap_main(int Count, char **Arguments, char **Environment) {
  static bool Begun; // a program may call its own main
  if (Begun || !getenv(SERVER_VARIABLE))
    return __real_main(Count, Arguments, Environment);
  Begun = true;
  unsetenv(SERVER_VARIABLE);
  attach();
  serve();
  setsid();
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  syscall(SYS_close_range, ChannelFd, ChannelFd + ServerFds - 1, 0);
  llmcoop_mutant = Memory->Variant;
  Count = takeArguments();
  return __real_main(Count, Pointers, Environment);
}
