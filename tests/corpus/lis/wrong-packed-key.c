// wrong: equal keys: end and start are sorted as one number, so bookings with
// the same end come by start and no longer by line

// Reads bookings, one "START END WEIGHT" a line, and prints the longest rising
// run of their starts, and the most bookings and the most weight that don't
// overlap. A booking ends before END. Lines that make no sense are counted.
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_BOOKINGS = 1000, MAX_LINE = 128 };

typedef struct {
  int start, end, weight, line;
} Booking;

static int parse_int(char **text, int *value) {
  char *end;
  errno = 0;
  long number = strtol(*text, &end, 10);
  if (end == *text || errno || number < INT_MIN || number > INT_MAX)
    return 0;
  *text = end;
  *value = (int)number;
  return 1;
}

static int parse(char *text, Booking *booking) {
  return parse_int(&text, &booking->start) && parse_int(&text, &booking->end) &&
         parse_int(&text, &booking->weight) &&
         (*text == '\n' || *text == '\0') && booking->start < booking->end;
}

static int read_bookings(Booking *bookings, int *bad) {
  char text[MAX_LINE];
  int count = 0;
  for (int line = 1; count < MAX_BOOKINGS && fgets(text, MAX_LINE, stdin);
       line++) {
    if (!parse(text, &bookings[count])) {
      ++*bad;
      continue;
    }
    bookings[count++].line = line;
  }
  return count;
}

// The longest subsequence of starts that rises; with `equal`, may stand still.
static int longest(const Booking *bookings, int count, int equal) {
  static int lengths[MAX_BOOKINGS];
  int best = 0;
  for (int i = 0; i < count; i++) {
    lengths[i] = 1;
    for (int j = 0; j < i; j++)
      if ((bookings[j].start < bookings[i].start ||
           (equal && bookings[j].start == bookings[i].start)) &&
          lengths[j] >= lengths[i])
        lengths[i] = lengths[j] + 1;
    best = lengths[i] > best ? lengths[i] : best;
  }
  return best;
}

static int by_key(const void *left, const void *right) {
  const Booking *a = left, *b = right;
  int64_t x = a->end * (INT64_C(1) << 32) + a->start;
  int64_t y = b->end * (INT64_C(1) << 32) + b->start;
  return (x > y) - (x < y);
}

static void sort_by_end(Booking *bookings, int count) {
  qsort(bookings, (size_t)count, sizeof *bookings, by_key);
}

static void print_most(const Booking *sorted, int count) {
  int last = INT_MIN, chosen = 0;
  printf("lines:");
  for (int i = 0; i < count; i++) {
    if (sorted[i].start < last)
      continue;
    last = sorted[i].end;
    chosen++;
    printf(" %d", sorted[i].line);
  }
  printf("\nmost: %d\n", chosen);
}

// How many of the bookings before number `i` are over when it starts.
static int count_before(const Booking *sorted, int i) {
  int count = i;
  while (count > 0 && sorted[count - 1].end > sorted[i].start)
    count--;
  return count;
}

static void print_heaviest(const Booking *sorted, int count) {
  static long long best[MAX_BOOKINGS + 1];
  for (int i = 0; i < count; i++) {
    long long with = best[count_before(sorted, i)] + sorted[i].weight;
    best[i + 1] = with > best[i] ? with : best[i];
  }
  printf("heaviest: %lld\n", best[count]);
}

int main(void) {
  static Booking bookings[MAX_BOOKINGS];
  int bad = 0, count = read_bookings(bookings, &bad);
  printf("bookings: %d, bad lines: %d\n", count, bad);
  printf("rising: %d\n", longest(bookings, count, 0));
  printf("not falling: %d\n", longest(bookings, count, 1));
  sort_by_end(bookings, count);
  print_most(bookings, count);
  print_heaviest(bookings, count);
  return bad > 0;
}
