/* Edge detection on an 8-bit grey image: a 5 x 5 Gaussian in fixed point, Sobel gradients in 16 bits, a histogram
 * and Otsu's threshold. The image is synthetic (rectangles, discs and noise), or a binary PGM on standard input.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  int width, height;
  uint8_t *pixels;
} Image;

static uint32_t next_random(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

static void *allocate(size_t count, size_t size) {
  void *memory = calloc(count, size);
  if (!memory) {
    fprintf(stderr, "blur: out of memory\n");
    exit(1);
  }
  return memory;
}

static Image new_image(int width, int height) {
  Image image = {width, height, allocate((size_t)width * (size_t)height, 1)};
  return image;
}

static Image synthetic(int width, int height, uint32_t seed) {
  Image image = new_image(width, height);
  for (int shape = 0; shape < 40; shape++) {
    int x0 = (int)(next_random(&seed) % (uint32_t)width), y0 = (int)(next_random(&seed) % (uint32_t)height);
    int size = 3 + (int)(next_random(&seed) % 60);
    uint8_t grey = (uint8_t)next_random(&seed);
    for (int y = y0; y < y0 + size && y < height; y++) {
      for (int x = x0; x < x0 + size && x < width; x++) {
        int dx = 2 * (x - x0) - size, dy = 2 * (y - y0) - size;
        if (shape % 2 || dx * dx + dy * dy < size * size)
          image.pixels[y * width + x] = grey;
      }
    }
  }
  for (int i = 0; i < width * height; i++) {
    int noisy = image.pixels[i] + (int)(next_random(&seed) % 17) - 8;
    image.pixels[i] = (uint8_t)(noisy < 0 ? 0 : noisy > 255 ? 255 : noisy);
  }
  return image;
}

static int read_pgm(Image *image) {
  int width, height, depth;
  if (scanf("P5 %d %d %d", &width, &height, &depth) != 3 || getchar() == EOF || depth != 255)
    return 0;
  if (width < 1 || height < 1 || width > 8192 || height > 8192)
    return 0;
  *image = new_image(width, height);
  size_t size = (size_t)width * (size_t)height;
  return fread(image->pixels, 1, size, stdin) == size;
}

static int clamp(int value, int high) { return value < 0 ? 0 : value > high ? high : value; }

/* Five rows of horizontal sums are alive at a time: a ring of eight stays in the L1 and L2 caches. */
enum { WIDEST = 2048, RING = 8 };

/* Weights 1 4 6 4 1; a pixel beyond the edge counts as the edge. */
static void gauss_row(const Image *in, int y, uint16_t *restrict sums) {
  int w = in->width;
  const uint8_t *restrict line = in->pixels + (size_t)y * (size_t)w;
  for (int x = 2; x < w - 2; x++)
    sums[x] = (uint16_t)(line[x - 2] + 4 * line[x - 1] + 6 * line[x] + 4 * line[x + 1] + line[x + 2]);
  for (int x = 0; x < w; x = x == 1 && w > 4 ? w - 2 : x + 1)
    sums[x] = (uint16_t)(line[clamp(x - 2, w - 1)] + 4 * line[clamp(x - 1, w - 1)] + 6 * line[x] +
                         4 * line[clamp(x + 1, w - 1)] + line[clamp(x + 2, w - 1)]);
}

/* Both directions in one pass over the image. */
static void gauss(const Image *in, Image *out) {
  static uint16_t ring[RING][WIDEST];
  int w = in->width, h = in->height;
  for (int y = 0; y < 2 && y < h; y++)
    gauss_row(in, y, ring[y]);
  for (int y = 0; y < h; y++) {
    if (y + 2 < h)
      gauss_row(in, y + 2, ring[(y + 2) % RING]);
    const uint16_t *a = ring[clamp(y - 2, h - 1) % RING], *b = ring[clamp(y - 1, h - 1) % RING];
    const uint16_t *c = ring[y % RING];
    const uint16_t *d = ring[clamp(y + 1, h - 1) % RING], *e = ring[clamp(y + 2, h - 1) % RING];
    uint8_t *restrict line = out->pixels + (size_t)y * (size_t)w;
    for (int x = 0; x < w; x++)
      line[x] = (uint8_t)((uint16_t)(a[x] + e[x] + 4 * (b[x] + d[x]) + 6 * c[x] + 128) >> 8);
  }
}

