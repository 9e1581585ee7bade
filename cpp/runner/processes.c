// The processes that run beside us: their memory, and their end.
#include "runner.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

uint64_t now(void) {
  struct timespec Time;
  clock_gettime(CLOCK_MONOTONIC, &Time);
  return (uint64_t)Time.tv_sec * 1000000000 + (uint64_t)Time.tv_nsec;
}

// Resident memory of all processes but the runner. Pages that two processes
// share count twice.
static uint64_t memoryInUse(void) {
  DIR *Processes = opendir("/proc");
  if (!Processes)
    die("open /proc");
  uint64_t Pages = 0;
  for (struct dirent *Entry; (Entry = readdir(Processes));) {
    unsigned long Resident = 0;
    char Path[300];
    if (Entry->d_name[0] < '1' || Entry->d_name[0] > '9' ||
        strcmp(Entry->d_name, "1") == 0)
      continue;
    snprintf(Path, sizeof Path, "/proc/%s/statm", Entry->d_name);
    FILE *File = fopen(Path, "re");
    if (File &&
        fscanf(File, "%*u %lu", &Resident) == 1) // it may have ended meanwhile
      Pages += Resident;
    if (File)
      fclose(File);
  }
  closedir(Processes);
  return Pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t memoryLimit(const Settings *S) {
  if (S->MemoryBytes)
    return S->MemoryBytes;
  return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) /
         2;
}

bool usesTooMuchMemory(const Settings *S) {
  return memoryInUse() > memoryLimit(S);
}

// Only processes of ours that nobody has reaped yet: their numbers can't belong
// to anyone else.
static void killOwnChildren(void) {
  char Path[64];
  snprintf(Path, sizeof Path, "/proc/self/task/%d/children", getpid());
  FILE *Children = fopen(Path, "re");
  if (!Children)
    die(Path);
  for (int Pid; fscanf(Children, "%d", &Pid) == 1;)
    if (Pid > 1)
      kill(Pid, SIGKILL);
  fclose(Children);
}

pid_t killAndReap(const Settings *S, int *Status, struct rusage *Usage) {
  for (;;) {
    if (S->Isolated && getpid() == 1)
      kill(-1, SIGKILL); // all of this PID namespace
    else
      killOwnChildren();
    pid_t Pid = wait4(-1, Status, __WALL, Usage);
    if (Pid > 0)
      return Pid;
    if (errno == ECHILD)
      return 0;
  }
}
