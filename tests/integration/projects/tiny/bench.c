#include "sums.h"
#include <stdio.h>
#include <stdlib.h>

enum { Pixels = 32768 };

static uint8_t First[Pixels], Second[Pixels];

static void fill(uint32_t Seed) {
  for (size_t I = 0; I < Pixels; ++I) {
    Seed = Seed * 1664525 + 1013904223;
    First[I] = Seed >> 24;
    Second[I] = Seed >> 16;
  }
}

int main(int Count, char **Arguments) {
  int Rounds = Count > 1 ? atoi(Arguments[1]) : 1;
  uint64_t Total = 0;
  fill(Count > 2 ? (uint32_t)atoi(Arguments[2]) : 1);
  for (int Round = 0; Round < Rounds; ++Round) {
    First[Round % Pixels] ^= (uint8_t)Round;
    Total += distance(First, Second, Pixels);
  }
  printf("%llu %u\n", (unsigned long long)Total, checksum(0, First, Pixels));
  return 0;
}
