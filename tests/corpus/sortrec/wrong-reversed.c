// wrong: unstable sort: descending order is the ascending one read backwards,
// so lines with equal keys are reversed.

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

static void merge(struct record *base, long middle, long count) {
  long left = 0, right = middle, out = 0;
  while (left < middle && right < count) {
    if (base[left].key <= base[right].key)
      scratch[out++] = base[left++];
    else
      scratch[out++] = base[right++];
  }
  while (left < middle)
    scratch[out++] = base[left++];
  while (right < count)
    scratch[out++] = base[right++];
  memcpy(base, scratch, (size_t)count * sizeof *base);
}

static void sort(struct record *base, long count) {
  if (count < 2)
    return;
  long middle = count / 2;
  sort(base, middle);
  sort(base + middle, count - middle);
  merge(base, middle, count);
}

static void reverse(struct record *base, long count) {
  for (long i = 0, j = count - 1; i < j; i++, j--) {
    struct record held = base[i];
    base[i] = base[j];
    base[j] = held;
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
  sort(records, count);
  if (descending)
    reverse(records, count);
  print_records(count);
  return 0;
}
