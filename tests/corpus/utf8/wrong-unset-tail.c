// wrong: uninitialised tail: of a sequence cut off by the end of the input,
// bytes behind the end are read

// Writes standard input in capitals, as UTF-8, with '?' for bytes that are not
// valid UTF-8, then counts code points by length and class. Which letters there
// are and what their capitals are is up to the locale.
#include <locale.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

enum { MAX_INPUT = 1 << 16 };

typedef struct {
  size_t lengths[5]; // by bytes; 0 counts invalid bytes
  size_t letters, digits, spaces, changed;
} Counts;

static size_t decode(const unsigned char *s, size_t left, uint32_t *point) {
  (void)left;
  if (s[0] < 0x80) {
    *point = s[0];
    return 1;
  }
  if (s[0] < 0xc2 || s[0] > 0xf4 || (s[1] & 0xc0) != 0x80)
    return 0;
  if (s[0] < 0xe0) {
    *point = (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
    return 2;
  }
  if ((s[2] & 0xc0) != 0x80)
    return 0;
  if (s[0] < 0xf0) {
    uint32_t value = (s[0] & 0xfu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
    *point = value;
    return value < 0x800 || (value >= 0xd800 && value < 0xe000) ? 0 : 3;
  }
  if ((s[3] & 0xc0) != 0x80)
    return 0;
  uint32_t value = (s[0] & 7u) << 18 | (s[1] & 0x3fu) << 12 |
                   (s[2] & 0x3fu) << 6 | (s[3] & 0x3fu);
  *point = value;
  return value < 0x10000 || value > 0x10ffff ? 0 : 4;
}

static size_t encode(uint32_t point, unsigned char *s) {
  if (point < 0x80) {
    s[0] = (unsigned char)point;
    return 1;
  }
  size_t length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  for (size_t i = length - 1; i > 0; i--, point >>= 6)
    s[i] = (unsigned char)(0x80 | (point & 0x3f));
  s[0] = (unsigned char)((0xf00u >> length & 0xf0) | point);
  return length;
}

static bool is_letter(uint32_t point) { return iswalpha((wint_t)point) != 0; }

static uint32_t capital(uint32_t point) {
  return (uint32_t)towupper((wint_t)point);
}

// Returns 1 when the line holds something that is not valid, else 0.
static int convert(const unsigned char *line, size_t size, Counts *counts) {
  unsigned char bytes[4];
  uint32_t point = 0;
  int status = 0;
  for (size_t i = 0, length; i < size; i += length ? length : 1) {
    length = decode(line + i, size - i, &point);
    counts->lengths[length]++;
    if (length == 0) {
      putchar('?');
      status = 1;
      continue;
    }
    uint32_t upper = capital(point);
    counts->letters += is_letter(point);
    counts->digits += iswdigit((wint_t)point) != 0;
    counts->spaces += iswspace((wint_t)point) != 0;
    counts->changed += upper != point;
    fwrite(bytes, 1, encode(upper, bytes), stdout);
  }
  return status;
}

static int convert_lines(const unsigned char *text, size_t size,
                         Counts *counts) {
  int status = 0;
  for (size_t start = 0, length; start < size; start += length) {
    const unsigned char *end = memchr(text + start, '\n', size - start);
    length = end ? (size_t)(end - text) - start + 1 : size - start;
    status |= convert(text + start, length, counts);
  }
  return status;
}

int main(void) {
  if (!setlocale(LC_CTYPE, "C.UTF-8")) {
    fprintf(stderr, "utf8: no locale C.UTF-8\n");
    return 3;
  }
  unsigned char *text = malloc(MAX_INPUT);
  size_t size = text ? fread(text, 1, MAX_INPUT, stdin) : MAX_INPUT;
  if (size == MAX_INPUT) {
    fprintf(stderr, "utf8: input too large\n");
    free(text);
    return 2;
  }
  Counts counts = {0};
  int status = convert_lines(text, size, &counts);
  printf("\nlengths %zu %zu %zu %zu, invalid %zu\n", counts.lengths[1],
         counts.lengths[2], counts.lengths[3], counts.lengths[4],
         counts.lengths[0]);
  printf("letters %zu, digits %zu, spaces %zu, changed %zu\n", counts.letters,
         counts.digits, counts.spaces, counts.changed);
  free(text);
  return status;
}
