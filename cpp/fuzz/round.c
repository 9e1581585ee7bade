// Run some targets on one input, side by side, and watch them.
#include "fuzzer.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { Attempts = 3 };
static const uint64_t KillNs = 2000000000; // the kernel's time to end a process

static void overwrite(int File, const char *Data, uint64_t Bytes) {
  if (ftruncate(File, (off_t)Bytes) < 0)
    die("write the input");
  for (uint64_t Done = 0; Done < Bytes;) {
    ssize_t Written = pwrite(File, Data + Done, Bytes - Done, (off_t)Done);
    if (Written < 0)
      die("write the input");
    Done += (uint64_t)Written;
  }
}

// Descriptors are shared with the server, and so is the place in the file.
static void rewindFiles(const Target *T) {
  if (ftruncate(T->Output, 0) < 0 || ftruncate(T->Errors, 0) < 0 ||
      lseek(T->Input, 0, SEEK_SET) < 0 || lseek(T->Output, 0, SEEK_SET) < 0 ||
      lseek(T->Errors, 0, SEEK_SET) < 0)
    die("rewind");
}

static void addFiles(const Target *T, const Run *R) {
  Message Files = R->Files;
  for (uint64_t I = 0, Bytes; I < R->FileCount; ++I) {
    const char *Name = takeBlob(&Files, &Bytes);
    const char *Data = takeBlob(&Files, &Bytes);
    addFile(&T->S, &T->Files, Name, Data, Bytes);
  }
}

static void give(Target *T, const Run *R) {
  overwrite(T->Input, R->Input, R->InputBytes);
  rewindFiles(T);
  addFiles(T, R);
  T->Given->Count = (uint32_t)R->ArgumentCount;
  memcpy(T->Given->Strings, R->Arguments, R->ArgumentBytes);
  clearFeatures(T);
  T->Memory->Child = 0;
  T->Memory->Variant = R->Variant;
  T->Memory->LogComparisons = R->LogComparisons;
  if (R->LogComparisons)
    memset(T->Memory->Sites, 0, sizeof T->Memory->Sites);
  if (R->ShowReached)
    memset(T->Memory->Reached, 0, sizeof T->Memory->Reached);
}

static void order(Target *T, const Run *R) {
  char Byte = 0;
  T->Running = true;
  T->Lost = false;
  T->End = Exited;
  T->Status = 0;
  T->StartNs = now();
  T->DeadlineNs = T->StartNs + R->TimeoutNs;
  if (send(T->Channel, &Byte, 1, MSG_NOSIGNAL) < 0 && errno != EPIPE)
    die("order a run");
}

static void finish(Target *T, Ending End, int Status) {
  T->EndNs = now();
  T->Running = false;
  T->Status = Status;
  if (T->End == Exited)
    T->End = End == Exited && WIFSIGNALED(Status) ? Signalled : End;
}

static void ended(Fuzzer *F, pid_t Pid, int Status) {
  for (Target *T = F->Targets; T < F->Targets + F->Count; ++T) {
    if (T->Pid == Pid) {
      T->ServerStatus = Status;
      close(T->Channel);
      T->Pid = 0;
      T->Lost = T->Running && T->Memory->Child == 0;
      T->Running = T->Running && !T->Lost;
      return;
    }
    if (T->Running && T->Memory->Child == Pid) {
      finish(T, Exited, Status);
      return;
    }
  }
}

static void reap(Fuzzer *F) {
  int Status;
  for (pid_t Pid; (Pid = waitpid(-1, &Status, WNOHANG | __WALL)) > 0;)
    ended(F, Pid, Status);
}

// The servers go too; they start again when they are needed.
static void endAll(Fuzzer *F, Ending End) {
  int Status;
  struct rusage Usage;
  for (Target *T = F->Targets; T < F->Targets + F->Count; ++T)
    if (T->Running)
      finish(T, End, 0);
  for (pid_t Pid; (Pid = killAndReap(&F->S, &Status, &Usage)) != 0;)
    ended(F, Pid, Status);
}

