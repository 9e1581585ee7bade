// Prints how many integers standard input has, their sum modulo 2^64 and the
// largest of their running checksums.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
  uint64_t count = 0, sum = 0, checksum = seed, largest = 0;
  int64_t number;
  while (scanf("%" SCNd64, &number) == 1) {
    ++count;
    sum += (uint64_t)number;
    for (int round = 0; round < 200; ++round)
      checksum = (checksum ^ (uint64_t)number) * 0x9e3779b97f4a7c15u +
                 (checksum >> 31);
    if (checksum > largest)
      largest = checksum;
  }
  printf("count %" PRIu64 "\n", count);
  printf("sum %" PRIu64 "\n", sum);
  printf("largest %" PRIu64 "\n", largest);
  return count == 0;
}
