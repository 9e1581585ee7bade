// What instrumented code calls: clang's SanitizerCoverage (trace-pc-guard,
// trace-cmp) and, by -Wl,--wrap, the C library's comparisons of memory.
//
// Two kinds of features: how often an edge ran, and how close two compared
// values came, as libFuzzer's value profile has it: for each place the Hamming
// distance and the magnitude of the difference, so that a search gets nearer to
// an equality step by step. All is written to shared memory at once: a crash or
// _exit loses nothing.
#include "runtime.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static uint8_t Nowhere; // before the server, every guard is 0
static uint8_t *Counters = &Nowhere;
static Shared *Memory;
static uint32_t *FirstGuard, *EndGuard;

enum { Distances = 65, Probes = 16 };

// The runtime's own calls are wrapped too.
int __real_memcmp(const void *Left, const void *Right, size_t Bytes);

void llmcoopTrace(Shared *Where) {
  uint32_t Count = 0;
  for (uint32_t *Guard = FirstGuard; Guard < EndGuard; ++Guard) {
    Count = Count + 1 < MaxEdges ? Count + 1 : 1;
    *Guard = Count;
  }
  size_t All = (size_t)(EndGuard - FirstGuard);
  Where->Edges = (uint32_t)(All < MaxEdges ? All : MaxEdges - 1);
  Counters = Where->Counters;
  Memory = Where;
}

// Each file of the program calls it, with the guards of all of them.
void __sanitizer_cov_trace_pc_guard_init(uint32_t *First, uint32_t *End) {
  FirstGuard = First;
  EndGuard = End;
}

void __sanitizer_cov_trace_pc_guard(uint32_t *Guard) {
  uint8_t *Counter = &Counters[*Guard];
  *Counter = (uint8_t)(*Counter + (*Counter != UINT8_MAX));
}

// The place in the code, whatever address it was loaded at.
static uint64_t placeOf(const void *Return) {
  return (uint64_t)Return - (uint64_t)&llmcoopTrace;
}

static void addValue(uint64_t Place, unsigned Distance) {
  uint64_t Bit = Place * 0x9E3779B97F4A7C15u;
  Bit = ((Bit >> 32) + Distance) % ValueBits;
  Memory->Values[Bit / 64] |= (uint64_t)1 << (Bit % 64);
}

static Site *siteOf(uint64_t Place) {
  uint64_t Start = (Place * 0x9E3779B97F4A7C15u) >> 32;
  for (unsigned I = 0; I < Probes; ++I) {
    Site *At = &Memory->Sites[(Start + I) % MaxSites];
    if (At->Place == 0)
      At->Place = Place;
    if (At->Place == Place)
      return At;
  }
  return NULL;
}

// Of each place, the first comparisons and the last.
static void logComparison(uint64_t Place, const Comparison *Seen) {
  Site *At = siteOf(Place);
  if (!At)
    return;
  enum { First = SiteComparisons / 2 };
  uint32_t Slot = At->Count < First ? At->Count : First + At->Count % First;
  for (unsigned I = 0; I < SiteComparisons; ++I)
    if (__real_memcmp(&At->Seen[I], Seen, sizeof *Seen) == 0)
      return;
  At->Seen[Slot] = *Seen;
  ++At->Count;
}

static void logIntegers(uint64_t Place, uint64_t Left, uint64_t Right,
                        unsigned Bytes) {
  Comparison Seen = {.Bytes = {(uint8_t)Bytes, (uint8_t)Bytes}};
  memcpy(Seen.Operands[0], &Left, Bytes);
  memcpy(Seen.Operands[1], &Right, Bytes);
  logComparison(Place, &Seen);
}

static void compareIntegers(const void *Return, uint64_t Left, uint64_t Right,
                            unsigned Bytes) {
  if (!Memory)
    return;
  uint64_t Place = placeOf(Return);
  uint64_t Difference = Left > Right ? Left - Right : Right - Left;
  unsigned Unequal = (unsigned)__builtin_popcountll(Left ^ Right);
  unsigned Magnitude =
      Difference ? 64 - (unsigned)__builtin_clzll(Difference) : 0;
  addValue(Place, Unequal);
  addValue(Place, Distances + Magnitude);
  if (Memory->LogComparisons)
    logIntegers(Place, Left, Right, Bytes);
}

