/* Rank correlation of several series with each other: Kendall's tau-b, from the pairs of observations that two series
 * put in the same order and those that they put in opposite orders. The series come from standard input, or are made up
 * from a seed. Prints the counts and the coefficient for each two series.
 */
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  int count;  /* of observations */
  int series; /* observed at a time */
  int32_t *values[16];
} Table;

typedef struct {
  int64_t concordant, discordant;
  int64_t tied_first, tied_second; /* pairs that are equal in that series */
} Pairs;

static void *allocate(size_t size) {
  void *memory = calloc(size + 1, 1);
  if (!memory) {
    fprintf(stderr, "kendall: out of memory\n");
    exit(1);
  }
  return memory;
}

static Table new_table(int count, int series) {
  Table table = {.count = count, .series = series};
  for (int s = 0; s < series; s++)
    table.values[s] = allocate((size_t)count * sizeof(int32_t));
  return table;
}

static uint64_t next_random(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return *state >> 33;
}

/* Each series follows a common one more loosely than the series before it. */
static Table make_table(int count, int series, int steps, uint64_t seed) {
  Table table = new_table(count, series);
  uint64_t state = seed;
  for (int i = 0; i < count; i++) {
    int64_t common = (int64_t)(next_random(&state) % 1000000);
    for (int s = 0; s < series; s++) {
      int64_t noise = (int64_t)(next_random(&state) % 1000000);
      table.values[s][i] = (int32_t)((common * (series - s) + noise * (s + 1)) / (series + 1) * steps / 1000000);
    }
  }
  return table;
}

static int by_key(const void *left, const void *right) {
  int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
  return (a > b) - (a < b);
}

/* Sorts by merging; gives how many pairs were in the wrong order. */
static int64_t sort_and_count(int32_t *values, int32_t *space, int count) {
  if (count <= 12) {
    int64_t swaps = 0;
    for (int i = 1; i < count; i++) {
      int32_t value = values[i];
      int j = i;
      for (; j > 0 && values[j - 1] > value; j--)
        values[j] = values[j - 1];
      values[j] = value;
      swaps += i - j;
    }
    return swaps;
  }
  int half = count / 2;
  int64_t swaps = sort_and_count(values, space, half) + sort_and_count(values + half, space, count - half);
  memcpy(space, values, (size_t)half * sizeof *space);
  for (int i = 0, j = half, to = 0; i < half; to++) {
    if (j < count && values[j] < space[i]) {
      swaps += half - i;
      values[to] = values[j++];
    } else {
      values[to] = space[i++];
    }
  }
  return swaps;
}

static int64_t pairs_of(int64_t count) { return count * (count - 1) / 2; }

/* Knight: in the order of the first series, those pairs are discordant that a sort of the second one swaps. */
static Pairs count_pairs(const int32_t *first, const int32_t *second, int count) {
  int64_t *keys = allocate((size_t)count * sizeof *keys), tied_both = 0;
  int32_t *values = allocate((size_t)count * sizeof *values), *space = allocate((size_t)count * sizeof *space);
  Pairs pairs = {0, 0, 0, 0};
  for (int i = 0; i < count; i++)
    keys[i] = (int64_t)first[i] * ((int64_t)1 << 32) + (uint32_t)second[i];
  qsort(keys, (size_t)count, sizeof *keys, by_key);
  for (int i = 0, same_first = 0, same_both = 0; i < count; i++) {
    values[i] = (int32_t)(uint32_t)keys[i];
    same_first = i && keys[i] >> 32 == keys[i - 1] >> 32 ? same_first + 1 : 0;
    same_both = i && keys[i] == keys[i - 1] ? same_both + 1 : 0;
    pairs.tied_first += same_first;
    tied_both += same_both;
  }
  pairs.discordant = sort_and_count(values, space, count);
  for (int i = 0, same = 0; i < count; i++) {
    same = i && values[i] == values[i - 1] ? same + 1 : 0;
    pairs.tied_second += same;
  }
  pairs.concordant = pairs_of(count) - pairs.tied_first - pairs.tied_second + tied_both - pairs.discordant;
  free(space);
  free(values);
  free(keys);
  return pairs;
}

static double tau(const Pairs *pairs, int count) {
  int64_t all = (int64_t)count * (count - 1) / 2;
  double untied_first = (double)(all - pairs->tied_first), untied_second = (double)(all - pairs->tied_second);
  if (untied_first == 0 || untied_second == 0)
    return 0;
  return (double)(pairs->concordant - pairs->discordant) / (sqrt(untied_first) * sqrt(untied_second));
}

static void report(const Table *table) {
  for (int a = 0; a < table->series; a++) {
    for (int b = a + 1; b < table->series; b++) {
      Pairs pairs = count_pairs(table->values[a], table->values[b], table->count);
      printf("%d-%d: %" PRId64 " concordant, %" PRId64 " discordant, tied %" PRId64 " %" PRId64 ", tau %.9f\n", a + 1,
             b + 1, pairs.concordant, pairs.discordant, pairs.tied_first, pairs.tied_second, tau(&pairs, table->count));
    }
  }
}

static int number(const char *text, long low, long high) {
  char *end;
  long value = strtol(text, &end, 10);
  if (end == text || *end || value < low || value > high) {
    fprintf(stderr, "kendall: '%s' is not a number from %ld to %ld\n", text, low, high);
    exit(2);
  }
  return (int)value;
}

/* COUNT and SERIES, then so many lines of so many values. */
static Table read_table(FILE *file) {
  int count, series;
  if (fscanf(file, "%d %d", &count, &series) != 2 || count < 0 || count > 100000 || series < 1 || series > 16) {
    fprintf(stderr, "kendall: a table begins with COUNT and SERIES\n");
    exit(2);
  }
  Table table = new_table(count, series);
  for (int i = 0; i < count * series; i++) {
    if (fscanf(file, "%" SCNd32, &table.values[i % series][i / series]) != 1) {
      fprintf(stderr, "kendall: value %d of %d is missing\n", i + 1, count * series);
      exit(2);
    }
  }
  return table;
}

int main(int argc, char **argv) {
  if (argc != 1 && argc != 5) {
    fprintf(stderr, "usage: kendall COUNT SERIES STEPS SEED, or kendall < TABLE\n");
    return 2;
  }
  Table table = argc == 1 ? read_table(stdin)
                          : make_table(number(argv[1], 0, 100000), number(argv[2], 1, 16), number(argv[3], 1, 1000000),
                                       (uint64_t)number(argv[4], 0, 1000000000));
  report(&table);
  for (int s = 0; s < table.series; s++)
    free(table.values[s]);
  return 0;
}
