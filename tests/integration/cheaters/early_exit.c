// Stops before the expensive part is done.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int main(void) {
  uint64_t count = 0, sum = 0;
  int64_t number;
  while (scanf("%" SCNd64, &number) == 1) {
    ++count;
    sum += (uint64_t)number;
  }
  printf("count %" PRIu64 "\n", count);
  printf("sum %" PRIu64 "\n", sum);
  exit(0);
}
