// What the parts of the runner share, and what cpp/fuzz takes from it. main.c
// says what the runner is and documents its protocol.
#ifndef LLMCOOP_RUNNER_H
#define LLMCOOP_RUNNER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#define NO_CPU UINT64_MAX // not pinned

typedef struct {
  bool Isolated; // PID 1 of its own namespaces; otherwise a plain process of
                 // the user (--no-sandbox)
  char
      *Folder; // where executables and working directories go when not isolated
  uint64_t Cpu;
  uint64_t User; // the uid and gid of candidates; 0: the runner's own
  uint64_t CpuSeconds;
  uint64_t MemoryBytes; // 0: address space not limited
  uint64_t FileBytes;
  uint64_t Processes;
  uint64_t StackBytes;
  char **Environment;
} Settings;

typedef struct {
  const char *Program;
  char **Arguments;
  int Input;  // sealed, so that nobody can leave a note in it for the next run
  int Output; // both are empty files in memory
  int Errors;
  uint64_t TimeoutNs;
} Request;

// How a run ended; the numbers are part of the protocol.
typedef enum {
  Exited = 0,
  Signalled = 1,
  TimedOut = 2,
  OutOfMemory = 3,
  NotExecutable = 4
} Ending;

typedef struct {
  Ending End;
  uint64_t Code; // exit code, signal number or errno of execve
  uint64_t WallNs;
  uint64_t QueuedNs; // of WallNs, ready but without a CPU; 0 where unknown
  uint64_t CpuNs;    // of all processes of the run
  uint64_t PeakRssBytes;
} Result;

// settings.c
bool isIsolated(int Count, char **Arguments); // ends us with the usage if wrong
Settings readSettings(bool Isolated);
void takePlace(const Settings *S); // the rights of this process, and its CPU

// wire.c: numbers are 64 bits in the machine's order; strings and blobs are a
// number and as many bytes.
uint64_t readNumber(void);
char *readString(void);
char **
readStrings(void); // a count and as many strings; ends with a null pointer
void freeStrings(char **Strings);
void readBlob(int File);
void readExactly(void *Buffer, uint64_t Bytes);
void writeBytes(const void *Data, uint64_t Bytes);
void writeNumber(uint64_t Number);
void writeBlob(int File,
               uint64_t Limit); // at most the last `Limit` bytes of the file

// Prints "llmcoop-runner: WHAT: strerror(errno)" and ends us, and with us the
// PID namespace.
_Noreturn void die(const char *What);

// stage.c: the executables, hidden but for the one that runs, and a working
// directory that nothing survives.
void openStage(const Settings *S);
void addExecutable(uint64_t Index); // reads its blob
void closeStage(const Settings *S);
const char *showExecutable(const Settings *S, uint64_t Index);
const char *clearScratch(const Settings *S); // returns the working directory
void mountScratch(const Settings *S, const char *Where); // isolated only
void mountTmpfs(const char *Where, const char *Options);
void makeFolder(const char *Where);
const char *inFolder(const Settings *S,
                     const char *Name); // until the next call
int memoryFile(const char *Name);
int sealedInput(void); // reads its blob

// confine.c: from here to execve there is no way back. Returns what failed, or
// null.
const char *confine(const Settings *S);

// processes.c
static const uint64_t WatchNs = 50000000; // how often to look at memory
uint64_t now(void);
bool usesTooMuchMemory(const Settings *S);
// Kills every process but this one and reaps one; 0 when there is none. Orphans
// come to us, as PID 1 or as subreaper.
pid_t killAndReap(const Settings *S, int *Status, struct rusage *Usage);

// run.c
Result runOnce(const Settings *S, const Request *R);

#endif