#define INTEGERS(Name, Type)                                                   \
  void Name(Type Left, Type Right) {                                           \
    compareIntegers(__builtin_return_address(0), Left, Right, sizeof(Type));   \
  }
INTEGERS(__sanitizer_cov_trace_cmp1, uint8_t)
INTEGERS(__sanitizer_cov_trace_cmp2, uint16_t)
INTEGERS(__sanitizer_cov_trace_cmp4, uint32_t)
INTEGERS(__sanitizer_cov_trace_cmp8, uint64_t)
INTEGERS(__sanitizer_cov_trace_const_cmp1, uint8_t)
INTEGERS(__sanitizer_cov_trace_const_cmp2, uint16_t)
INTEGERS(__sanitizer_cov_trace_const_cmp4, uint32_t)
INTEGERS(__sanitizer_cov_trace_const_cmp8, uint64_t)

// Cases: how many, their width in bits, and their values.
void __sanitizer_cov_trace_switch(uint64_t Value, uint64_t *Cases) {
  const char *Return = __builtin_return_address(0);
  for (uint64_t I = 0; I < Cases[0]; ++I)
    compareIntegers(Return + I, Value, Cases[2 + I], (unsigned)Cases[1] / 8);
}

static void compareMemory(const void *Return, const void *Left,
                          size_t LeftBytes, const void *Right,
                          size_t RightBytes) {
  uint64_t Place = placeOf(Return);
  Comparison Seen = {.Memory = 1};
  LeftBytes = LeftBytes < OperandBytes ? LeftBytes : OperandBytes;
  RightBytes = RightBytes < OperandBytes ? RightBytes : OperandBytes;
  Seen.Bytes[0] = (uint8_t)LeftBytes;
  Seen.Bytes[1] = (uint8_t)RightBytes;
  memcpy(Seen.Operands[0], Left, LeftBytes);
  memcpy(Seen.Operands[1], Right, RightBytes);
  unsigned Common = 0;
  while (Common < LeftBytes && Common < RightBytes &&
         Seen.Operands[0][Common] == Seen.Operands[1][Common])
    ++Common;
  addValue(Place, Common);
  addValue(Place, Distances + (Common == LeftBytes && Common == RightBytes));
  if (Memory->LogComparisons)
    logComparison(Place, &Seen);
}

#define BLOCKS(Name)                                                           \
  int __real_##Name(const void *Left, const void *Right, size_t Bytes);        \
  int __wrap_##Name(const void *Left, const void *Right, size_t Bytes) {       \
    if (Memory)                                                                \
      compareMemory(__builtin_return_address(0), Left, Bytes, Right, Bytes);   \
    return __real_##Name(Left, Right, Bytes);                                  \
  }
#define STRINGS(Name)                                                          \
  int __real_##Name(const char *Left, const char *Right);                      \
  int __wrap_##Name(const char *Left, const char *Right) {                     \
    if (Memory)                                                                \
      compareMemory(__builtin_return_address(0), Left,                         \
                    strnlen(Left, OperandBytes), Right,                        \
                    strnlen(Right, OperandBytes));                             \
    return __real_##Name(Left, Right);                                         \
  }
#define BOUNDED_STRINGS(Name)                                                  \
  int __real_##Name(const char *Left, const char *Right, size_t Bytes);        \
  int __wrap_##Name(const char *Left, const char *Right, size_t Bytes) {       \
    size_t Shown = Bytes < OperandBytes ? Bytes : OperandBytes;                \
    if (Memory)                                                                \
      compareMemory(__builtin_return_address(0), Left, strnlen(Left, Shown),   \
                    Right, strnlen(Right, Shown));                             \
    return __real_##Name(Left, Right, Bytes);                                  \
  }
BLOCKS(memcmp)
BLOCKS(bcmp)
STRINGS(strcmp)
STRINGS(strcasecmp)
BOUNDED_STRINGS(strncmp)
BOUNDED_STRINGS(strncasecmp)
