/* Similarity search over molecular fingerprints: bit sets of 1024 bits, compared by the Tanimoto coefficient
 * (common bits / all bits). Finds the nearest neighbours of queries in a random library that consists of clusters.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 16, NEIGHBOURS = 8 };

typedef struct {
  uint64_t bits[WORDS];
} Fingerprint;

typedef struct {
  int index;
  int common, all; /* the similarity is common / all */
} Match;

typedef struct {
  Match matches[NEIGHBOURS]; /* the best first */
  int count;
} Result;

static uint64_t next_random(uint64_t *state) {
  *state += 0x9e3779b97f4a7c15u;
  uint64_t z = *state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/* About a quarter of the bits are set; members of a cluster differ in about one of 16. */
static void fill(Fingerprint *library, int count, int cluster, uint64_t seed) {
  uint64_t state = seed;
  for (int i = 0; i < count; i++) {
    for (int w = 0; w < WORDS; w++) {
      if (i % cluster == 0) {
        library[i].bits[w] = next_random(&state) & next_random(&state);
      } else {
        uint64_t flip = next_random(&state) & next_random(&state) & next_random(&state) & next_random(&state);
        library[i].bits[w] = library[i - i % cluster].bits[w] ^ flip;
      }
    }
  }
}

static int count_bits(const Fingerprint *fingerprint) {
  int count = 0;
  for (int w = 0; w < WORDS; w++)
    count += __builtin_popcountll(fingerprint->bits[w]);
  return count;
}

static int count_common(const Fingerprint *a, const Fingerprint *b) {
  int count = 0;
  for (int w = 0; w < WORDS; w++)
    count += __builtin_popcountll(a->bits[w] & b->bits[w]);
  return count;
}

static int better(const Match *a, const Match *b) {
  int64_t left = (int64_t)a->common * b->all, right = (int64_t)b->common * a->all;
  return left != right ? left > right : a->index < b->index;
}

static void offer(Result *result, Match match) {
  int place = result->count;
  if (place == NEIGHBOURS) {
    if (!better(&match, &result->matches[--place]))
      return;
  } else {
    result->count++;
  }
  while (place > 0 && better(&match, &result->matches[place - 1])) {
    result->matches[place] = result->matches[place - 1];
    place--;
  }
  result->matches[place] = match;
}

/* Members of a cluster differ in few bits, others in hundreds: where a cluster has enough members for a whole result,
 * the nearest neighbours are among them.
 */
static Result search(const Fingerprint *library, const int *sizes, int count, int cluster, int origin,
                     const Fingerprint *query) {
  Result result = {.count = 0};
  int query_size = count_bits(query), first = 0, end = count;
  if (cluster >= NEIGHBOURS) {
    first = origin - origin % cluster;
    end = first + cluster < count ? first + cluster : count;
  }
  for (int i = first; i < end; i++) {
    int common = count_common(&library[i], query);
    int all = query_size + sizes[i] - common;
    if (all > 0)
      offer(&result, (Match){i, common, all});
  }
  return result;
}

static void print_result(int query, const Result *result) {
  printf("query %d:", query);
  for (int i = 0; i < result->count; i++)
    printf(" %d (%d/%d)", result->matches[i].index, result->matches[i].common, result->matches[i].all);
  printf("\n");
}

static long number(const char *text, long low, long high) {
  char *end;
  long value = strtol(text, &end, 10);
  if (end == text || *end || value < low || value > high) {
    fprintf(stderr, "fingerprints: '%s' is not a number from %ld to %ld\n", text, low, high);
    exit(2);
  }
  return value;
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: fingerprints LIBRARY QUERIES CLUSTER SEED\n");
    return 2;
  }
  int count = (int)number(argv[1], 1, 1000000), queries = (int)number(argv[2], 0, 1000000);
  int cluster = (int)number(argv[3], 1, 1000000);
  Fingerprint *library = malloc((size_t)count * sizeof *library);
  int *sizes = malloc((size_t)count * sizeof *sizes);
  if (!library || !sizes) {
    fprintf(stderr, "fingerprints: out of memory\n");
    return 1;
  }
  uint64_t state = (uint64_t)number(argv[4], 0, 1000000000), hash = 14695981039346656037u;
  fill(library, count, cluster, state);
  for (int i = 0; i < count; i++)
    sizes[i] = count_bits(&library[i]);
  for (int i = 0; i < queries; i++) {
    int origin = (int)(next_random(&state) % (uint64_t)count);
    Fingerprint query = library[origin];
    query.bits[i % WORDS] ^= next_random(&state) & next_random(&state);
    Result result = search(library, sizes, count, cluster, origin, &query);
    if (i < 4)
      print_result(i, &result);
    for (int m = 0; m < result.count; m++)
      hash = (hash ^ ((uint64_t)result.matches[m].index << 32 | (uint64_t)result.matches[m].common)) * 1099511628211u;
  }
  printf("hash %016" PRIx64 "\n", hash);
  free(sizes);
  free(library);
  return 0;
}
