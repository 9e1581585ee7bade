// right: tables: four bytes at a time through four tables, and the bytes that
// are left one by one

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

static uint32_t tables[4][256];

static void fill_tables(void) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; bit++)
      crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    tables[0][i] = crc;
  }
  for (int k = 1; k < 4; k++)
    for (int i = 0; i < 256; i++)
      tables[k][i] = tables[k - 1][i] >> 8 ^ tables[0][tables[k - 1][i] & 255];
}

static uint32_t crc32(const unsigned char *data, size_t size) {
  uint32_t crc = 0xffffffffu;
  size_t i = 0;
  for (; i + 4 <= size; i += 4) {
    uint32_t word;
    memcpy(&word, data + i, sizeof word);
    crc ^= word;
    crc = tables[3][crc & 255] ^ tables[2][crc >> 8 & 255] ^
          tables[1][crc >> 16 & 255] ^ tables[0][crc >> 24];
  }
  for (; i < size; i++)
    crc = crc >> 8 ^ tables[0][(crc ^ data[i]) & 255];
  return ~crc;
}

static uint64_t sum_words(const unsigned char *data, size_t size,
                          int big_endian) {
  uint64_t sum = 0;
  for (size_t i = 0; i < size; i += 4) {
    uint32_t word = 0;
    for (size_t k = 0; k < 4; k++) {
      uint32_t byte = i + k < size ? data[i + k] : 0;
      word |= byte << (big_endian ? 24 - 8 * k : 8 * k);
    }
    sum += word;
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
  fill_tables();
  unsigned char *block = malloc((size_t)block_size);
  if (!block) {
    fprintf(stderr, "crc: out of memory\n");
    return 2;
  }
  int status = checksum(block, (size_t)block_size, big_endian);
  free(block);
  return status;
}
