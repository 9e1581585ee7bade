// wrong: hash collision: entries are compared by a 16-bit hash alone, so two
// words that share it are counted as one.

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 4096
#define MAX_ENTRIES 20000
#define MAX_WORD 200

struct entry {
  struct entry *next;
  uint16_t hash;
  long count;
  size_t length;
  char *text;
};

static struct entry entries[MAX_ENTRIES];
static struct entry *buckets[BUCKETS];
static struct entry *sorted[MAX_ENTRIES];
static long entry_count;
static long word_count;

static bool is_word(int byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= '0' && byte <= '9') || byte == '\'' || byte >= 0x80;
}

static int lower(int byte) {
  return byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte;
}

static uint16_t hash_word(const char *word, size_t length) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < length; i++)
    hash = (hash ^ (unsigned char)word[i]) * 16777619u;
  return (uint16_t)(hash ^ hash >> 16);
}

static bool add_word(const char *word, size_t length) {
  uint16_t hash = hash_word(word, length);
  struct entry **bucket = &buckets[hash % BUCKETS];
  struct entry *entry = *bucket;
  word_count++;
  while (entry && entry->hash != hash)
    entry = entry->next;
  if (!entry) {
    if (entry_count == MAX_ENTRIES)
      return false;
    entry = &entries[entry_count++];
    entry->text = malloc(length);
    if (!entry->text)
      return false;
    memcpy(entry->text, word, length);
    entry->length = length;
    entry->hash = hash;
    entry->next = *bucket;
    *bucket = entry;
  }
  entry->count++;
  return true;
}

static bool read_words(FILE *in) {
  char word[MAX_WORD];
  size_t length = 0;
  int byte;
  while ((byte = getc(in)) != EOF) {
    if (is_word(byte)) {
      if (length < MAX_WORD)
        word[length++] = (char)lower(byte);
    } else if (length > 0) {
      if (!add_word(word, length))
        return false;
      length = 0;
    }
  }
  return length == 0 || add_word(word, length);
}

static int compare_text(const struct entry *a, const struct entry *b) {
  size_t common = a->length < b->length ? a->length : b->length;
  int order = memcmp(a->text, b->text, common);
  return order != 0 ? order : (a->length > b->length) - (a->length < b->length);
}

static int compare_entries(const void *left, const void *right) {
  const struct entry *a = *(struct entry *const *)left;
  const struct entry *b = *(struct entry *const *)right;
  if (a->count != b->count)
    return a->count < b->count ? 1 : -1;
  return compare_text(a, b);
}

static void print_top(long top) {
  for (long i = 0; i < entry_count; i++)
    sorted[i] = &entries[i];
  qsort(sorted, (size_t)entry_count, sizeof *sorted, compare_entries);
  printf("%ld words, %ld different\n", word_count, entry_count);
  for (long i = 0; i < top && i < entry_count; i++)
    printf("%ld %.*s\n", sorted[i]->count, (int)sorted[i]->length,
           sorted[i]->text);
}

int main(int argc, char **argv) {
  char *end = "";
  long top = argc == 2 ? strtol(argv[1], &end, 10) : 10;
  if (argc > 2 || *end != '\0' || top < 1 || top > MAX_ENTRIES) {
    puts("usage: wordfreq [how many]");
    return 2;
  }
  if (!read_words(stdin)) {
    puts("too many words");
    return 1;
  }
  print_top(top);
  return 0;
}
