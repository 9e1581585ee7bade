// The fork server of a target: started when it is needed, again when it ended.
#include "fuzzer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { StartMs = 30000, StderrTailBytes = 1 << 14 };

// Not sealable: a program could seal what the next run writes to.
static int plainFile(const char *Name) {
  int File = memfd_create(Name, MFD_CLOEXEC);
  if (File < 0)
    die("memfd_create");
  return File;
}

// Sealed: a program that shrinks it would crash us.
static int fixedFile(const char *Name, uint64_t Bytes) {
  int File = memoryFile(Name);
  if (ftruncate(File, (off_t)Bytes) < 0 ||
      fcntl(File, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
    die("seal memory");
  return File;
}

static void *map(int File, uint64_t Bytes) {
  void *Where = mmap(NULL, Bytes, PROT_READ | PROT_WRITE, MAP_SHARED, File, 0);
  if (Where == MAP_FAILED)
    die("mmap");
  return Where;
}

void openTarget(const Fuzzer *F, Target *T, uint64_t Index, bool Limited) {
  *T = (Target){.S = F->S, .Channel = -1};
  if (!Limited)
    T->S.MemoryBytes = 0;
  T->Files = openScratch(&T->S, Index);
  T->Input = plainFile("stdin");
  T->Output = plainFile("stdout");
  T->Errors = plainFile("stderr");
  T->MemoryFile = fixedFile("shared", sizeof(Shared));
  T->Memory = map(T->MemoryFile, sizeof(Shared));
  T->ArgumentsFile = fixedFile("arguments", sizeof(Arguments));
  T->Given = map(T->ArgumentsFile, sizeof(Arguments));
  T->SeenEdges = calloc(MaxEdges, 1);
  if (!T->SeenEdges)
    die("calloc");
}

static char **serverEnvironment(const Settings *S) {
  unsigned Count = 0;
  while (S->Environment[Count])
    ++Count;
  char **All = calloc(Count + 2, sizeof *All);
  if (!All)
    die("calloc");
  memcpy(All, S->Environment, Count * sizeof *All);
  All[Count] = SERVER_VARIABLE "=1";
  return All;
}

static _Noreturn void becomeServer(Target *T, const char *Program,
                                   int Channel) {
  sigset_t None;
  sigemptyset(&None);
  sigprocmask(SIG_SETMASK, &None, NULL);
  umask(022);
  setsid();
  enterScratch(&T->S, &T->Files);
  const int Given[][2] = {{T->Input, 0},
                          {T->Output, 1},
                          {T->Errors, 2},
                          {Channel, ChannelFd},
                          {T->MemoryFile, SharedFd},
                          {T->ArgumentsFile, ArgumentsFd}};
  for (unsigned I = 0; I < sizeof Given / sizeof *Given; ++I)
    if (dup2(Given[I][0], Given[I][1]) < 0)
      die("descriptors");
  if (close_range(3, ChannelFd - 1, 0) < 0 ||
      close_range(ChannelFd + ServerFds, ~0U, 0) < 0)
    die("descriptors");
  const char *Failed = confine(&T->S);
  if (Failed)
    die(Failed);
  char *Names[] = {"program", NULL};
  execve(Program, Names, serverEnvironment(&T->S));
  die("not executable");
}

// Waits for its first byte.
static bool isReady(int Channel) {
  struct pollfd Polled = {.fd = Channel, .events = POLLIN};
  char Byte;
  int Ready;
  do
    Ready = poll(&Polled, 1, StartMs);
  while (Ready < 0 && errno == EINTR);
  return Ready > 0 && read(Channel, &Byte, 1) == 1;
}

bool serving(Target *T) {
  if (T->Pid)
    return true;
  int Ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, Ends) < 0)
    die("socketpair");
  if (ftruncate(T->Output, 0) < 0 || ftruncate(T->Errors, 0) < 0 ||
      lseek(T->Output, 0, SEEK_SET) < 0 || lseek(T->Errors, 0, SEEK_SET) < 0)
    die("empty the outputs");
  const char *Program = showExecutable(&T->S, T->Files.Index);
  T->Pid = fork();
  if (T->Pid < 0)
    die("fork");
  if (T->Pid == 0)
    becomeServer(T, Program, Ends[1]);
  close(Ends[1]);
  T->Channel = Ends[0];
  if (isReady(T->Channel)) {
    uint32_t Edges = T->Memory->Edges;
    T->Edges = Edges < MaxEdges ? Edges : MaxEdges - 1;
    noteScratch(&T->S, &T->Files);
    return true;
  }
  stopServer(T);
  return false;
}

void stopServer(Target *T) {
  if (!T->Pid)
    return;
  kill(T->Pid, SIGKILL);
  waitpid(T->Pid, &T->ServerStatus, __WALL);
  close(T->Channel);
  T->Pid = 0;
}

void reportFailure(const Target *T) {
  dropReply();
  putNumber(T->Files.Index);
  bool Signalled_ = WIFSIGNALED(T->ServerStatus);
  putNumber(Signalled_ ? Signalled : Exited);
  putNumber((uint64_t)(Signalled_ ? WTERMSIG(T->ServerStatus)
                                  : WEXITSTATUS(T->ServerStatus)));
  putBlobOf(T->Errors, StderrTailBytes);
}
