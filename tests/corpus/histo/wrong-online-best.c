// wrong: ties: the most frequent byte is tracked while counting, so of several
// the first to get there wins, not the lowest.

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct histogram {
  long counts[256];
  long bytes;
  long words;
  long longest_run;
  int best;
};

static bool is_space(int byte) { return byte <= ' '; }

static void count_bytes(struct histogram *histogram, FILE *in) {
  int previous = -1, byte;
  long run = 0;
  bool inside = false;
  while ((byte = getc(in)) != EOF) {
    long count = ++histogram->counts[byte];
    if (count > histogram->counts[histogram->best])
      histogram->best = byte;
    histogram->bytes++;
    if (!is_space(byte) && !inside)
      histogram->words++;
    inside = !is_space(byte);
    run = byte == previous ? run + 1 : 1;
    if (run > histogram->longest_run)
      histogram->longest_run = run;
    previous = byte;
  }
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
  int best = histogram->best;
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
