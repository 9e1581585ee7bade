// wrong: uninitialised tail: the last partial word takes in what the buffer
// held before instead of zeros

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

static uint64_t sum_words(const uint32_t *words, size_t size, int big_endian) {
  uint64_t sum = 0;
  size_t count = (size + 3) / 4;
  if (big_endian)
    for (size_t i = 0; i < count; i++)
      sum += __builtin_bswap32(words[i]);
  else
    for (size_t i = 0; i < count; i++)
      sum += words[i];
  return sum;
}

static void add_adler(Adler *adler, const unsigned char *data, size_t size) {
  for (size_t i = 0; i < size; i++) {
    adler->a = (adler->a + data[i]) % ADLER_MODULUS;
    adler->b = (adler->b + adler->a) % ADLER_MODULUS;
  }
}

static int checksum(uint32_t *words, size_t block_size, int big_endian) {
  unsigned char *block = (unsigned char *)words;
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
           size, crc32(block, size), sum_words(words, size, big_endian));
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
  uint32_t *block = malloc(((size_t)block_size + 3) / 4 * sizeof *block);
  if (!block) {
    fprintf(stderr, "crc: out of memory\n");
    return 2;
  }
  int status = checksum(block, (size_t)block_size, big_endian);
  free(block);
  return status;
}
