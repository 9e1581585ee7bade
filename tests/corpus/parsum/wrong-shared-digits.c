// wrong: race: both threads count last digits in one array without a lock, so
// counts may get lost on any input

// Reads whole numbers from standard input, and has two threads work out their
// sum, least, greatest and how often each last digit occurs.
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_VALUES = 100000, MAX_TOKEN = 24 };

static const long max_value = 1000000000000;

typedef struct {
  const long *values;
  size_t count;
  long sum, least, greatest;
} Part;

static size_t digits[10];

// Returns 1 for a number, 0 at the end, -1 for anything else.
static int read_value(long *value) {
  char token[MAX_TOKEN + 1], *end;
  if (scanf("%24s", token) != 1)
    return 0;
  errno = 0;
  *value = strtol(token, &end, 10);
  return *end || errno || *value > max_value || *value < -max_value ? -1 : 1;
}

static long read_values(long *values) {
  long count = 0, value = 0;
  int status;
  while ((status = read_value(&value)) == 1) {
    if (count == MAX_VALUES)
      return -1;
    values[count++] = value;
  }
  return status == 0 ? count : -1;
}

static void *work(void *argument) {
  Part *part = argument;
  part->least = LONG_MAX;
  part->greatest = LONG_MIN;
  for (size_t i = 0; i < part->count; i++) {
    long value = part->values[i];
    part->sum += value;
    part->least = value < part->least ? value : part->least;
    part->greatest = value > part->greatest ? value : part->greatest;
    digits[labs(value) % 10]++;
  }
  return NULL;
}

static int run(Part parts[2]) {
  pthread_t threads[2];
  int started = 0, failed = 0;
  for (; started < 2; started++)
    if (pthread_create(&threads[started], NULL, work, &parts[started]))
      break;
  failed = started < 2;
  for (int i = 0; i < started; i++)
    failed |= pthread_join(threads[i], NULL) != 0;
  return failed;
}

static void print(const Part parts[2]) {
  long least = parts[0].least, greatest = parts[0].greatest;
  least = parts[1].least < least ? parts[1].least : least;
  greatest = parts[1].greatest > greatest ? parts[1].greatest : greatest;
  printf("count %zu, sum %ld, from %ld to %ld\n",
         parts[0].count + parts[1].count, parts[0].sum + parts[1].sum, least,
         greatest);
  for (int i = 0; i < 10; i++)
    printf("%d: %zu\n", i, digits[i]);
}

int main(void) {
  static long values[MAX_VALUES];
  long count = read_values(values);
  if (count <= 0) {
    puts(count == 0 ? "no numbers" : "not a list of numbers");
    return count < 0;
  }
  size_t half = ((size_t)count + 1) / 2;
  Part parts[2] = {{.values = values, .count = half},
                   {.values = values + half, .count = (size_t)count - half}};
  if (run(parts)) {
    fprintf(stderr, "parsum: can't run threads\n");
    return 2;
  }
  print(parts);
  return 0;
}
