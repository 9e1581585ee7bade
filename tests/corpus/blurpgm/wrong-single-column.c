// wrong: border: the first and last column take their neighbour without asking
// whether there is one, so an image one pixel wide reads beyond its rows

// Blurs a grey image in plain PGM format PASSES times with a 3x3 kernel. Pixels
// over the border are those at the border; pixels missing at the end are black.
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SIDE = 128, MAX_VALUE = 65535, MAX_PASSES = 8 };

typedef struct {
  int width, height, max;
  uint16_t *pixels;
} Image;

// Returns the next number, -1 at the end, or -2 for anything else.
static long read_number(void) {
  int c = getchar();
  while (isspace(c))
    c = getchar();
  if (c == EOF)
    return -1;
  long value = 0;
  if (!isdigit(c))
    return -2;
  for (; isdigit(c); c = getchar())
    if (value <= MAX_VALUE)
      value = 10 * value + (c - '0');
  return value;
}

static int read_pixels(Image *image) {
  size_t count = (size_t)image->width * (size_t)image->height;
  image->pixels = calloc(count, sizeof *image->pixels);
  if (!image->pixels)
    return -1;
  for (size_t i = 0; i < count; i++) {
    long value = read_number();
    if (value == -1)
      break;
    if (value < 0 || value > image->max)
      return -1;
    image->pixels[i] = (uint16_t)value;
  }
  return 0;
}

static int read_image(Image *image) {
  if (getchar() != 'P' || getchar() != '2')
    return -1;
  long width = read_number(), height = read_number(), max = read_number();
  if (width < 1 || width > MAX_SIDE || height < 1 || height > MAX_SIDE ||
      max < 1 || max > MAX_VALUE)
    return -1;
  image->width = (int)width;
  image->height = (int)height;
  image->max = (int)max;
  return read_pixels(image);
}

static int clamp(int value, int count) {
  return value < 0 ? 0 : value < count ? value : count - 1;
}

static void sum_row(const uint16_t *row, int width, uint32_t *sums) {
  sums[0] = 3u * row[0] + row[1];
  for (int x = 1; x < width - 1; x++)
    sums[x] = row[x - 1] + 2u * row[x] + row[x + 1];
  sums[width - 1] = row[width - 2] + 3u * row[width - 1];
}

static void blur(const Image *image, uint16_t *out) {
  static uint32_t above[MAX_SIDE], here[MAX_SIDE], below[MAX_SIDE];
  int width = image->width;
  for (int y = 0; y < image->height; y++) {
    const uint16_t *rows = image->pixels;
    sum_row(rows + clamp(y - 1, image->height) * width, width, above);
    sum_row(rows + y * width, width, here);
    sum_row(rows + clamp(y + 1, image->height) * width, width, below);
    for (int x = 0; x < width; x++)
      out[y * width + x] =
          (uint16_t)((above[x] + 2 * here[x] + below[x] + 8) / 16);
  }
}

static int blur_passes(Image *image, int passes) {
  size_t count = (size_t)image->width * (size_t)image->height;
  uint16_t *out = malloc(count * sizeof *out);
  if (!out)
    return -1;
  for (int pass = 0; pass < passes; pass++) {
    blur(image, out);
    memcpy(image->pixels, out, count * sizeof *out);
  }
  free(out);
  return 0;
}

static void print(const Image *image) {
  printf("P2\n%d %d\n%d\n", image->width, image->height, image->max);
  for (int y = 0; y < image->height; y++)
    for (int x = 0; x < image->width; x++)
      printf("%d%c", image->pixels[y * image->width + x],
             x + 1 < image->width ? ' ' : '\n');
}

int main(int argc, char **argv) {
  char *end = NULL;
  long passes = argc == 2 ? strtol(argv[1], &end, 10) : -1;
  if (argc != 2 || *end || passes < 1 || passes > MAX_PASSES) {
    fprintf(stderr, "usage: blurpgm PASSES, which is from 1 to 8\n");
    return 2;
  }
  Image image = {0};
  int status = read_image(&image) ? 1 : 0;
  if (status)
    printf("not a plain PGM image of at most %dx%d\n", MAX_SIDE, MAX_SIDE);
  else if (blur_passes(&image, (int)passes))
    status = 2;
  else
    print(&image);
  free(image.pixels);
  return status;
}
