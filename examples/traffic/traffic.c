/* Simulates cars on a ring road with several lanes, after Nagel and Schreckenberg: in each step every car speeds up,
 * keeps its distance from the car ahead, now and then brakes for no reason, and drives on. Prints the flow and a hash
 * of all positions, and how the first cars fared.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_LANES = 16 };

typedef struct Car {
  struct Car *ahead;
  char plate[16];
  uint32_t number;
  int32_t position; /* cells from the start of the lane */
  int32_t speed;    /* cells a step */
  int32_t fastest;  /* that it can go */
  int32_t caution;  /* of 256 steps, in how many it brakes for no reason */
  int32_t gap;      /* free cells ahead */
  int64_t driven;   /* cells since the start */
  int64_t stopped;  /* steps in which it did not move */
  double fuel;
} Car;

typedef struct {
  Car *last; /* the others are ahead of it; the first one has it ahead again */
  int length;
  int count;
} Lane;

typedef struct {
  Car **cars; /* by number */
  int count;
  Lane lanes[MOST_LANES];
  int lane_count;
} Road;

static void *allocate(size_t size) {
  void *memory = malloc(size);
  if (!memory) {
    fprintf(stderr, "traffic: out of memory\n");
    exit(1);
  }
  return memory;
}

static uint64_t next_random(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return *state >> 33;
}

static Car *new_car(uint32_t number, uint64_t random) {
  Car *car = allocate(sizeof *car);
  *car = (Car){.number = number, .fastest = 3 + (int32_t)(random % 4), .caution = 16 + (int32_t)(random / 4 % 64)};
  snprintf(car->plate, sizeof car->plate, "%c%c-%u", (int)('A' + random / 256 % 26), (int)('A' + random / 8192 % 26),
           number);
  return car;
}

/* Cars come in the order of their numbers, each to the lane of its choice. */
static Road new_road(int count, int lane_count, int spacing, uint64_t seed) {
  Road road = {.cars = allocate((size_t)count * sizeof(Car *)), .count = count, .lane_count = lane_count};
  Car *first[MOST_LANES] = {NULL};
  uint64_t state = seed;
  for (int i = 0; i < count; i++) {
    Lane *lane = &road.lanes[next_random(&state) % (uint64_t)lane_count];
    Car *car = new_car((uint32_t)i, next_random(&state));
    car->position = lane->length;
    car->ahead = lane->last; /* turned around below */
    lane->length += 1 + (int)(next_random(&state) % (uint64_t)(2 * spacing));
    lane->last = car;
    lane->count++;
    if (!car->ahead)
      first[lane - road.lanes] = car;
    road.cars[i] = car;
  }
  for (int l = 0; l < lane_count; l++) {
    Car *car = road.lanes[l].last, *ahead = first[l];
    road.lanes[l].last = first[l];
    while (car) {
      Car *behind = car->ahead;
      car->ahead = ahead;
      ahead = car;
      car = behind;
    }
  }
  return road;
}

/* Whether a driver brakes for no reason in this step. */
static int brakes(const Car *car, uint32_t step) {
  uint32_t hash = (car->number * 2654435761u) ^ (step * 2246822519u);
  hash ^= hash >> 15;
  hash *= 2246822519u;
  return (int32_t)(hash >> 24) < car->caution;
}

static void choose_speeds(const Lane *lane, uint32_t step) {
  Car *car = lane->last;
  for (int i = 0; i < lane->count; i++) {
    int32_t before = car->speed;
    car->gap = car->ahead->position - car->position - 1;
    if (car->gap < 0)
      car->gap += lane->length;
    if (car->speed < car->fastest)
      car->speed++;
    if (car->speed > car->gap)
      car->speed = car->gap;
    if (car->speed > 0 && brakes(car, step))
      car->speed--;
    car->fuel += car->speed > before ? 0.5 * (car->speed - before) : 0.0625;
    car = car->ahead;
  }
}

static void drive(const Lane *lane) {
  Car *car = lane->last;
  for (int i = 0; i < lane->count; i++) {
    car->position += car->speed;
    if (car->position >= lane->length)
      car->position -= lane->length;
    car->driven += car->speed;
    car->stopped += car->speed == 0;
    car = car->ahead;
  }
}

static void report(const Road *road, int steps) {
  uint64_t hash = 14695981039346656037u;
  int64_t driven = 0, stopped = 0;
  double fuel = 0;
  for (int i = 0; i < road->count; i++) {
    const Car *car = road->cars[i];
    hash = (hash ^ (uint64_t)car->position << 32 ^ (uint64_t)car->gap << 8 ^ (uint64_t)car->speed) * 1099511628211u;
    driven += car->driven;
    stopped += car->stopped;
    fuel += car->fuel;
    if (i < 5)
      printf("%s: at %" PRId32 ", drove %" PRId64 ", stood %" PRId64 ", used %.4f\n", car->plate, car->position,
             car->driven, car->stopped, car->fuel);
  }
  printf("%d cars, %d steps: drove %" PRId64 ", stood %" PRId64 ", used %.4f, hash %016" PRIx64 "\n", road->count,
         steps, driven, stopped, fuel, hash);
}

static int number(const char *text, long low, long high) {
  char *end;
  long value = strtol(text, &end, 10);
  if (end == text || *end || value < low || value > high) {
    fprintf(stderr, "traffic: '%s' is not a number from %ld to %ld\n", text, low, high);
    exit(2);
  }
  return (int)value;
}

int main(int argc, char **argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: traffic CARS LANES SPACING STEPS SEED\n");
    return 2;
  }
  int count = number(argv[1], 1, 1000000), lane_count = number(argv[2], 1, MOST_LANES);
  int spacing = number(argv[3], 1, 1000), steps = number(argv[4], 0, 1000000);
  Road road = new_road(count, lane_count, spacing, (uint64_t)number(argv[5], 0, 1000000000));
  for (int step = 0; step < steps; step++) {
    for (int l = 0; l < lane_count; l++)
      choose_speeds(&road.lanes[l], (uint32_t)step);
    for (int l = 0; l < lane_count; l++)
      drive(&road.lanes[l]);
  }
  report(&road, steps);
  for (int i = 0; i < count; i++)
    free(road.cars[i]);
  free(road.cars);
  return 0;
}