// What a program wrote into Child is not believed.
static bool killChild(const Fuzzer *F, const Target *T) {
  siginfo_t Info;
  pid_t Child = T->Memory->Child;
  for (const Target *Other = F->Targets; Other < F->Targets + F->Count; ++Other)
    if (Child <= 1 || Other->Pid == Child)
      return false;
  return waitid(P_PID, (id_t)Child, &Info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         kill(Child, SIGKILL) == 0;
}

// Returns when to look again.
static uint64_t expire(Fuzzer *F) {
  uint64_t Time = now(), Next = Time + WatchNs;
  for (Target *T = F->Targets; T < F->Targets + F->Count; ++T) {
    if (T->Running && Time >= T->DeadlineNs) {
      bool Hangs = T->End == TimedOut || !killChild(F, T);
      T->End = TimedOut;
      T->DeadlineNs = Time + KillNs;
      if (Hangs)
        endAll(F, TimedOut);
    }
    if (T->Running && T->DeadlineNs < Next)
      Next = T->DeadlineNs;
  }
  return Next;
}

static uint64_t running(const Fuzzer *F) {
  uint64_t Count = 0;
  for (const Target *T = F->Targets; T < F->Targets + F->Count; ++T)
    Count += T->Running;
  return Count;
}

// Until fewer than `Limit` runs are left.
static void await(Fuzzer *F, uint64_t Limit) {
  sigset_t Ended;
  sigemptyset(&Ended);
  sigaddset(&Ended, SIGCHLD);
  for (uint64_t Look = now() + WatchNs; running(F) >= Limit;) {
    uint64_t Next = expire(F), Time = now();
    uint64_t Wait = Next > Time ? Next - Time : 0;
    struct timespec Timeout = {.tv_nsec = (long)Wait};
    if (running(F) >= Limit)
      sigtimedwait(&Ended, NULL, &Timeout);
    reap(F);
    if (now() < Look)
      continue;
    Look = now() + WatchNs;
    if (F->S.Isolated && usesTooMuchMemory(&F->S))
      endAll(F, OutOfMemory);
  }
}

static bool isServer(const Fuzzer *F, pid_t Pid) {
  for (const Target *T = F->Targets; T < F->Targets + F->Count; ++T)
    if (T->Pid == Pid)
      return true;
  return false;
}

// Whether a run left processes: they are our children now.
static bool leftProcesses(const Fuzzer *F) {
  char List[4096];
  ssize_t Bytes = pread(F->Children, List, sizeof List - 1, 0);
  if (Bytes < 0)
    die("list our children");
  List[Bytes] = '\0';
  char *End = List;
  for (char *At = List;; At = End) {
    pid_t Pid = (pid_t)strtol(At, &End, 10);
    if (End == At)
      return false;
    if (!isServer(F, Pid))
      return true;
  }
}

static void cleanUp(Fuzzer *F, const uint64_t *Which, uint64_t Count) {
  reap(F);
  if (leftProcesses(F))
    endAll(F, Exited);
  for (uint64_t I = 0; I < Count; ++I) {
    Target *T = &F->Targets[Which[I]];
    if (!emptyScratch(&T->S, &T->Files))
      stopServer(T);
  }
}

static bool start(Target *T, const Run *R) {
  for (unsigned I = 0; I < Attempts; ++I)
    if (serving(T)) {
      give(T, R);
      order(T, R);
      return true;
    }
  reportFailure(T);
  return false;
}

// A server that ended before it could fork is no fault of this run.
static bool repeatLost(Fuzzer *F, const Run *R, Target *T) {
  for (unsigned I = 0; T->Lost && I < Attempts; ++I) {
    if (!emptyScratch(&T->S, &T->Files))
      stopServer(T);
    if (!start(T, R))
      return false;
    await(F, 1);
  }
  if (T->Lost)
    reportFailure(T);
  return !T->Lost;
}

bool runRound(Fuzzer *F, const Run *R, const uint64_t *Which, uint64_t Count) {
  bool Ok = true;
  for (uint64_t I = 0; I < Count && Ok; ++I) {
    await(F, F->Parallel);
    Ok = start(&F->Targets[Which[I]], R);
  }
  await(F, 1);
  for (uint64_t I = 0; I < Count && Ok; ++I)
    Ok = repeatLost(F, R, &F->Targets[Which[I]]);
  cleanUp(F, Which, Count);
  return Ok;
}
