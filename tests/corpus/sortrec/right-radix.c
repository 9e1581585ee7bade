// right: radix sort: each counting pass is stable, the sign bit is flipped, and
// descending keys are complemented.

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_RECORDS 20000

struct record {
  long key;
  char *text;
};

static struct record records[MAX_RECORDS];
static struct record scratch[MAX_RECORDS];

static bool parse_record(const char *line, struct record *record) {
  char *end;
  errno = 0;
  record->key = strtol(line, &end, 10);
  if (end == line || errno == ERANGE || (*end != ' ' && *end != '\0'))
    return false;
  record->text = strdup(*end == ' ' ? end + 1 : end);
  return record->text != NULL;
}

static long read_records(void) {
  char *line = NULL;
  size_t capacity = 0;
  ssize_t length;
  long count = 0, number = 0;
  bool good = true;
  while (good && (length = getline(&line, &capacity, stdin)) >= 0) {
    number++;
    if (length > 0 && line[length - 1] == '\n')
      line[--length] = '\0';
    if (length == 0)
      continue;
    good = count < MAX_RECORDS && parse_record(line, &records[count]);
    count += good;
  }
  free(line);
  if (!good)
    printf("line %ld: %s\n", number,
           count == MAX_RECORDS ? "too many records" : "bad key");
  return good ? count : -1;
}

static uint64_t sort_key(const struct record *record, bool descending) {
  uint64_t key = (uint64_t)record->key ^ (UINT64_C(1) << 63);
  return descending ? ~key : key;
}

static void radix_pass(const struct record *from, struct record *to, long count,
                       int shift, bool descending) {
  long starts[257] = {0};
  for (long i = 0; i < count; i++)
    starts[((sort_key(&from[i], descending) >> shift) & 255) + 1]++;
  for (int digit = 0; digit < 256; digit++)
    starts[digit + 1] += starts[digit];
  for (long i = 0; i < count; i++)
    to[starts[(sort_key(&from[i], descending) >> shift) & 255]++] = from[i];
}

static void sort(long count, bool descending) {
  for (int shift = 0; shift < 64; shift += 16) {
    radix_pass(records, scratch, count, shift, descending);
    radix_pass(scratch, records, count, shift + 8, descending);
  }
}

static void print_records(long count) {
  long distinct = 0;
  for (long i = 0; i < count; i++) {
    printf("%ld %s\n", records[i].key, records[i].text);
    distinct += i == 0 || records[i].key != records[i - 1].key;
  }
  printf("%ld records, %ld keys\n", count, distinct);
}

int main(int argc, char **argv) {
  bool descending = argc == 2 && strcmp(argv[1], "desc") == 0;
  if (!descending && (argc != 2 || strcmp(argv[1], "asc") != 0)) {
    puts("usage: sortrec asc|desc");
    return 2;
  }
  long count = read_records();
  if (count < 0)
    return 1;
  sort(count, descending);
  print_records(count);
  return 0;
}
