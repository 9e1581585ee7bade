// wrong: overrun: the table of known terms has no place for a count of exactly
// 64, which lands behind it.

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct histogram {
  long counts[256];
  long bytes;
  long words;
  long longest_run;
};

static bool is_space(int byte) { return byte <= ' '; }

static void count_bytes(struct histogram *histogram, FILE *in) {
  int previous = -1, byte;
  long run = 0;
  bool inside = false;
  while ((byte = getc(in)) != EOF) {
    histogram->counts[byte]++;
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

static int most_frequent(const struct histogram *histogram) {
  int best = 0;
  for (int byte = 1; byte < 256; byte++)
    if (histogram->counts[byte] > histogram->counts[best])
      best = byte;
  return best;
}

#define KNOWN 64

static double known[KNOWN];

static double compute_term(const struct histogram *histogram, long count) {
  double share = (double)count / (double)histogram->bytes;
  return -share * log2(share);
}

static double term(const struct histogram *histogram, long count) {
  if (count > KNOWN)
    return compute_term(histogram, count);
  if (known[count] == 0)
    known[count] = compute_term(histogram, count);
  return known[count];
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
