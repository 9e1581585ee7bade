// right: mask: the ring has a power of two of slots, but no more than KEEP of
// them are counted and shown

// Shows the last KEEP lines of a log. The line "!flush" shows those kept so far
// and forgets them, "!exit CODE" shows them and ends. Else the exit code is 1
// when there was a line that starts with "ERROR".
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_KEEP = 500, MAX_RING = 512, MAX_LINE = 400 };

typedef struct {
  size_t length;
  char text[MAX_LINE];
} Line;

typedef struct {
  Line lines[MAX_RING];
  size_t keep, next, count, total;
  int errors;
} Log;

// Reads a line without its end, cut off at MAX_LINE bytes; 0 at the end.
static int read_line(Line *line) {
  int c = getchar();
  if (c == EOF)
    return 0;
  line->length = 0;
  for (; c != EOF && c != '\n'; c = getchar())
    if (line->length < MAX_LINE)
      line->text[line->length++] = (char)c;
  return 1;
}

static int starts_with(const Line *line, const char *prefix) {
  size_t length = strlen(prefix);
  return line->length >= length && memcmp(line->text, prefix, length) == 0;
}

static void add(Log *log, const Line *line) {
  Line *slot = &log->lines[log->next];
  slot->length = line->length;
  memcpy(slot->text, line->text, line->length);
  log->next = (log->next + 1) & (MAX_RING - 1);
  log->count += log->count < log->keep;
  log->total++;
  log->errors += starts_with(line, "ERROR");
}

static void show(const Log *log) {
  for (size_t i = 0; i < log->count; i++) {
    size_t slot = (log->next - log->count + i) & (MAX_RING - 1);
    const Line *line = &log->lines[slot];
    fwrite(line->text, 1, line->length, stdout);
    putchar('\n');
  }
  printf("-- %zu of %zu lines\n", log->count, log->total);
}

static void forget(Log *log) { log->next = log->count = log->total = 0; }

// "!exit 3" ends with 3; without a number from 0 to 99 it ends with 99.
static int exit_code(const Line *line) {
  char number[3] = "";
  size_t length = line->length - strlen("!exit ");
  memcpy(number, line->text + strlen("!exit "), length < 2 ? length : 2);
  char *end;
  long code = strtol(number, &end, 10);
  return length > 2 || end == number || *end || code < 0 ? 99 : (int)code;
}

static int follow(Log *log) {
  static Line line;
  while (read_line(&line)) {
    if (starts_with(&line, "!flush") && line.length == strlen("!flush")) {
      show(log);
      forget(log);
    } else if (starts_with(&line, "!exit ")) {
      show(log);
      return exit_code(&line);
    } else {
      add(log, &line);
    }
  }
  show(log);
  return log->errors > 0;
}

int main(int argc, char **argv) {
  static Log log;
  char *end = NULL;
  long keep = argc == 2 ? strtol(argv[1], &end, 10) : -1;
  if (argc != 2 || *end || keep < 1 || keep > MAX_KEEP) {
    fprintf(stderr, "usage: ringlog KEEP, which is from 1 to %d\n", MAX_KEEP);
    return 2;
  }
  log.keep = (size_t)keep;
  return follow(&log);
}
