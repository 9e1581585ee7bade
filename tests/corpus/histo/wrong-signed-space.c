// wrong: signed char: bytes from 0x80 on are negative chars and so are taken
// for separators of words.

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

static void count_bytes(struct histogram *histogram, FILE *in) {
  static char data[4096];
  char previous = '\0', byte;
  long run = 0;
  bool inside = false;
  size_t size;
  while ((size = fread(data, 1, sizeof data, in)) > 0) {
    histogram->bytes += (long)size;
    for (size_t i = 0; i < size; i++, previous = byte) {
      byte = data[i];
      histogram->counts[(unsigned char)byte]++;
      histogram->words += byte > ' ' && !inside;
      inside = byte > ' ';
      run = run > 0 && byte == previous ? run + 1 : 1;
      if (run > histogram->longest_run)
        histogram->longest_run = run;
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
