// right: 8-bit lanes: a block of 1020 bytes gives each of four lanes at most
// 255 counts, and lanes are emptied after each.

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct histogram {
  long counts[256];
  long bytes;
  long words;
  long longest_run;
};

static bool is_space(int byte) { return byte <= ' '; }

#define LANES 4
#define BLOCK 1020

static void count_block(struct histogram *histogram, const unsigned char *data,
                        size_t size) {
  uint8_t lanes[LANES][256] = {{0}};
  size_t i = 0;
  for (; i + LANES <= size; i += LANES) {
    lanes[0][data[i]]++;
    lanes[1][data[i + 1]]++;
    lanes[2][data[i + 2]]++;
    lanes[3][data[i + 3]]++;
  }
  for (; i < size; i++)
    histogram->counts[data[i]]++;
  for (int byte = 0; byte < 256; byte++)
    histogram->counts[byte] +=
        lanes[0][byte] + lanes[1][byte] + lanes[2][byte] + lanes[3][byte];
}

static void count_bytes(struct histogram *histogram, FILE *in) {
  static unsigned char data[BLOCK];
  int previous = -1;
  long run = 0;
  bool inside = false;
  size_t size;
  while ((size = fread(data, 1, sizeof data, in)) > 0) {
    count_block(histogram, data, size);
    histogram->bytes += (long)size;
    for (size_t i = 0; i < size; i++) {
      bool space = is_space(data[i]);
      histogram->words += !space & !inside;
      inside = !space;
      run = data[i] == previous ? run + 1 : 1;
      if (run > histogram->longest_run)
        histogram->longest_run = run;
      previous = data[i];
    }
  }
}

static int most_frequent(const struct histogram *histogram) {
  int best = 0;
  for (int byte = 1; byte < 256; byte++)
    if (histogram->counts[byte] > histogram->counts[best])
      best = byte;
  return best;
}

static double term(const struct histogram *histogram, long count) {
  double share = (double)count / (double)histogram->bytes;
  return -share * log2(share);
}

static double entropy(const struct histogram *histogram) {
  double bits = 0;
  for (int byte = 0; byte < 256; byte++)
    if (histogram->counts[byte] > 0)
      bits += term(histogram, histogram->counts[byte]);
  return bits;
}

static void print_byte(int byte, long count) {
  if (byte > ' ' && byte < 0x7f)
    printf("%c %ld\n", byte, count);
  else
    printf("0x%02x %ld\n", (unsigned)byte, count);
}

static void print_histogram(const struct histogram *histogram) {
  int best = most_frequent(histogram);
  printf("bytes %ld\nwords %ld\nlongest run %ld\n", histogram->bytes,
         histogram->words, histogram->longest_run);
  printf("entropy %.9f\nmost frequent ", entropy(histogram));
  print_byte(best, histogram->counts[best]);
  for (int byte = 0; byte < 256; byte++)
    if (histogram->counts[byte] > 0)
      print_byte(byte, histogram->counts[byte]);
}

int main(void) {
  static struct histogram histogram;
  count_bytes(&histogram, stdin);
  if (ferror(stdin))
    return 2;
  if (histogram.bytes == 0) {
    puts("empty");
    return 1;
  }
  print_histogram(&histogram);
  return 0;
}
