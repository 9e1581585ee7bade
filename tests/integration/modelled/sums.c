// Adds numbers of many words, and counts the inversions of a list: two hot functions, each slow at another level.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORDS = 64 };

__attribute__((noinline)) void add(uint64_t *restrict sum, const uint64_t *restrict term, long words) {
  unsigned char carry = 0;
  for (long i = 0; i < words; i++) {
    uint64_t low = sum[i] + term[i];
    unsigned char first = low < sum[i];
    uint64_t total = low + carry;
    carry = (unsigned char)(first | (total < low));
    sum[i] = total;
  }
}

__attribute__((noinline)) static long inversions(const int *values, long count) {
  long found = 0;
  for (long i = 0; i < count; i++)
    for (long k = 0; k < i; k++)
      found += values[k] > values[i];
  return found;
}

int main(int argc, char **argv) {
  if (argc != 3 || atol(argv[1]) < 1 || atol(argv[2]) < 1 || atol(argv[2]) > 100000) {
    fprintf(stderr, "usage: sums ADDITIONS VALUES\n");
    return 2;
  }
  long additions = atol(argv[1]), count = atol(argv[2]);
  static uint64_t sum[WORDS], term[WORDS];
  for (int i = 0; i < WORDS; i++) {
    sum[i] = 0x9e3779b97f4a7c15u * (uint64_t)(i + 1);
    term[i] = ~sum[i] * 5;
  }
  for (long i = 0; i < additions; i++) {
    term[i % WORDS] ^= (uint64_t)i;
    add(sum, term, WORDS);
  }
  int *values = malloc(sizeof *values * (size_t)count);
  if (!values)
    return 1;
  uint32_t state = 12345;
  for (long i = 0; i < count; i++) {
    state = state * 1664525u + 1013904223u;
    values[i] = (int)(state >> 12) & 1023;
  }
  uint64_t digest = 0;
  for (int i = 0; i < WORDS; i++)
    digest = digest * 31 + sum[i];
  printf("%016llx %ld\n", (unsigned long long)digest, inversions(values, count));
  free(values);
  return 0;
}
