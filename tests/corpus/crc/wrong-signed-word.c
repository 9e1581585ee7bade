// wrong: sign: a word is put together in int, so that one whose first byte is
// over 0x7f counts as negative

// Checksums of standard input: for each block of BLOCK bytes its CRC-32 and the
// sum of its 32-bit words, then the Adler-32 of everything. The words are read
// in the byte order that is asked for; zeros complete the last one of a block.
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  MIN_BLOCK = 16,
  MAX_BLOCK = 65536,
  MAX_INPUT = 1 << 18,
  ADLER_MODULUS = 65521
};

typedef struct {
  uint32_t a, b;
} Adler;

static uint32_t crc32(const unsigned char *data, size_t size) {
  uint32_t crc = 0xffffffffu;
  for (size_t i = 0; i < size; i++) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; bit++)
      crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
  }
  return ~crc;
}

static uint64_t sum_words(const unsigned char *data, size_t size,
                          int big_endian) {
  unsigned char last[4] = {0};
  size_t whole = size - size % 4;
  uint64_t sum = 0;
  memcpy(last, data + whole, size - whole);
  for (size_t i = 0; i < size; i += 4) {
    const unsigned char *p = i < whole ? data + i : last;
    sum += (uint64_t)(big_endian ? p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]
                                 : p[3] << 24 | p[2] << 16 | p[1] << 8 | p[0]);
  }
  return sum;
}

static void add_adler(Adler *adler, const unsigned char *data, size_t size) {
  for (size_t i = 0; i < size; i++) {
    adler->a = (adler->a + data[i]) % ADLER_MODULUS;
    adler->b = (adler->b + adler->a) % ADLER_MODULUS;
  }
}

static int checksum(unsigned char *block, size_t block_size, int big_endian) {
  Adler adler = {1, 0};
  size_t total = 0, size;
  for (size_t number = 0; (size = fread(block, 1, block_size, stdin)) > 0;
       number++) {
    total += size;
    if (total > MAX_INPUT) {
      printf("input too large\n");
      return 1;
    }
    printf("%zu: %zu bytes, crc %08" PRIx32 ", words %010" PRIx64 "\n", number,
           size, crc32(block, size), sum_words(block, size, big_endian));
    add_adler(&adler, block, size);
  }
  printf("total: %zu bytes, adler %08" PRIx32 "\n", total,
         adler.b << 16 | adler.a);
  return 0;
}

int main(int argc, char **argv) {
  char *end = NULL;
  long block_size = argc == 3 ? strtol(argv[2], &end, 10) : -1;
  int big_endian = argc == 3 && strcmp(argv[1], "be") == 0;
  if (argc != 3 || *end || block_size < MIN_BLOCK || block_size > MAX_BLOCK ||
      (!big_endian && strcmp(argv[1], "le") != 0)) {
    fprintf(stderr, "usage: crc be|le BLOCK, which is from %d to %d\n",
            MIN_BLOCK, MAX_BLOCK);
    return 2;
  }
  unsigned char *block = malloc((size_t)block_size);
  if (!block) {
    fprintf(stderr, "crc: out of memory\n");
    return 2;
  }
  int status = checksum(block, (size_t)block_size, big_endian);
  free(block);
  return status;
}
