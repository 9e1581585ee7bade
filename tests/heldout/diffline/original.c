// The differences between the lines before and after the "===" on stdin, by a
// longest common subsequence.

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MAX_INPUT 32768
#define MAX_LINES 250

struct line {
  const char *text;
  size_t length;
};

struct side {
  struct line lines[MAX_LINES];
  int count;
};

static char input[MAX_INPUT + 1];
static struct side before, after;
static int common[MAX_LINES + 1][MAX_LINES + 1];

static bool is_same(const struct line *a, const struct line *b) {
  return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

static bool split(size_t size) {
  static const struct line divider = {"===", 3};
  struct side *side = &before;
  for (size_t pos = 0; pos < size;) {
    const char *end = memchr(input + pos, '\n', size - pos);
    size_t length = end ? (size_t)(end - input) - pos : size - pos;
    struct line line = {input + pos, length};
    pos += length + 1;
    if (side == &before && is_same(&line, &divider)) {
      side = &after;
      continue;
    }
    if (side->count == MAX_LINES)
      return false;
    side->lines[side->count++] = line;
  }
  return side == &after;
}

static void fill_table(void) {
  for (int i = before.count - 1; i >= 0; i--) {
    for (int j = after.count - 1; j >= 0; j--) {
      int down = common[i + 1][j];
      int right = common[i][j + 1];
      if (is_same(&before.lines[i], &after.lines[j]))
        common[i][j] = common[i + 1][j + 1] + 1;
      else
        common[i][j] = down >= right ? down : right;
    }
  }
}

static void print_line(char mark, const struct line *line) {
  putchar(mark);
  fwrite(line->text, 1, line->length, stdout);
  putchar('\n');
}

static void print_difference(void) {
  int i = 0, j = 0;
  while (i < before.count && j < after.count) {
    if (is_same(&before.lines[i], &after.lines[j])) {
      print_line(' ', &before.lines[i++]);
      j++;
    } else if (common[i + 1][j] >= common[i][j + 1]) {
      print_line('-', &before.lines[i++]);
    } else {
      print_line('+', &after.lines[j++]);
    }
  }
  while (i < before.count)
    print_line('-', &before.lines[i++]);
  while (j < after.count)
    print_line('+', &after.lines[j++]);
}

int main(void) {
  size_t size = fread(input, 1, MAX_INPUT + 1, stdin);
  if (size > MAX_INPUT) {
    puts("input too large");
    return 2;
  }
  if (!split(size)) {
    puts("no divider or too many lines");
    return 1;
  }
  fill_table();
  print_difference();
  printf("%d of %d and %d lines in common\n", common[0][0], before.count,
         after.count);
  return 0;
}
