// Run a program once, watch it, and leave no process behind.
#include "runner.h"

#include <errno.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
  CandidatePid = 2
}; // always, or the number would tell test runs from timed ones
static const uint64_t SecondNs = 1000000000;

// Written by the child before it becomes the candidate: a page that execve
// takes away from it.
typedef struct {
  uint64_t StartNs;
  uint64_t StartQueuedNs;
  unsigned long StartLastTask;
  int ExecError;
  const char *Failed; // points into the program text, which both have
  int FailedError;
} Launch;

static uint64_t timeNs(struct timeval Time) {
  return (uint64_t)Time.tv_sec * SecondNs + (uint64_t)Time.tv_usec * 1000;
}

// How long a process, ended perhaps but not reaped, has been ready to run
// without a CPU.
static uint64_t queuedNs(pid_t Pid) {
  unsigned long long Queued = 0;
  char Path[64];
  snprintf(Path, sizeof Path, "/proc/%d/schedstat", Pid);
  FILE *File = fopen(Path, "re");
  if (!File || fscanf(File, "%*u %llu", &Queued) != 1)
    Queued = 0;
  if (File)
    fclose(File);
  return Queued;
}

// The last number given to a process or thread of this PID namespace; 0 if
// unknown.
static unsigned long lastTask(void) {
  unsigned long Last = 0;
  FILE *File = fopen("/proc/loadavg", "re");
  if (!File || fscanf(File, "%*s %*s %*s %*s %lu", &Last) != 1)
    Last = 0;
  if (File)
    fclose(File);
  return Last;
}

static _Noreturn void becomeCandidate(const Settings *S, const Request *R,
                                      volatile Launch *L) {
  umask(022);
  setsid();
  if (dup2(R->Input, 0) < 0 || dup2(R->Output, 1) < 0 ||
      dup2(R->Errors, 2) < 0 || close_range(3, ~0U, 0) < 0)
    L->Failed = "descriptors";
  else
    L->Failed = confine(S);
  L->FailedError = errno;
  if (L->Failed)
    _exit(1);
  L->StartQueuedNs = queuedNs(getpid());
  L->StartLastTask = lastTask();
  L->StartNs = now();
  execve(R->Program, R->Arguments, S->Environment);
  L->ExecError = errno;
  _exit(1);
}

// fork, with a chosen process number when isolated. Returns the number; the
// child's descriptor in `PidFd`.
static pid_t startChild(const Settings *S, int *PidFd) {
  pid_t Wanted = CandidatePid;
  struct clone_args Arguments = {
      .flags = CLONE_PIDFD, .exit_signal = SIGCHLD, .pidfd = (uintptr_t)PidFd};
  if (S->Isolated) {
    Arguments.set_tid = (uintptr_t)&Wanted;
    Arguments.set_tid_size = 1;
  }
  pid_t Pid = (pid_t)syscall(SYS_clone3, &Arguments, sizeof Arguments);
  if (Pid < 0)
    die("clone3");
  return Pid;
}

// Wait until the child has ended by itself (returns Exited) or must be ended.
static Ending watch(const Settings *S, const Request *R, int PidFd) {
  for (uint64_t Deadline = now() + R->TimeoutNs, Time = now(); Time < Deadline;
       Time = now()) {
    uint64_t Ns = Deadline - Time < WatchNs ? Deadline - Time : WatchNs;
    struct timespec Timeout = {.tv_nsec = (long)Ns};
    struct pollfd Polled[] = {{.fd = PidFd, .events = POLLIN},
                              {.fd = STDIN_FILENO}};
    if (ppoll(Polled, 2, &Timeout, NULL) < 0 && errno != EINTR)
      die("ppoll");
    if (Polled[0].revents)
      return Exited;
    if (Polled[1].revents)
      exit(0); // the caller is gone
    if (S->Isolated && usesTooMuchMemory(S))
      return OutOfMemory;
  }
  return TimedOut;
}

// Kill and reap everything.
static void endAll(const Settings *S, pid_t Main, Result *Done, int *Status) {
  int ItsStatus;
  struct rusage ItsUsage;
  for (pid_t Pid; (Pid = killAndReap(S, &ItsStatus, &ItsUsage)) != 0;) {
    // Work left to a process that nobody waits for is work of the run too.
    Done->CpuNs += timeNs(ItsUsage.ru_utime) + timeNs(ItsUsage.ru_stime);
    if (Pid == Main) {
      *Status = ItsStatus;
      Done->PeakRssBytes = (uint64_t)ItsUsage.ru_maxrss * 1024;
    }
  }
}

Result runOnce(const Settings *S, const Request *R) {
  static Launch *L;
  if (!L)
    L = mmap(NULL, sizeof *L, PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (L == MAP_FAILED)
    die("mmap");
  *L = (Launch){0};
  int PidFd = -1;
  pid_t Pid = startChild(S, &PidFd);
  if (Pid == 0)
    becomeCandidate(S, R, L);
  Ending End = watch(S, R, PidFd);
  uint64_t EndNs = now();
  uint64_t EndQueuedNs = queuedNs(Pid);
  int Status = 0;
  Result Done = {.End = End};
  endAll(S, Pid, &Done, &Status);
  close(PidFd);
  if (L->Failed) {
    errno = L->FailedError;
    die(L->Failed);
  }
  Done.Code = (uint64_t)WEXITSTATUS(Status);
  if (L->ExecError) {
    Done.End = NotExecutable;
    Done.Code = (uint64_t)L->ExecError;
  } else if (End == Exited && WIFSIGNALED(Status)) {
    Done.End = Signalled;
    Done.Code = (uint64_t)WTERMSIG(Status);
  }
  Done.WallNs = L->StartNs ? EndNs - L->StartNs : 0;
  // A run with threads or children queues behind its own work. Not isolated,
  // the numbers are those of the whole machine.
  bool Alone =
      !S->Isolated || (L->StartLastTask && lastTask() == L->StartLastTask);
  if (Alone && EndQueuedNs > L->StartQueuedNs)
    Done.QueuedNs = EndQueuedNs - L->StartQueuedNs;
  return Done;
}
