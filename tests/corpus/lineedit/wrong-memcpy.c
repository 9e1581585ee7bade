// wrong: overlap: the bytes are copied by memcpy, which is undefined when
// source and target share some.

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY 1024
#define MAX_COMMANDS 200

struct buffer {
  size_t length;
  char text[CAPACITY];
};

static bool insert(struct buffer *buffer, size_t at, const char *text,
                   size_t size) {
  if (at > buffer->length || size > CAPACITY - buffer->length)
    return false;
  memmove(buffer->text + at + size, buffer->text + at, buffer->length - at);
  memcpy(buffer->text + at, text, size);
  buffer->length += size;
  return true;
}

static bool erase(struct buffer *buffer, size_t at, size_t count) {
  if (at > buffer->length || count > buffer->length - at)
    return false;
  memmove(buffer->text + at, buffer->text + at + count,
          buffer->length - at - count);
  buffer->length -= count;
  return true;
}

static bool copy(struct buffer *buffer, size_t from, size_t count, size_t to) {
  if (from > buffer->length || count > buffer->length - from ||
      to > buffer->length || count > CAPACITY - to)
    return false;
  if (to != from)
    memcpy(buffer->text + to, buffer->text + from, count);
  if (to + count > buffer->length)
    buffer->length = to + count;
  return true;
}

static void print_sum(const struct buffer *buffer) {
  uint32_t sum = 1;
  for (size_t i = 0; i < buffer->length; i++)
    sum = sum * 31 + (unsigned char)buffer->text[i];
  printf("%zu bytes, sum %08x\n", buffer->length, sum);
}

static void print_text(const struct buffer *buffer) {
  for (size_t i = 0; i < buffer->length; i++)
    putchar(buffer->text[i]);
  putchar('\n');
}

static int parse_numbers(const char **cursor, size_t *numbers, int count) {
  for (int i = 0; i < count; i++) {
    if ((*cursor)[0] != ' ' || (*cursor)[1] < '0' || (*cursor)[1] > '9')
      return i;
    char *end;
    errno = 0;
    numbers[i] = strtoul(*cursor, &end, 10);
    if (errno == ERANGE)
      return i;
    *cursor = end;
  }
  return count;
}

static bool run_command(struct buffer *buffer, const char *line, size_t size) {
  static const char names[] = "aidcsp";
  static const int counts[] = {0, 1, 2, 3, 0, 0};
  const char *name =
      size > 0 && line[0] != '\0' ? strchr(names, line[0]) : NULL;
  const char *rest = line + 1;
  size_t n[3];
  if (!name ||
      parse_numbers(&rest, n, counts[name - names]) < counts[name - names])
    return false;
  size_t left = size - (size_t)(rest - line);
  bool text = left > 0 && *rest == ' ';
  if (*name == 'a' && text)
    return insert(buffer, buffer->length, rest + 1, left - 1);
  if (*name == 'i' && text)
    return insert(buffer, n[0], rest + 1, left - 1);
  if (left > 0 || *name == 'a' || *name == 'i')
    return false;
  if (*name == 'd')
    return erase(buffer, n[0], n[1]);
  if (*name == 'c')
    return copy(buffer, n[0], n[1], n[2]);
  if (*name == 's')
    print_sum(buffer);
  else
    print_text(buffer);
  return true;
}

int main(void) {
  static struct buffer buffer;
  char *line = NULL;
  size_t capacity = 0;
  ssize_t length;
  int status = 0;
  for (int number = 1; number <= MAX_COMMANDS; number++) {
    if ((length = getline(&line, &capacity, stdin)) < 0)
      break;
    if (length > 0 && line[length - 1] == '\n')
      line[--length] = '\0';
    if (!run_command(&buffer, line, (size_t)length)) {
      printf("line %d: bad command\n", number);
      status = 1;
    }
  }
  free(line);
  return status;
}
