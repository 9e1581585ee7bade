// Checks the JSON text on stdin and prints it indented.

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_INPUT 65536
#define MAX_DEPTH 32
#define MAX_INDENT 8

struct formatter {
  unsigned char text[MAX_INPUT + 1];
  size_t size;
  size_t pos;
  int indent;
  long values;
};

static struct formatter input;

static bool value(struct formatter *f, int depth);

static int peek(const struct formatter *f) {
  return f->pos < f->size ? f->text[f->pos] : -1;
}

static void skip_space(struct formatter *f) {
  while (peek(f) == ' ' || peek(f) == '\t' || peek(f) == '\n' ||
         peek(f) == '\r')
    f->pos++;
}

static void new_line(const struct formatter *f, int depth) {
  putchar('\n');
  for (int i = 0; i < depth * f->indent; i++)
    putchar(' ');
}

static bool is_digit(int c) { return c >= '0' && c <= '9'; }

static bool is_hex(int c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool escape(struct formatter *f) {
  f->pos++;
  int c = peek(f);
  if (c < 0 || !strchr("\"\\/bfnrtu", c) || c == 0)
    return false;
  f->pos++;
  for (int i = 0; c == 'u' && i < 4; i++, f->pos++)
    if (!is_hex(peek(f)))
      return false;
  return true;
}

static bool string(struct formatter *f) {
  size_t start = f->pos++;
  while (peek(f) != '"') {
    if (peek(f) < 0x20)
      return false;
    if (peek(f) != '\\')
      f->pos++;
    else if (!escape(f))
      return false;
  }
  f->pos++;
  for (size_t i = start; i < f->pos; i++)
    putchar(f->text[i]);
  return true;
}

static bool digits(struct formatter *f) {
  size_t start = f->pos;
  while (is_digit(peek(f)))
    f->pos++;
  return f->pos > start;
}

static bool number(struct formatter *f) {
  size_t start = f->pos;
  if (peek(f) == '-')
    f->pos++;
  if (peek(f) == '0')
    f->pos++;
  else if (!digits(f))
    return false;
  if (peek(f) == '.') {
    f->pos++;
    if (!digits(f))
      return false;
  }
  if (peek(f) == 'e' || peek(f) == 'E') {
    f->pos++;
    if (peek(f) == '+' || peek(f) == '-')
      f->pos++;
    if (!digits(f))
      return false;
  }
  fwrite(f->text + start, 1, f->pos - start, stdout);
  return true;
}

static bool word(struct formatter *f, const char *name) {
  size_t length = strlen(name);
  if (f->size - f->pos < length || memcmp(f->text + f->pos, name, length) != 0)
    return false;
  f->pos += length;
  fputs(name, stdout);
  return true;
}

static bool container(struct formatter *f, int depth, char close) {
  if (depth == MAX_DEPTH)
    return false;
  putchar(f->text[f->pos++]);
  skip_space(f);
  bool first = true;
  for (; peek(f) != close; first = false) {
    if (!first && peek(f) != ',')
      return false;
    if (!first) {
      putchar(',');
      f->pos++;
    }
    new_line(f, depth + 1);
    skip_space(f);
    if (close == '}') {
      if (peek(f) != '"' || !string(f))
        return false;
      skip_space(f);
      if (peek(f) != ':')
        return false;
      f->pos++;
      fputs(": ", stdout);
    }
    if (!value(f, depth + 1))
      return false;
    skip_space(f);
  }
  if (!first)
    new_line(f, depth);
  putchar(f->text[f->pos++]);
  return true;
}

static bool value(struct formatter *f, int depth) {
  skip_space(f);
  f->values++;
  switch (peek(f)) {
  case '{':
    return container(f, depth, '}');
  case '[':
    return container(f, depth, ']');
  case '"':
    return string(f);
  case 't':
    return word(f, "true");
  case 'f':
    return word(f, "false");
  case 'n':
    return word(f, "null");
  default:
    return number(f);
  }
}

int main(int argc, char **argv) {
  input.indent = argc > 1 ? atoi(argv[1]) : 2;
  if (argc > 2 || input.indent < 0 || input.indent > MAX_INDENT) {
    puts("usage: jsonfmt [indent 0..8]");
    return 2;
  }
  input.size = fread(input.text, 1, MAX_INPUT + 1, stdin);
  if (input.size > MAX_INPUT) {
    puts("input too large");
    return 2;
  }
  bool valid = value(&input, 0);
  skip_space(&input);
  if (!valid || input.pos < input.size) {
    printf("\nerror at byte %zu\n", input.pos);
    return 1;
  }
  printf("\n%ld values\n", input.values);
  return 0;
}
