// What the driver and a fork server see of each other: descriptors and memory.
// Nothing that a program wrote here is trusted: it can cost its own run, not
// the driver.
#ifndef LLMCOOP_FUZZ_SHARED_H
#define LLMCOOP_FUZZ_SHARED_H

#include <stdint.h>

// Set: there is a driver, and the descriptors below are open.
#define SERVER_VARIABLE "LLMCOOP_FORK_SERVER"

enum {
  ChannelFd = 200, // to the driver: one byte when ready; from it: one a run
  SharedFd = 201,
  ArgumentsFd = 202,
  ServerFds = 3,

  MaxEdges = 1 << 18,
  ValueBits = 1 << 17,
  MaxReached = 1 << 16,
  MaxArguments = 1 << 16,
  ArgumentBytes = 1 << 21,

  MaxSites = 1024, // places in the code that compare
  SiteComparisons = 16,
  OperandBytes = 64
};

typedef struct {
  uint8_t Memory; // of memcmp, strcmp and the like; otherwise integers
  uint8_t Bytes[2];
  uint8_t Operands[2][OperandBytes];
} Comparison;

typedef struct {
  uint64_t Place; // 0: free
  uint32_t Count; // all that were seen; the first few and the last are here
  Comparison Seen[SiteComparisons];
} Site;

typedef struct {
  uint32_t Variant;        // by the driver
  uint32_t LogComparisons; // by the driver
  uint32_t Edges;          // by the runtime: numbered from 1 to this
  int32_t Child;           // by the kernel
  uint64_t Values[ValueBits / 64];
  uint8_t Counters[MaxEdges];
  uint8_t Reached[MaxReached];
  Site Sites[MaxSites];
} Shared;

typedef struct {
  uint32_t Count;
  char Strings[ArgumentBytes]; // each ends with a zero
} Arguments;

#endif
