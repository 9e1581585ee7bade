/* Integers and control flow: recursion, varargs, function pointers, statics, switches, strings. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int calls;

int fib(int n) {
  calls++;
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static int is_odd(int n);
int is_even(int n) { return n == 0 ? 1 : is_odd(n - 1); }
static int is_odd(int n) { return n == 0 ? 0 : is_even(n - 1); }

double sum_pairs(int n, ...) {
  va_list list;
  va_start(list, n);
  double sum = 0;
  while (n--) {
    sum += va_arg(list, int);
    sum += va_arg(list, double);
  }
  va_end(list);
  return sum;
}

int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
int (*choose(int any))(const void *, const void *) { return any ? compare : 0; }

typedef struct {
  int values[12];
  int seen;
} Block;

Block rotate(Block block, int by) {
  static int times;
  Block result;
  for (int i = 0; i < 12; i++)
    result.values[(i + by) % 12] = block.values[i] * 3 + times;
  result.seen = ++times;
  return result;
}

int classify(const char *text) {
  int score = 0;
  for (; *text; text++)
    switch (*text) {
    case 'a': score += 5; break;
    case 'b': score ^= 3; break;
    case 'c': score *= 2; break;
    case 'd': score -= 9; break;
    case 'e': score |= 64; break;
    default: score++;
    }
  return score;
}

__attribute__((noinline)) int bits(const unsigned *words, int n) {
  int count = 0;
  for (int i = 0; i < n; i++)
    count += __builtin_popcount(words[i]);
  return count;
}

int assembly(int x) {
  __asm__("addl $1, %0" : "+r"(x));
  return x;
}

int main(void) {
  int numbers[64];
  unsigned words[77];
  for (int i = 0; i < 64; i++)
    numbers[i] = (i * 7919) % 101;
  for (int i = 0; i < 77; i++)
    words[i] = (unsigned)i * 2654435761u;
  qsort(numbers, 64, sizeof *numbers, choose(1));
  Block block = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 0};
  block = rotate(rotate(block, 5), 2);
  printf("%d %d %d %d\n", fib(17), calls, is_even(501), assembly(6));
  printf("%g %d\n", sum_pairs(4, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5), choose(1) == compare);
  printf("%d %d %d %d\n", numbers[0], numbers[63], bits(words, 77), classify("abcdexyzabba"));
  printf("%d %d %d\n", block.values[0], block.values[11], block.seen);
  return 0;
}
