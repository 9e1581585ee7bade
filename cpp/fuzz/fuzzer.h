// What the parts of the driver share. main.c says what it is and documents its
// protocol.
#ifndef LLMCOOP_FUZZ_FUZZER_H
#define LLMCOOP_FUZZ_FUZZER_H

#include "../runner/runner.h"
#include "shared.h"

#include <sys/vfs.h>

enum { DigestBytes = 32 };

// message.c: a request or reply as a whole.
typedef struct {
  const char *At;
  const char *End;
} Message;

Message readMessage(void);        // the last one is gone then
uint64_t takeNumber(Message *In); // as in wire.c
const char *takeBytes(Message *In, uint64_t Bytes);
const char *takeBlob(Message *In, uint64_t *Bytes);
void putNumber(uint64_t Number);
void putBytes(const void *Data, uint64_t Bytes);
void putBlobOf(int File, uint64_t Limit); // its last `Limit` bytes
void dropReply(void);
uint64_t sizeOf(int File);
void sendReply(uint64_t Success); // all that was put

// sha256.c
void sha256OfFile(int File, uint8_t *Digest);

// scratch.c: the folders that runs of one target write to.
typedef struct {
  uint64_t Index;
  struct statfs Clean; // isolated: how full it is before a run
} Scratch;

void openScratches(const Settings *S);
Scratch openScratch(const Settings *S, uint64_t Index);
void enterScratch(const Settings *S, const Scratch *At); // for a new process
void noteScratch(const Settings *S, Scratch *At); // this is how runs find it
void addFile(const Settings *S, const Scratch *At, const char *Name,
             const char *Data, uint64_t Bytes);
// Removes what a run left; false: only a new server will find it empty.
bool emptyScratch(const Settings *S, Scratch *At);

// One run of one target: a list of them is a round.
typedef struct {
  uint64_t ArgumentCount;
  const char *Arguments; // strings, each ends with a zero
  uint64_t ArgumentBytes;
  const char *Input;
  uint64_t InputBytes;
  uint64_t FileCount;
  Message Files; // name, contents
  uint64_t TimeoutNs;
  uint32_t Variant;
  bool LogComparisons;
  bool ShowReached;
} Run;

typedef struct {
  Settings S;
  pid_t Pid;        // of the server; 0: not running
  int ServerStatus; // how it ended last, as of wait
  int Channel;
  int Input;
  int Output;
  int Errors;
  int MemoryFile;
  int ArgumentsFile;
  Shared *Memory;
  Arguments *Given;
  Scratch Files;
  uint32_t Edges; // 0: without coverage
  uint8_t *SeenEdges;
  uint64_t SeenValues[ValueBits / 64];
  // The last run.
  bool Running;
  bool Lost; // the server ended before it could fork
  Ending End;
  int Status; // as of wait
  uint64_t StartNs;
  uint64_t EndNs;
  uint64_t DeadlineNs;
} Target;

typedef struct {
  Settings S;
  Target *Targets;
  uint64_t Count;
  uint64_t Parallel; // how many runs at a time
  int Children;      // list of our children, as the kernel has it
} Fuzzer;

// server.c
void openTarget(const Fuzzer *F, Target *T, uint64_t Index, bool Limited);
bool serving(Target *T); // starts its server if none runs
void stopServer(Target *T);
void reportFailure(const Target *T); // puts: index, ending, code, stderr

// round.c: false if a server can't be had; then its failure has been put.
bool runRound(Fuzzer *F, const Run *R, const uint64_t *Which, uint64_t Count);

// features.c: of the last run of a target.
enum { FirstValue = MaxEdges * 8 }; // the first feature that is not an edge's
void clearFeatures(Target *T);
void countNew(const Target *T, uint64_t *Edges, uint64_t *Values);
void mergeFeatures(Target *T);        // puts all that it has, and all ones
void putComparisons(const Target *T); // and an empty one
void putReached(const Target *T);

#endif
