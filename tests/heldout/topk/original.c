// The k best of the "score name" lines on stdin, equal scores in the order in
// which they came; lines of another form are counted.

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ITEMS 20000
#define MAX_K 1000
#define MAX_SCORE 1000000000000
#define MAX_NAME 24

struct item {
  int64_t score;
  int order;
  char name[MAX_NAME];
};

static struct item items[MAX_ITEMS];

static int compare(const void *left, const void *right) {
  const struct item *a = left;
  const struct item *b = right;
  if (a->score != b->score)
    return a->score < b->score ? 1 : -1;
  return a->order < b->order ? -1 : 1;
}

static bool parse_item(const char *line, struct item *item) {
  char *end;
  errno = 0;
  long long score = strtoll(line, &end, 10);
  if (end == line || errno != 0 || *end != ' ' || score > MAX_SCORE ||
      score < -MAX_SCORE)
    return false;
  const char *name = end + 1;
  size_t length = strcspn(name, "\r\n");
  if (length == 0 || length >= MAX_NAME)
    return false;
  item->score = score;
  memcpy(item->name, name, length);
  item->name[length] = '\0';
  return true;
}

static bool parse_count(const char *text, int *count) {
  char *end;
  errno = 0;
  long value = strtol(text, &end, 10);
  if (end == text || *end || errno != 0 || value < 1 || value > MAX_K)
    return false;
  *count = (int)value;
  return true;
}

int main(int argc, char **argv) {
  int k;
  if (argc != 2 || !parse_count(argv[1], &k)) {
    puts("usage: topk COUNT");
    return 2;
  }
  char line[80];
  int count = 0;
  int skipped = 0;
  while (fgets(line, sizeof line, stdin)) {
    if (count == MAX_ITEMS) {
      puts("too many items");
      return 1;
    }
    struct item *item = &items[count];
    if (!parse_item(line, item)) {
      skipped++;
      continue;
    }
    item->order = count++;
  }
  qsort(items, (size_t)count, sizeof *items, compare);
  for (int i = 0; i < k && i < count; i++)
    printf("%d %s %" PRId64 "\n", i + 1, items[i].name, items[i].score);
  printf("items %d skipped %d\n", count, skipped);
  return 0;
}
