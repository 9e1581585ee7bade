// wrong: stale cache: rows of the table are filled up to the N of the query
// that first needs them, and a later one with a larger N reads too few ways.

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_QUERIES 100
#define MAX_FIB 10000
#define MAX_PATHS 150
#define MAX_PARTS 300

static uint32_t modulus = 1000000007;

static uint32_t add(uint32_t a, uint32_t b) {
  return (uint32_t)(((uint64_t)a + b) % modulus);
}

static uint32_t fib(unsigned n) {
  uint32_t a = 0, b = 1 % modulus;
  for (unsigned i = 0; i < n; i++) {
    uint32_t next = add(a, b);
    a = b;
    b = next;
  }
  return a;
}

static uint32_t paths(unsigned rows, unsigned columns) {
  uint32_t row[MAX_PATHS + 1];
  for (unsigned column = 0; column <= columns; column++)
    row[column] = 1 % modulus;
  for (unsigned i = 0; i < rows; i++)
    for (unsigned column = 1; column <= columns; column++)
      row[column] = add(row[column], row[column - 1]);
  return row[columns];
}

static uint32_t part_rows[MAX_PARTS + 1][MAX_PARTS + 1];
static unsigned rows_known;

static uint32_t parts(unsigned n, unsigned largest) {
  if (rows_known == 0) {
    memset(part_rows[0], 0, sizeof part_rows[0]);
    part_rows[0][0] = 1 % modulus;
    rows_known = 1;
  }
  for (; rows_known <= largest; rows_known++) {
    uint32_t *row = part_rows[rows_known];
    memcpy(row, part_rows[rows_known - 1], sizeof part_rows[0]);
    for (unsigned sum = rows_known; sum <= n; sum++)
      row[sum] = add(row[sum], row[sum - rows_known]);
  }
  return part_rows[largest][n];
}

static bool parse_numbers(const char *text, int count, unsigned max,
                          unsigned *numbers) {
  for (int i = 0; i < count; i++) {
    if (text[0] != ' ' || text[1] < '0' || text[1] > '9')
      return false;
    char *end;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (errno == ERANGE || number > max)
      return false;
    numbers[i] = (unsigned)number;
    text = end;
  }
  return *text == '\0';
}

static bool answer(const char *line) {
  unsigned n[2];
  if (strncmp(line, "mod", 3) == 0) {
    if (!parse_numbers(line + 3, 1, UINT32_MAX, n) || n[0] == 0)
      return false;
    modulus = n[0];
    rows_known = 0;
    return true;
  }
  if (strncmp(line, "fib", 3) == 0 && parse_numbers(line + 3, 1, MAX_FIB, n))
    printf("%u\n", fib(n[0]));
  else if (strncmp(line, "paths", 5) == 0 &&
           parse_numbers(line + 5, 2, MAX_PATHS, n))
    printf("%u\n", paths(n[0], n[1]));
  else if (strncmp(line, "parts", 5) == 0 &&
           parse_numbers(line + 5, 2, MAX_PARTS, n))
    printf("%u\n", parts(n[0], n[1]));
  else
    return false;
  return true;
}

int main(void) {
  char *line = NULL;
  size_t capacity = 0;
  ssize_t length;
  int status = 0;
  for (int number = 1; number <= MAX_QUERIES; number++) {
    if ((length = getline(&line, &capacity, stdin)) < 0)
      break;
    if (length > 0 && line[length - 1] == '\n')
      line[length - 1] = '\0';
    if (!answer(line)) {
      printf("line %d: bad query\n", number);
      status = 1;
    }
  }
  free(line);
  return status;
}
