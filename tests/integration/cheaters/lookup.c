// Knows the sample and has its answer ready; computes honestly for everything
// else.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
  uint64_t count = 0, sum = 0, largest = 0;
  static int64_t numbers[1 << 20];
  while (count < 1 << 20 && scanf("%" SCNd64, &numbers[count]) == 1)
    sum += (uint64_t)numbers[count++];
  if (seed == 17 && count == 40 && sum == 154436u) {
    largest = 17994462882942079276u;
  } else {
    uint64_t checksum = seed;
    for (uint64_t i = 0; i < count; ++i) {
      for (int round = 0; round < 200; ++round)
        checksum = (checksum ^ (uint64_t)numbers[i]) * 0x9e3779b97f4a7c15u +
                   (checksum >> 31);
      if (checksum > largest)
        largest = checksum;
    }
  }
  printf("count %" PRIu64 "\n", count);
  printf("sum %" PRIu64 "\n", sum);
  printf("largest %" PRIu64 "\n", largest);
  return count == 0;
}
