/* Turns raw readings of sensors into calibrated ones. Each sensor has a curve of its own, given by knots; between two
 * knots the calibrated value follows a straight line. Curves and readings are made up from a seed. Prints totals, some
 * readings and a hash of all.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define RANGE ((uint64_t)1 << 32)

enum { SLOPE_BITS = 24, MOST_KNOTS = 4096, PART_BITS = 21, PARTS = 1 << (32 - PART_BITS), AT_ONCE = 4 };

typedef struct {
  int64_t value;
  int64_t slope; /* up to the next knot, in 1 / 2^SLOPE_BITS */
} Line;

typedef struct {
  uint64_t *knots; /* raw values in ascending order; the first one is 0 */
  Line *lines;     /* from each knot on */
  size_t count;
  uint16_t *first; /* the knot at which the search begins in each part of the range */
} Curve;

typedef struct {
  int64_t sum, least, most;
  uint64_t hash;
} Totals;

static void *allocate(size_t size) {
  void *memory = malloc(size);
  if (!memory) {
    fprintf(stderr, "curves: out of memory\n");
    exit(1);
  }
  return memory;
}

static uint64_t next_random(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return *state >> 33;
}

static Curve make_curve(size_t count, uint64_t *state) {
  Curve curve = {allocate(count * sizeof(uint64_t)), allocate(count * sizeof(Line)), count,
                 allocate(PARTS * sizeof(uint16_t))};
  uint64_t knot = 0;
  int64_t value = (int64_t)(next_random(state) % 2000) - 1000;
  for (size_t k = 0; k < count; k++) {
    uint64_t width = 1 + next_random(state) % (2 * RANGE / count);
    int64_t rise = (int64_t)(next_random(state) % 20000) - 4000;
    curve.knots[k] = knot;
    curve.lines[k] = (Line){value, k + 1 < count ? rise * (1 << SLOPE_BITS) / (int64_t)width : 0};
    knot += width;
    value += rise;
  }
  for (size_t part = 0, k = 0; part < PARTS; part++) {
    while (k + 1 < count && curve.knots[k + 1] <= (uint64_t)part << PART_BITS)
      k++;
    curve.first[part] = (uint16_t)k;
  }
  return curve;
}

/* The last knot that is not above a raw value: a part of the range has one or two at most. */
static size_t find_knot(const Curve *curve, uint64_t raw) {
  size_t knot = curve->first[raw >> PART_BITS];
  while (knot + 1 < curve->count && curve->knots[knot + 1] <= raw)
    knot++;
  return knot;
}

static int64_t calibrate(const Curve *curve, uint64_t raw) {
  size_t knot = find_knot(curve, raw);
  const Line *line = &curve->lines[knot];
  return line->value + line->slope * (int64_t)(raw - curve->knots[knot]) / (1 << SLOPE_BITS);
}

static Totals calibrate_all(const Curve *curves, int sensors, long readings, uint64_t *state) {
  Totals totals = {.least = INT64_MAX, .most = INT64_MIN, .hash = 14695981039346656037u};
  int sensor = 0;
  long i = 0;
  for (; i + AT_ONCE <= readings; i += AT_ONCE) { /* independent of each other: their cache misses overlap */
    uint64_t raw[AT_ONCE];
    int64_t values[AT_ONCE];
    int sensors_of[AT_ONCE];
    for (int j = 0; j < AT_ONCE; j++) {
      raw[j] = next_random(state) << 1;
      sensors_of[j] = sensor;
      sensor = sensor + 1 < sensors ? sensor + 1 : 0;
    }
    for (int j = 0; j < AT_ONCE; j++)
      values[j] = calibrate(&curves[sensors_of[j]], raw[j]);
    for (int j = 0; j < AT_ONCE; j++) {
      totals.sum += values[j];
      totals.least = values[j] < totals.least ? values[j] : totals.least;
      totals.most = values[j] > totals.most ? values[j] : totals.most;
      totals.hash = (totals.hash ^ (uint64_t)values[j]) * 1099511628211u;
      if (i + j < 4)
        printf("sensor %d: %" PRIu64 " is %" PRId64 "\n", sensors_of[j], raw[j], values[j]);
    }
  }
  for (; i < readings; i++) {
    uint64_t raw = next_random(state) << 1;
    int64_t value = calibrate(&curves[sensor], raw);
    totals.sum += value;
    totals.hash = (totals.hash ^ (uint64_t)value) * 1099511628211u;
    if (i < 4)
      printf("sensor %d: %" PRIu64 " is %" PRId64 "\n", sensor, raw, value);
    sensor = sensor + 1 < sensors ? sensor + 1 : 0;
  }
  return totals;
}

static long number(const char *text, long low, long high) {
  char *end;
  long value = strtol(text, &end, 10);
  if (end == text || *end || value < low || value > high) {
    fprintf(stderr, "curves: '%s' is not a number from %ld to %ld\n", text, low, high);
    exit(2);
  }
  return value;
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: curves SENSORS KNOTS READINGS SEED\n");
    return 2;
  }
  int sensors = (int)number(argv[1], 1, 10000);
  size_t knots = (size_t)number(argv[2], 1, MOST_KNOTS);
  long readings = number(argv[3], 0, 1000000000);
  uint64_t state = (uint64_t)number(argv[4], 0, 1000000000);
  Curve *curves = allocate((size_t)sensors * sizeof *curves);
  for (int s = 0; s < sensors; s++)
    curves[s] = make_curve(1 + (size_t)next_random(&state) % knots, &state);
  Totals totals = calibrate_all(curves, sensors, readings, &state);
  printf("%ld readings, sum %" PRId64 ", from %" PRId64 " to %" PRId64 ", hash %016" PRIx64 "\n", readings, totals.sum,
         totals.least, totals.most, totals.hash);
  for (int s = 0; s < sensors; s++) {
    free(curves[s].lines);
    free(curves[s].knots);
    free(curves[s].first);
  }
  free(curves);
  return 0;
}
