// Polynomials modulo the number on the first line of stdin. Then a line each:
// "set A C0 C1 ...", "add A B C", "mul A B C" and "eval A X".

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TERMS 128
#define MAX_MODULUS 4294967295
#define MAX_LINES 200

struct poly {
  uint64_t terms[MAX_TERMS];
  int count;
};

static struct poly polys[26];
static uint64_t modulus;
static uint32_t inverse_modulus; // of the modulus, modulo 2^32

// Newton's iteration doubles the number of right bits.
static void prepare_modulus(void) {
  uint32_t inverse = (uint32_t)modulus;
  for (int i = 0; i < 5; i++)
    inverse *= 2 - (uint32_t)modulus * inverse;
  inverse_modulus = inverse;
}

// Montgomery: value / 2^32 modulo the modulus, without a division.
static inline uint64_t reduce(uint64_t value) {
  uint32_t factor = (uint32_t)value * inverse_modulus;
  uint64_t high = value >> 32, taken = factor * modulus >> 32;
  return high >= taken ? high - taken : high + modulus - taken;
}

static void trim(struct poly *p) {
  while (p->count > 0 && p->terms[p->count - 1] == 0)
    p->count--;
}

static void print_poly(char name, const struct poly *p) {
  printf("%c =", name);
  for (int i = 0; i < p->count; i++)
    printf(" %" PRIu64, p->terms[i]);
  printf(" (%d)\n", p->count);
}

static void add(struct poly *sum, const struct poly *a, const struct poly *b) {
  sum->count = a->count > b->count ? a->count : b->count;
  for (int i = 0; i < sum->count; i++) {
    uint64_t left = i < a->count ? a->terms[i] : 0;
    uint64_t right = i < b->count ? b->terms[i] : 0;
    uint64_t term = left + right;
    sum->terms[i] = term >= modulus ? term - modulus : term;
  }
  trim(sum);
}

static bool multiply(struct poly *product, const struct poly *a,
                     const struct poly *b) {
  product->count = a->count && b->count ? a->count + b->count - 1 : 0;
  if (product->count > MAX_TERMS)
    return false;
  uint64_t sums[MAX_TERMS] = {0};
  for (int i = 0; i < a->count; i++) {
    uint64_t scaled = (a->terms[i] << 32) % modulus;
    for (int j = 0; j < b->count; j++)
      sums[i + j] += reduce(scaled * b->terms[j]);
  }
  for (int k = 0; k < product->count; k++)
    product->terms[k] = sums[k] % modulus;
  trim(product);
  return true;
}

static uint64_t evaluate(const struct poly *p, uint64_t x) {
  uint64_t value = 0;
  for (int i = p->count - 1; i >= 0; i--)
    value = (value * x + p->terms[i]) % modulus;
  return value;
}

static bool read_residue(const char *text, uint64_t *residue) {
  char *end;
  long long value = strtoll(text, &end, 10);
  if (end == text || *end)
    return false;
  value %= (long long)modulus;
  *residue = (uint64_t)(value < 0 ? value + (long long)modulus : value);
  return true;
}

static struct poly *find(const char *name) {
  if (!name || name[0] < 'A' || name[0] > 'Z' || name[1])
    return NULL;
  return &polys[name[0] - 'A'];
}

static char *next_word(void) { return strtok(NULL, " \t\r\n"); }

static bool set(struct poly *p) {
  struct poly result = {.count = 0};
  for (char *word; (word = next_word()); result.count++)
    if (result.count == MAX_TERMS ||
        !read_residue(word, &result.terms[result.count]))
      return false;
  trim(&result);
  *p = result;
  return true;
}

static bool combine(struct poly *p, bool adding) {
  struct poly result = {.count = 0};
  const struct poly *a = find(next_word());
  const struct poly *b = find(next_word());
  if (!a || !b || next_word())
    return false;
  if (adding)
    add(&result, a, b);
  else if (!multiply(&result, a, b))
    return false;
  *p = result;
  return true;
}

static bool run(char *line) {
  char *command = strtok(line, " \t\r\n");
  const char *name = next_word();
  struct poly *p = find(name);
  if (!command || !p)
    return false;
  if (strcmp(command, "eval") == 0) {
    uint64_t x;
    const char *word = next_word();
    if (!word || !read_residue(word, &x) || next_word())
      return false;
    printf("%c(%" PRIu64 ") = %" PRIu64 "\n", *name, x, evaluate(p, x));
    return true;
  }
  bool known = strcmp(command, "set") == 0
                   ? set(p)
                   : (strcmp(command, "add") == 0 && combine(p, true)) ||
                         (strcmp(command, "mul") == 0 && combine(p, false));
  if (known)
    print_poly(*name, p);
  return known;
}

int main(void) {
  char line[1024];
  if (!fgets(line, sizeof line, stdin))
    line[0] = '\0';
  long long first = strtoll(line, NULL, 10);
  if (first < 2 || first > MAX_MODULUS) {
    puts("the modulus is 2 to 4294967295");
    return 1;
  }
  modulus = (uint64_t)first;
  prepare_modulus();
  for (int i = 0; i < MAX_LINES && fgets(line, sizeof line, stdin); i++)
    if (!run(line))
      puts("not understood");
  return 0;
}
