// llmcoop-fuzzer: runs programs on very many inputs, each run from the same
// state, and says what each did and which code it reached.
//
// The programs are built with the runtime (see runtime/server.c). Isolated
// (`llmcoop-fuzzer isolated`) it is PID 1 of a bubblewrap sandbox, as
// llmcoop-runner is; `llmcoop-fuzzer plain` is for --no-sandbox.
//
// Protocol, over stdin and stdout; words as in llmcoop-runner's.
//
//   caller: settings as for llmcoop-runner, executables (list of blobs), for
//           each of them: 1 if its memory is limited; then runs at a time
//   fuzzer: a reply (success, and a blob), empty
//   then for each request
//   caller: a blob: what to show (see `Shown`), time-out in ns, variant,
//           targets (list of numbers), runs (list of: number of arguments from
//           argv[0] on, blob of them, each with a zero at its end; stdin
//           (blob); files (list of: name with a zero at its end, blob))
//   fuzzer: a reply: for each run and target an answer: ending (see `Ending`),
//           code, wall time in ns, bytes of stdout, new edges, new values,
//           SHA-256 of stdout; and what is shown of it
//
// A reply without success has: index of the target whose server can't be had,
// how it ended last (ending, code), its stderr (blob); then it is over.
//
// End of file on stdin ends it. A failure of its own is said on stderr, with
// exit status 1.
#include "fuzzer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { StderrTailBytes = 1 << 16 };

typedef enum {
  Answers = 0,
  Outputs = 1,  // stdout, the end of stderr (blobs)
  Features = 2, // numbers; all ones ends them; they count as seen from now on
  Comparisons = 3,  // as `Comparison`; an empty one ends them
  ReachedPlaces = 4 // MaxReached bytes
} Shown;

static void fail(void) {
  sendReply(0);
  exit(1);
}

static Fuzzer setUp(bool Isolated) {
  Fuzzer F = {.S = readSettings(Isolated)};
  takePlace(&F.S);
  sigset_t Ended;
  sigemptyset(&Ended);
  sigaddset(&Ended, SIGCHLD);
  char Path[64];
  snprintf(Path, sizeof Path, "/proc/self/task/%d/children", getpid());
  F.Children = open(Path, O_RDONLY | O_CLOEXEC);
  if (F.Children < 0 || sigprocmask(SIG_BLOCK, &Ended, NULL) < 0)
    die(Path);
  openStage(&F.S);
  openScratches(&F.S);
  F.Count = readNumber();
  F.Targets = calloc(F.Count + 1, sizeof *F.Targets);
  if (!F.Targets)
    die("calloc");
  for (uint64_t I = 0; I < F.Count; ++I)
    addExecutable(I);
  closeStage(&F.S);
  for (uint64_t I = 0; I < F.Count; ++I)
    openTarget(&F, &F.Targets[I], I, readNumber());
  F.Parallel = readNumber();
  return F;
}

static Run takeRun(Message *In, Run R) {
  R.ArgumentCount = takeNumber(In);
  R.Arguments = takeBlob(In, &R.ArgumentBytes);
  R.Input = takeBlob(In, &R.InputBytes);
  R.FileCount = takeNumber(In);
  R.Files = *In;
  for (uint64_t I = 0, Bytes; I < 2 * R.FileCount; ++I)
    takeBlob(In, &Bytes);
  errno = E2BIG;
  if (R.ArgumentCount > MaxArguments || R.ArgumentBytes > ArgumentBytes)
    die("arguments");
  return R;
}

static void putAnswer(const Target *T) {
  uint64_t Edges, Values;
  uint8_t Digest[DigestBytes];
  sha256OfFile(T->Output, Digest);
  countNew(T, &Edges, &Values);
  putNumber(T->End);
  putNumber((uint64_t)(T->End == Signalled ? WTERMSIG(T->Status)
                                           : WEXITSTATUS(T->Status)));
  putNumber(T->EndNs - T->StartNs);
  putNumber(sizeOf(T->Output));
  putNumber(Edges);
  putNumber(Values);
  putBytes(Digest, sizeof Digest);
}

static void show(Target *T, Shown What) {
  putAnswer(T);
  switch (What) {
  case Answers:
    break;
  case Outputs:
    putBlobOf(T->Output, UINT64_MAX);
    putBlobOf(T->Errors, StderrTailBytes);
    break;
  case Features:
    mergeFeatures(T);
    break;
  case Comparisons:
    putComparisons(T);
    break;
  case ReachedPlaces:
    putReached(T);
    break;
  }
}

static void serveRequest(Fuzzer *F) {
  Message In = readMessage();
  Shown What = (Shown)takeNumber(&In);
  Run Common = {.TimeoutNs = takeNumber(&In),
                .LogComparisons = What == Comparisons,
                .ShowReached = What == ReachedPlaces};
  Common.Variant = (uint32_t)takeNumber(&In);
  uint64_t Count = takeNumber(&In);
  uint64_t Which[Count + 1];
  for (uint64_t I = 0; I < Count; ++I)
    Which[I] = takeNumber(&In);
  for (uint64_t Runs = takeNumber(&In); Runs > 0; --Runs) {
    Run R = takeRun(&In, Common);
    if (!runRound(F, &R, Which, Count))
      fail();
    for (uint64_t I = 0; I < Count; ++I)
      show(&F->Targets[Which[I]], What);
  }
  sendReply(1);
}

int main(int Count, char **Arguments) {
  bool Isolated = isIsolated(Count, Arguments);
  if (!Isolated && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
    die("prctl");
  Fuzzer F = setUp(Isolated);
  for (Target *T = F.Targets; T < F.Targets + F.Count; ++T)
    if (!serving(T)) {
      reportFailure(T);
      fail();
    }
  sendReply(1);
  for (;;)
    serveRequest(&F);
}
