/* Counts the words of a text: the text comes from standard input, or `words -g WORDS SEED` makes one up with a
 * distribution like that of a natural language. Prints totals, the most frequent words and a hash of all counts.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOP = 20, VOCABULARY = 1 << 16 };

typedef struct Entry {
  struct Entry *next;
  uint32_t hash;
  uint32_t count;
  uint8_t length;
  char word[];
} Entry;

typedef struct {
  Entry **buckets;
  size_t bucket_count; /* a power of two */
  size_t entry_count;
} Table;

typedef struct {
  char *data;
  size_t length, capacity;
} Text;

static void *allocate(void *old, size_t size) {
  void *memory = realloc(old, size);
  if (!memory) {
    fprintf(stderr, "words: out of memory\n");
    exit(1);
  }
  return memory;
}

static void append(Text *text, const char *data, size_t length) {
  if (text->length + length > text->capacity) {
    text->capacity = 2 * (text->length + length) + 4096;
    text->data = allocate(text->data, text->capacity);
  }
  memcpy(text->data + text->length, data, length);
  text->length += length;
}

static Text read_text(FILE *file) {
  Text text = {NULL, 0, 0};
  char block[65536];
  size_t length;
  while ((length = fread(block, 1, sizeof block, file)) > 0)
    append(&text, block, length);
  return text;
}

static uint64_t next_random(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return *state >> 33;
}

/* A word of the made-up language: its number in base 16, in syllables. */
static size_t spell(char *word, uint32_t number) {
  static const char *const syllables[16] = {"the", "an",  "re", "ti",  "on", "con", "ver", "ma",
                                            "lo",  "per", "st", "ing", "en", "ou",  "du",  "sk"};
  size_t length = 0;
  do {
    const char *syllable = syllables[number & 15];
    size_t size = strlen(syllable);
    memcpy(word + length, syllable, size);
    length += size;
    number >>= 4;
  } while (number > 0);
  return length;
}

/* Words with low numbers come often. */
static Text make_text(long words, uint64_t seed) {
  static char vocabulary[VOCABULARY][16];
  static size_t lengths[VOCABULARY];
  Text text = {NULL, 0, 0};
  uint64_t state = seed;
  for (uint32_t number = 0; number < VOCABULARY; number++)
    lengths[number] = spell(vocabulary[number], number);
  for (long i = 0; i < words; i++) {
    uint64_t random = next_random(&state);
    uint64_t number = next_random(&state) % ((uint64_t)1 << (4 + random % 13));
    append(&text, vocabulary[number], lengths[number]);
    if (random % 12 == 0)
      text.data[text.length - lengths[number]] -= 'a' - 'A';
    append(&text, random % 10 ? " " : random % 3 ? ", " : ".\n", random % 10 ? 1 : 2);
  }
  return text;
}

static void grow(Table *table) {
  size_t count = table->bucket_count ? 2 * table->bucket_count : 1024;
  Entry **buckets = allocate(NULL, count * sizeof *buckets);
  memset(buckets, 0, count * sizeof *buckets);
  for (size_t i = 0; i < table->bucket_count; i++) {
    Entry *entry = table->buckets[i];
    while (entry) {
      Entry *next = entry->next;
      entry->next = buckets[entry->hash & (count - 1)];
      buckets[entry->hash & (count - 1)] = entry;
      entry = next;
    }
  }
  free(table->buckets);
  table->buckets = buckets;
  table->bucket_count = count;
}

/* Entries are never freed one by one: they come from blocks. */
static void *allocate_entry(size_t size) {
  static char *block;
  static size_t left;
  size = (size + 7) & ~(size_t)7;
  if (size > left) {
    left = size > 1 << 20 ? size : 1 << 20;
    block = allocate(NULL, left);
  }
  left -= size;
  block += size;
  return block - size;
}

static void count_word(Table *table, const char *word, size_t length, uint32_t hash) {
  for (Entry *entry = table->buckets[hash & (table->bucket_count - 1)]; entry; entry = entry->next) {
    if (entry->hash == hash && entry->length == (uint8_t)length && memcmp(entry->word, word, length) == 0) {
      entry->count++;
      return;
    }
  }
  if (table->entry_count++ > table->bucket_count)
    grow(table);
  Entry *entry = allocate_entry(sizeof *entry + length + 1);
  memcpy(entry->word, word, length);
  entry->word[length] = '\0';
  entry->hash = hash;
  entry->length = (uint8_t)length;
  entry->count = 1;
  entry->next = table->buckets[hash & (table->bucket_count - 1)];
  table->buckets[hash & (table->bucket_count - 1)] = entry;
}

/* Letters, digits and apostrophes make words; case is ignored. Returns how many words there are. */
static uint64_t count_text(Table *table, Text *text) {
  static unsigned char lower[256]; /* of what is part of a word, else 0 */
  for (int c = 0; c < 26; c++)
    lower['A' + c] = lower['a' + c] = (unsigned char)('a' + c);
  for (int c = '0'; c <= '9'; c++)
    lower[c] = (unsigned char)c;
  lower['\''] = '\'';
  uint64_t words = 0;
  unsigned char *data = (unsigned char *)text->data, *end = data + text->length;
  while (data < end) {
    unsigned char *start = data, c;
    uint32_t hash = 2166136261u;
    for (; data < end && (c = lower[*data]); data++) {
      *data = c;
      hash = (hash ^ c) * 16777619u;
    }
    if (data > start) {
      count_word(table, (const char *)start, (size_t)(data - start), hash);
      words++;
    }
    data++;
  }
  return words;
}

static int by_count(const void *left, const void *right) {
  const Entry *a = *(Entry *const *)left, *b = *(Entry *const *)right;
  if (a->count != b->count)
    return a->count < b->count ? 1 : -1;
  return strcmp(a->word, b->word);
}

static void report(const Table *table, const Text *text, uint64_t words) {
  Entry **entries = allocate(NULL, (table->entry_count + 1) * sizeof *entries);
  size_t count = 0, longest = 0;
  uint64_t hash = 14695981039346656037u;
  for (size_t i = 0; i < table->bucket_count; i++)
    for (Entry *entry = table->buckets[i]; entry; entry = entry->next)
      entries[count++] = entry;
  qsort(entries, count, sizeof *entries, by_count);
  for (size_t i = 0; i < count; i++) {
    hash = (hash ^ ((uint64_t)entries[i]->hash << 32 | entries[i]->count)) * 1099511628211u;
    longest = entries[i]->length > longest ? entries[i]->length : longest;
  }
  printf("%zu bytes, %" PRIu64 " words, %zu different, longest %zu, hash %016" PRIx64 "\n", text->length, words, count,
         longest, hash);
  for (size_t i = 0; i < count && i < TOP; i++)
    printf("%8" PRIu32 " %s\n", entries[i]->count, entries[i]->word);
  free(entries);
}

int main(int argc, char **argv) {
  int generate = argc == 4 && strcmp(argv[1], "-g") == 0;
  long words = generate ? strtol(argv[2], NULL, 10) : 0;
  if ((argc != 1 && !generate) || words < 0 || words > 100000000) {
    fprintf(stderr, "usage: words [-g WORDS SEED] < text\n");
    return 2;
  }
  Text text = generate ? make_text(words, strtoull(argv[3], NULL, 10)) : read_text(stdin);
  Table table = {NULL, 0, 0};
  grow(&table);
  uint64_t total = count_text(&table, &text);
  report(&table, &text, total);
  free(table.buckets);
  free(text.data);
  return 0;
}
