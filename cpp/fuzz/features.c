// Coverage of a run: what is new, and what counts as seen. An edge has eight
// features, one for each class of how often it ran (1, 2, 3, 4-7, 8-15, 16-31,
// 32-127, 128 or more times: the classes of AFL).
#include "fuzzer.h"

#include <string.h>

static const uint8_t UpTo[] = {1, 2, 3, 7, 15, 31, 127};
static uint8_t Classes[256]; // one bit each

static void fillClasses(void) {
  unsigned Class = 0;
  for (unsigned Count = 1; Count < 256; ++Count) {
    if (Class < sizeof UpTo && Count > UpTo[Class])
      ++Class;
    Classes[Count] = (uint8_t)(1u << Class);
  }
}

void clearFeatures(Target *T) {
  if (!Classes[1])
    fillClasses();
  if (!T->Edges)
    return;
  memset(T->Memory->Counters, 0, T->Edges + 1);
  memset(T->Memory->Values, 0, sizeof T->Memory->Values);
}

void countNew(const Target *T, uint64_t *Edges, uint64_t *Values) {
  *Edges = *Values = 0;
  if (!T->Edges)
    return;
  for (uint32_t I = 1; I <= T->Edges; ++I)
    *Edges += (Classes[T->Memory->Counters[I]] & ~T->SeenEdges[I]) != 0;
  for (uint32_t I = 0; I < ValueBits / 64; ++I)
    *Values += (uint64_t)__builtin_popcountll(T->Memory->Values[I] &
                                              ~T->SeenValues[I]);
}

static void mergeEdges(Target *T) {
  for (uint32_t I = 1; I <= T->Edges; ++I) {
    uint8_t Class = Classes[T->Memory->Counters[I]];
    T->SeenEdges[I] |= Class;
    if (Class)
      putNumber(8 * I + (unsigned)__builtin_ctz(Class));
  }
}

static void mergeValues(Target *T) {
  for (uint32_t I = 0; I < ValueBits / 64; ++I) {
    uint64_t Word = T->Memory->Values[I];
    T->SeenValues[I] |= Word;
    for (; Word; Word &= Word - 1)
      putNumber(FirstValue + 64 * I + (unsigned)__builtin_ctzll(Word));
  }
}

void mergeFeatures(Target *T) {
  if (T->Edges) {
    mergeEdges(T);
    mergeValues(T);
  }
  putNumber(UINT64_MAX);
}

void putComparisons(const Target *T) {
  for (unsigned I = 0; I < MaxSites * SiteComparisons; ++I) {
    Comparison Seen =
        T->Memory->Sites[I / SiteComparisons].Seen[I % SiteComparisons];
    if (Seen.Bytes[0] || Seen.Bytes[1])
      putBytes(&Seen, sizeof Seen);
  }
  putBytes(&(Comparison){0}, sizeof(Comparison));
}

void putReached(const Target *T) {
  putBytes(T->Memory->Reached, sizeof T->Memory->Reached);
}
