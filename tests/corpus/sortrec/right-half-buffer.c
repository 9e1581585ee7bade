// right: half-size merge: only the left half is copied out, and what is left of
// the right half is in place.

#include <errno.h>
#include <stdbool.h>
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

static bool in_order(const struct record *a, const struct record *b,
                     bool descending) {
  return descending ? a->key >= b->key : a->key <= b->key;
}

static void merge(struct record *base, long middle, long count,
                  bool descending) {
  memcpy(scratch, base, (size_t)middle * sizeof *base);
  long left = 0, right = middle, out = 0;
  while (left < middle && right < count) {
    if (in_order(&scratch[left], &base[right], descending))
      base[out++] = scratch[left++];
    else
      base[out++] = base[right++];
  }
  memcpy(base + out, scratch + left, (size_t)(middle - left) * sizeof *base);
}

static void sort(struct record *base, long count, bool descending) {
  if (count < 2)
    return;
  long middle = count / 2;
  sort(base, middle, descending);
  sort(base + middle, count - middle, descending);
  merge(base, middle, count, descending);
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
  sort(records, count, descending);
  print_records(count);
  return 0;
}
