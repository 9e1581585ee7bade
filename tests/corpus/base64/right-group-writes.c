// right: buffering: a group is written at once where it fits into the line,
// else symbol by symbol

// Encodes standard input as base64 in lines of COLUMNS characters, or decodes
// it; COLUMNS 0 means one line.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_INPUT = 1 << 20, MAX_COLUMNS = 1000 };

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static unsigned char *read_input(size_t *size) {
  size_t capacity = 4096;
  unsigned char *data = malloc(capacity);
  *size = 0;
  while (data) {
    *size += fread(data + *size, 1, capacity - *size, stdin);
    if (*size < capacity)
      return data;
    if (capacity >= MAX_INPUT)
      break;
    capacity *= 2;
    unsigned char *larger = realloc(data, capacity);
    if (!larger)
      break;
    data = larger;
  }
  free(data);
  return NULL;
}

static void put_symbol(char symbol, int columns, int *column) {
  putchar(symbol);
  if (++*column == columns) {
    putchar('\n');
    *column = 0;
  }
}

static void put_group(const char *group, int columns, int *column) {
  if (columns == 0 || columns - *column > 4) {
    fwrite(group, 1, 4, stdout);
    *column = columns == 0 ? 1 : *column + 4;
    return;
  }
  for (int i = 0; i < 4; i++)
    put_symbol(group[i], columns, column);
}

static void encode(const unsigned char *data, size_t size, int columns) {
  int column = 0;
  for (size_t i = 0; i < size; i += 3) {
    uint32_t bits = (uint32_t)data[i] << 16;
    if (i + 1 < size)
      bits |= (uint32_t)data[i + 1] << 8;
    if (i + 2 < size)
      bits |= data[i + 2];
    char group[4] = {alphabet[bits >> 18], alphabet[bits >> 12 & 63],
                     i + 1 < size ? alphabet[bits >> 6 & 63] : '=',
                     i + 2 < size ? alphabet[bits & 63] : '='};
    put_group(group, columns, &column);
  }
  if (column > 0)
    putchar('\n');
}

static int value_of(int symbol) {
  const char *found = symbol ? strchr(alphabet, symbol) : NULL;
  return found ? (int)(found - alphabet) : -1;
}

static int invalid(size_t position) {
  fprintf(stderr, "base64: invalid input at byte %zu\n", position);
  return 1;
}

// What comes before the first mistake is decoded.
static int decode(const unsigned char *text, size_t size) {
  uint32_t bits = 0;
  int symbols = 0, padding = 0;
  for (size_t i = 0; i < size; i++) {
    int symbol = text[i];
    if (symbol == '\n' || symbol == '\r' || symbol == ' ')
      continue;
    int value = value_of(symbol);
    if (symbol == '=' && symbols >= 2) {
      value = 0;
      padding++;
    } else if (value < 0 || padding > 0) {
      return invalid(i);
    }
    bits = bits << 6 | (uint32_t)value;
    if (++symbols < 4)
      continue;
    for (int shift = 16; shift >= 8 * padding; shift -= 8)
      putchar((int)(bits >> shift & 255));
    symbols = 0;
  }
  return symbols > 0 ? invalid(size) : 0;
}

int main(int argc, char **argv) {
  char *end = NULL;
  long columns = argc == 3 ? strtol(argv[2], &end, 10) : -1;
  if (argc != 3 || *end || end == argv[2] || columns < 0 ||
      columns > MAX_COLUMNS) {
    fprintf(stderr, "usage: base64 encode|decode COLUMNS\n");
    return 2;
  }
  int status = 0;
  size_t size;
  unsigned char *data = read_input(&size);
  if (!data) {
    fprintf(stderr, "base64: input too large\n");
    return 2;
  }
  if (strcmp(argv[1], "encode") == 0)
    encode(data, size, (int)columns);
  else if (strcmp(argv[1], "decode") == 0)
    status = decode(data, size);
  else
    status = 2;
  free(data);
  return status;
}
