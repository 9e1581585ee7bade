// wrong: initial value: the threshold that saves the insertion starts at zero,
// so items below zero are lost while there is still room

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

static int kept;
static int64_t threshold;

static void insert(const struct item *item, int k) {
  if (item->score <= threshold)
    return;
  int place = kept < k ? kept++ : k - 1;
  for (; place > 0 && items[place - 1].score < item->score; place--)
    items[place] = items[place - 1];
  items[place] = *item;
  if (kept == k)
    threshold = items[k - 1].score;
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
    struct item item;
    if (!parse_item(line, &item)) {
      skipped++;
      continue;
    }
    item.order = count++;
    insert(&item, k);
  }
  for (int i = 0; i < kept; i++)
    printf("%d %s %" PRId64 "\n", i + 1, items[i].name, items[i].score);
  printf("items %d skipped %d\n", count, skipped);
  return 0;
}
