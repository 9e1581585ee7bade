// wrong: stale cache: the memo of lattice paths is kept when the modulus
// changes.

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

static uint32_t path_memo[MAX_PATHS + 1][MAX_PATHS + 1];
static bool path_known[MAX_PATHS + 1][MAX_PATHS + 1];

static uint32_t paths(unsigned rows, unsigned columns) {
  if (rows == 0 || columns == 0)
    return 1 % modulus;
  if (!path_known[rows][columns]) {
    path_memo[rows][columns] =
        add(paths(rows - 1, columns), paths(rows, columns - 1));
    path_known[rows][columns] = true;
  }
  return path_memo[rows][columns];
}

static uint32_t parts(unsigned n, unsigned largest) {
  uint32_t ways[MAX_PARTS + 1] = {1 % modulus};
  for (unsigned part = 1; part <= largest; part++)
    for (unsigned sum = part; sum <= n; sum++)
      ways[sum] = add(ways[sum], ways[sum - part]);
  return ways[n];
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
