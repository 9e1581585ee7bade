// right: skipped steps: a pair of equal bytes is passed at once, unless that
// would end a literal part and start the next one in its midst

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MAX_SIZE 65536
#define MAX_INPUT (2 * MAX_SIZE)
#define MAX_PART 128
#define MIN_RUN 3

static unsigned char input[MAX_INPUT + 64];
static unsigned char output[MAX_SIZE];

static size_t run_length(const unsigned char *data, size_t size) {
  size_t length = 1;
  while (length < size && length < MAX_PART && data[length] == data[0])
    length++;
  return length;
}

static void put_literals(const unsigned char *data, size_t count) {
  if (count == 0)
    return;
  putchar((int)count - 1);
  fwrite(data, 1, count, stdout);
}

static void encode(const unsigned char *data, size_t size) {
  size_t literals = 0;
  size_t pos = 0;
  printf("RLE1 %zu\n", size);
  while (pos < size) {
    size_t length = run_length(data + pos, size - pos);
    if (length >= MIN_RUN) {
      put_literals(data + pos - literals, literals);
      literals = 0;
      putchar(257 - (int)length);
      putchar(data[pos]);
      pos += length;
      continue;
    }
    if (literals == MAX_PART - 1)
      length = 1;
    pos += length;
    literals += length;
    if (literals >= MAX_PART) {
      put_literals(data + pos - literals, literals);
      literals = 0;
    }
  }
  put_literals(data + size - literals, literals);
}

static bool read_header(const unsigned char *data, size_t size, size_t *start,
                        size_t *decoded) {
  size_t pos = 5;
  size_t number = 0;
  if (size < 7 || memcmp(data, "RLE1 ", 5) != 0)
    return false;
  for (; pos < size && data[pos] >= '0' && data[pos] <= '9'; pos++) {
    number = number * 10 + (size_t)(data[pos] - '0');
    if (number > MAX_SIZE)
      return false;
  }
  *start = pos + 1;
  *decoded = number;
  return pos > 5 && pos < size && data[pos] == '\n';
}

static bool decode(const unsigned char *data, size_t size) {
  size_t pos, expected;
  size_t filled = 0;
  if (!read_header(data, size, &pos, &expected))
    return false;
  while (pos < size) {
    unsigned control = data[pos++];
    if (control == 128)
      return false;
    bool run = control > 128;
    size_t length = run ? 257 - control : control + 1;
    if (length > expected - filled || size - pos < (run ? 1 : length))
      return false;
    for (size_t i = 0; i < length; i++)
      output[filled++] = data[run ? pos : pos + i];
    pos += run ? 1 : length;
  }
  if (filled != expected)
    return false;
  fwrite(output, 1, filled, stdout);
  return true;
}

int main(int argc, char **argv) {
  bool encoding = argc == 2 && strcmp(argv[1], "encode") == 0;
  if (!encoding && (argc != 2 || strcmp(argv[1], "decode") != 0)) {
    puts("usage: rle encode|decode");
    return 2;
  }
  size_t limit = encoding ? MAX_SIZE : MAX_INPUT;
  size_t size = fread(input, 1, limit + 1, stdin);
  if (size > limit) {
    puts("input too large");
    return 2;
  }
  if (encoding)
    encode(input, size);
  else if (!decode(input, size)) {
    puts("not encoded data");
    return 1;
  }
  return 0;
}
