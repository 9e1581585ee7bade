/* A lagged Fibonacci generator with carry. Each term is the sum of two earlier ones and of the carry that the sum before
 * left over; to one of the two a step is added first, which wraps:
 *     x[n] = x[n - LONG] + (x[n - SHORT] + step) % 2^64 + carry[n - 1]
 * Step and first terms come from a seed; with seed 0 the first terms are 0 and 2^64 - 1 and there is no step, which makes
 * long carries. Prints some terms on the way, and a digest of the last ones.
 */
#include <immintrin.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long long Word;

enum { BATCH = 6, BLOCK = 340 * BATCH, SHORTEST = BATCH, LONGEST = 1024 };

typedef struct {
  size_t long_lag, short_lag;
  Word step;
  unsigned char carry;
  Word terms[LONGEST + BLOCK]; /* the last `long_lag` terms, then those of a block */
} Generator;

static uint64_t next_random(uint64_t *state) {
  *state += 0x9e3779b97f4a7c15u;
  uint64_t z = *state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static void start(Generator *generator, size_t long_lag, size_t short_lag, uint64_t seed) {
  int extreme = seed == 0;
  *generator = (Generator){.long_lag = long_lag, .short_lag = short_lag, .step = extreme ? 0 : next_random(&seed)};
  for (size_t i = 0; i < long_lag; i++) {
    uint64_t term = next_random(&seed);
    generator->terms[i] = extreme ? -(term & 1) : term;
  }
}

/* Makes the next `count` terms, at most BLOCK. No term of a batch depends on another one except by the carry. Batches
 * are summed without the carry of the one before, not to wait for it; it seldom gets further than the first term.
 */
static __attribute__((noinline)) void make_terms(Generator *generator, size_t count) {
  const Word *far = generator->terms, step = generator->step;
  Word *next = generator->terms + generator->long_lag;
  const Word *near = next - generator->short_lag;
  unsigned char carry = generator->carry;
#pragma clang loop unroll_count(2)
  for (; count >= BATCH; count -= BATCH) {
    Word sums[BATCH];
    unsigned char own = 0;
    for (int i = 0; i < BATCH; i++)
      sums[i] = near[i] + step;
    for (int i = 0; i < BATCH; i++)
      own = _addcarry_u64(own, far[i], sums[i], &sums[i]);
    carry = _addcarry_u64(0, sums[0], carry, &sums[0]);
    if (__builtin_expect(carry, 0))
      for (int i = 1; i < BATCH; i++)
        carry = _addcarry_u64(carry, sums[i], 0, &sums[i]);
    carry |= own;
    memcpy(next, sums, sizeof sums);
    far += BATCH, near += BATCH, next += BATCH;
  }
  for (size_t i = 0; i < count; i++)
    carry = _addcarry_u64(carry, far[i], near[i] + step, &next[i]);
  generator->carry = carry;
}

/* Makes `count` terms, block by block, and keeps the last ones in front. */
static void run(Generator *generator, long count) {
  long blocks = (count + BLOCK - 1) / BLOCK;
  for (long block = 0; block < blocks; block++) {
    size_t size = block + 1 < blocks ? BLOCK : (size_t)(count - block * BLOCK);
    make_terms(generator, size);
    if (block % (blocks / 4 + 1) == 0)
      printf("after block %ld: %016llx\n", block, generator->terms[generator->long_lag + size - 1]);
    memmove(generator->terms, generator->terms + size, generator->long_lag * sizeof(Word));
  }
}

static uint64_t digest(const Generator *generator) {
  uint64_t hash = 14695981039346656037u ^ generator->carry;
  for (size_t i = 0; i < generator->long_lag; i++)
    hash = (hash ^ generator->terms[i]) * 1099511628211u;
  return hash;
}

static long number(const char *text, long low, long high) {
  char *end;
  long value = strtol(text, &end, 10);
  if (end == text || *end || value < low || value > high) {
    fprintf(stderr, "fibonacci: '%s' is not a number from %ld to %ld\n", text, low, high);
    exit(2);
  }
  return value;
}

int main(int argc, char **argv) {
  static Generator generator;
  if (argc != 5) {
    fprintf(stderr, "usage: fibonacci LONG SHORT COUNT SEED   (lags from %d to %d)\n", SHORTEST, LONGEST);
    return 2;
  }
  long long_lag = number(argv[1], SHORTEST, LONGEST), short_lag = number(argv[2], SHORTEST, long_lag);
  long count = number(argv[3], 0, 100000000000);
  start(&generator, (size_t)long_lag, (size_t)short_lag, (uint64_t)number(argv[4], 0, 1000000000));
  run(&generator, count);
  printf("%ld terms, the last %ld have digest %016" PRIx64 "\n", count, long_lag, digest(&generator));
  return 0;
}
