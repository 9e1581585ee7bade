/* Heat spreads over a square plate: explicit finite differences on a 9-point stencil, with materials of different
 * conductivity, a heated left edge and isolated other edges. Prints the energy, the extremes and a hash of the plate.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  int size; /* cells in each direction, without the border */
  double *temperature;
  double *next;
  double *conductivity;
} Plate;

static size_t at(const Plate *plate, int row, int column) {
  return (size_t)row * (size_t)(plate->size + 2) + (size_t)column;
}

static uint64_t next_random(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return *state >> 33;
}

static double *new_grid(int size) {
  size_t cells = (size_t)(size + 2) * (size_t)(size + 2);
  double *grid = calloc(cells, sizeof *grid);
  if (!grid) {
    fprintf(stderr, "heat: out of memory\n");
    exit(1);
  }
  return grid;
}

static void init(Plate *plate, int size, uint64_t seed) {
  uint64_t state = seed;
  plate->size = size;
  plate->temperature = new_grid(size);
  plate->next = new_grid(size);
  plate->conductivity = new_grid(size);
  for (int row = 1; row <= size; row++) {
    for (int column = 1; column <= size; column++) {
      size_t cell = at(plate, row, column);
      plate->temperature[cell] = 20.0 + (double)(next_random(&state) % 1000) / 100.0;
      plate->conductivity[cell] = 0.05 + (double)(next_random(&state) % 8) / 100.0;
    }
  }
}

/* The border takes the temperature of its neighbour, so that nothing flows; the left one is heated. */
static void set_border(Plate *plate, double heat) {
  double *t = plate->temperature;
  int last = plate->size + 1;
  for (int i = 0; i <= last; i++) {
    t[at(plate, 0, i)] = t[at(plate, 1, i)];
    t[at(plate, last, i)] = t[at(plate, last - 1, i)];
  }
  for (int i = 0; i <= last; i++) {
    t[at(plate, i, 0)] = heat;
    t[at(plate, i, last)] = t[at(plate, i, last - 1)];
  }
}

/* One row of cells; AVX2 takes four of them at a time. */
__attribute__((target("avx2"))) static void step_row(const double *restrict above, const double *restrict here,
                                                     const double *restrict below,
                                                     const double *restrict conductivity, double *restrict next,
                                                     int size) {
  for (int i = 1; i <= size; i++) {
    double straight = above[i] + below[i] + here[i - 1] + here[i + 1] - 4.0 * here[i];
    double diagonal = above[i - 1] + above[i + 1] + below[i - 1] + below[i + 1] - 4.0 * here[i];
    next[i] = here[i] + conductivity[i] * (straight + 0.5 * diagonal);
  }
}

static void step(Plate *plate) {
  size_t stride = (size_t)plate->size + 2;
  for (int row = 1; row <= plate->size; row++) {
    const double *above = plate->temperature + at(plate, row - 1, 0);
    step_row(above, above + stride, above + 2 * stride, plate->conductivity + at(plate, row, 0),
             plate->next + at(plate, row, 0), plate->size);
  }
  double *old = plate->temperature;
  plate->temperature = plate->next;
  plate->next = old;
}

/* Whether the last step changed nothing that could be seen: `next` holds the temperatures before it. */
static int settled(const Plate *plate) {
  for (int row = 1; row <= plate->size; row++) {
    for (int column = 1; column <= plate->size; column++) {
      double change = plate->temperature[at(plate, row, column)] - plate->next[at(plate, row, column)];
      if (change > 1e-12 || change < -1e-12)
        return 0;
    }
  }
  return 1;
}

static void report(const Plate *plate) {
  double energy = 0.0, low = 1e300, high = -1e300;
  uint64_t hash = 14695981039346656037u;
  for (int row = 1; row <= plate->size; row++) {
    for (int column = 1; column <= plate->size; column++) {
      double value = plate->temperature[at(plate, row, column)];
      uint64_t bits;
      memcpy(&bits, &value, sizeof bits);
      hash = (hash ^ bits) * 1099511628211u;
      energy += value;
      low = value < low ? value : low;
      high = value > high ? value : high;
    }
  }
  printf("energy %.9f\nlowest %.9f\nhighest %.9f\nhash %016" PRIx64 "\n", energy, low, high, hash);
}

static long number(const char *text, long low, long high) {
  char *end;
  long value = strtol(text, &end, 10);
  if (end == text || *end || value < low || value > high) {
    fprintf(stderr, "heat: '%s' is not a number from %ld to %ld\n", text, low, high);
    exit(2);
  }
  return value;
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: heat SIZE STEPS SEED\n");
    return 2;
  }
  Plate plate;
  init(&plate, (int)number(argv[1], 1, 4096), (uint64_t)number(argv[3], 0, 1000000000));
  long steps = number(argv[2], 0, 1000000);
  for (long i = 0; i < steps; i++) {
    set_border(&plate, 80.0);
    step(&plate);
    if (i % 32 == 31 && settled(&plate))
      break; /* all further steps would leave it as it is */
  }
  report(&plate);
  free(plate.temperature);
  free(plate.next);
  free(plate.conductivity);
  return 0;
}
