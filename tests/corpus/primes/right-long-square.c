// right: square start: smaller multiples have a smaller prime factor and are
// marked already; i * i fits a long.

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define MAX_LIMIT 2000000
#define MAX_NUMBER UINT64_C(10000000000)
#define MAX_NUMBERS 16

struct summary {
  long count;
  long sum;
  long last;
  long gap;
};

static bool composite[MAX_LIMIT + 1];

static bool parse_number(const char *text, uint64_t max, uint64_t *number) {
  *number = 0;
  const char *digit = text;
  for (; *digit >= '0' && *digit <= '9' && *number <= max; digit++)
    *number = *number * 10 + (uint64_t)(*digit - '0');
  return digit != text && *digit == '\0' && *number <= max;
}

static void add_prime(struct summary *summary, long prime) {
  if (summary->count > 0 && prime - summary->last > summary->gap)
    summary->gap = prime - summary->last;
  summary->count++;
  summary->sum += prime;
  summary->last = prime;
}

static struct summary sieve(long limit) {
  struct summary summary = {0};
  for (long i = 2; i <= limit; i++) {
    if (composite[i])
      continue;
    add_prime(&summary, i);
    for (long j = i * i; j <= limit; j += i)
      composite[j] = true;
  }
  return summary;
}

static void print_factor(const char *separator, uint64_t prime, int power) {
  printf("%s%llu", separator, (unsigned long long)prime);
  if (power > 1)
    printf("^%d", power);
}

static void print_factors(uint64_t number) {
  printf("%llu", (unsigned long long)number);
  const char *separator = " = ";
  for (uint64_t divisor = 2; divisor * divisor <= number; divisor++) {
    int power = 0;
    for (; number % divisor == 0; number /= divisor)
      power++;
    if (power > 0) {
      print_factor(separator, divisor, power);
      separator = " * ";
    }
  }
  if (number > 1 || separator[1] == '=')
    print_factor(separator, number, 1);
  putchar('\n');
}

static int bad_number(const char *text) {
  printf("bad number: %s\n", text);
  return 1;
}

int main(int argc, char **argv) {
  uint64_t limit, numbers[MAX_NUMBERS];
  int count = argc - 2;
  if (count < 0 || count > MAX_NUMBERS) {
    puts("usage: primes LIMIT [NUMBER...]");
    return 2;
  }
  if (!parse_number(argv[1], MAX_LIMIT, &limit))
    return bad_number(argv[1]);
  for (int i = 0; i < count; i++)
    if (!parse_number(argv[i + 2], MAX_NUMBER, &numbers[i]) || numbers[i] == 0)
      return bad_number(argv[i + 2]);
  struct summary summary = sieve((long)limit);
  printf("%ld primes, sum %ld, last %ld, gap %ld\n", summary.count, summary.sum,
         summary.last, summary.gap);
  for (int i = 0; i < count; i++)
    print_factors(numbers[i]);
  return 0;
}
