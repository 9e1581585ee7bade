// right: quicksort with places: equal keys are ordered by their line, so the
// order is total and the sort as if stable.

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_RECORDS 20000

struct record {
  long key;
  char *text;
  long place;
};

static struct record records[MAX_RECORDS];

static bool parse_record(const char *line, struct record *record) {
  char *end;
  errno = 0;
  record->key = strtol(line, &end, 10);
  if (end == line || errno == ERANGE || (*end != ' ' && *end != '\0'))
    return false;
  record->place = record - records;
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

static bool before(const struct record *a, const struct record *b,
                   bool descending) {
  if (a->key == b->key)
    return a->place < b->place;
  return descending ? a->key > b->key : a->key < b->key;
}

static void insert(struct record *base, long count, bool descending) {
  for (long i = 1; i < count; i++) {
    struct record moved = base[i];
    long hole = i;
    for (; hole > 0 && before(&moved, &base[hole - 1], descending); hole--)
      base[hole] = base[hole - 1];
    base[hole] = moved;
  }
}

static void swap(struct record *a, struct record *b) {
  struct record held = *a;
  *a = *b;
  *b = held;
}

static long partition(struct record *base, long count, bool descending) {
  struct record pivot = base[count / 2];
  long low = 0, high = count - 1;
  for (;; low++, high--) {
    while (before(&base[low], &pivot, descending))
      low++;
    while (before(&pivot, &base[high], descending))
      high--;
    if (low >= high)
      return high;
    swap(&base[low], &base[high]);
  }
}

static void sort(struct record *base, long count, bool descending) {
  while (count > 12) {
    long split = partition(base, count, descending) + 1;
    sort(base + split, count - split, descending);
    count = split;
  }
  insert(base, count, descending);
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