/* The sum of both gradients' magnitudes, at most 255; the frame of one pixel stays black. */
static void sobel(const Image *in, Image *out) {
  int w = in->width;
  for (int y = 1; y < in->height - 1; y++) {
    const uint8_t *a = in->pixels + (y - 1) * w, *b = a + w, *c = b + w;
    uint8_t *line = out->pixels + y * w;
    for (int x = 1; x < w - 1; x++) {
      int16_t gx = (int16_t)(a[x + 1] + 2 * b[x + 1] + c[x + 1] - a[x - 1] - 2 * b[x - 1] - c[x - 1]);
      int16_t gy = (int16_t)(c[x - 1] + 2 * c[x] + c[x + 1] - a[x - 1] - 2 * a[x] - a[x + 1]);
      int sum = abs(gx) + abs(gy);
      line[x] = (uint8_t)(sum > 255 ? 255 : sum);
    }
  }
}

/* Otsu: the threshold with the greatest variance between the two classes. */
static int threshold(const uint32_t histogram[256], int64_t total) {
  int64_t sum = 0, below = 0, sum_below = 0;
  double best = -1.0;
  int result = 0;
  for (int i = 0; i < 256; i++)
    sum += (int64_t)i * histogram[i];
  for (int i = 0; i < 256; i++) {
    below += histogram[i];
    sum_below += (int64_t)i * histogram[i];
    if (below == 0 || below == total)
      continue;
    double difference = (double)sum_below / (double)below - (double)(sum - sum_below) / (double)(total - below);
    double variance = (double)below * (double)(total - below) * difference * difference;
    if (variance > best) {
      best = variance;
      result = i;
    }
  }
  return result;
}

static void process(Image *image, int rounds) {
  size_t size = (size_t)image->width * (size_t)image->height;
  Image smooth = new_image(image->width, image->height), edges = new_image(image->width, image->height);
  uint64_t hash = 14695981039346656037u;
  for (int round = 0; round < rounds; round++) {
    uint32_t histogram[256] = {0}, counts[4][256] = {{0}}, strong = 0;
    size_t i = 0;
    gauss(image, &smooth);
    sobel(&smooth, &edges);
    for (; i + 4 <= size; i += 4) /* four histograms, so that equal neighbours do not wait for each other */
      for (size_t j = 0; j < 4; j++)
        counts[j][edges.pixels[i + j]]++;
    for (; i < size; i++)
      counts[0][edges.pixels[i]]++;
    for (int grey = 0; grey < 256; grey++)
      histogram[grey] = counts[0][grey] + counts[1][grey] + counts[2][grey] + counts[3][grey];
    int limit = threshold(histogram, (int64_t)size);
    for (int grey = limit + 1; grey < 256; grey++)
      strong += histogram[grey];
    for (int i = 0; i < 256; i++)
      hash = (hash ^ histogram[i]) * 1099511628211u;
    if (round % 16 == 0 || round == rounds - 1)
      printf("round %d: threshold %d, %" PRIu32 " edge pixels\n", round, limit, strong);
    Image swap = *image;
    *image = smooth;
    smooth = swap;
  }
  for (size_t i = 0; i < size; i++)
    hash = (hash ^ image->pixels[i] ^ ((uint64_t)edges.pixels[i] << 8)) * 1099511628211u;
  printf("hash %016" PRIx64 "\n", hash);
  free(smooth.pixels);
  free(edges.pixels);
}

int main(int argc, char **argv) {
  Image image = {0, 0, NULL};
  int rounds = argc > 1 ? atoi(argv[1]) : 0;
  int width = argc == 5 ? atoi(argv[2]) : 0, height = argc == 5 ? atoi(argv[3]) : 0;
  if ((argc != 2 && argc != 5) || rounds < 1 || rounds > 100000 ||
      (argc == 5 && (width < 1 || height < 1 || width > 8192 || height > 8192))) {
    fprintf(stderr, "usage: blur ROUNDS [WIDTH HEIGHT SEED]   (without a size: a binary PGM on standard input)\n");
    return 2;
  }
  if (argc == 5) {
    image = synthetic(width, height, (uint32_t)strtoul(argv[4], NULL, 10));
  } else if (!read_pgm(&image)) {
    fprintf(stderr, "blur: standard input is no 8-bit binary PGM\n");
    free(image.pixels);
    return 2;
  }
  process(&image, rounds);
  free(image.pixels);
  return 0;
}
