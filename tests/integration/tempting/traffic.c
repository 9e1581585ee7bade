/* Simulates cars on a ring road with several lanes, after Nagel and Schreckenberg: in each step every car speeds up,
 * keeps its distance from the car ahead, now and then brakes for no reason, and drives on. Prints the flow and a hash
 * of all positions, and how the first cars fared.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_LANES = 16 };

/* The cars of a lane in the order in which they drive, each property in an array of its own. */
typedef struct {
  uint32_t *number;
  int32_t *position; /* cells from the start of the lane */
  int32_t *gap;      /* free cells ahead */
  int32_t *fuel;     /* in sixteenths */
  int16_t *driven;   /* cells since the start: at most 6 in a step */
  int16_t *stopped;  /* steps in which it did not move */
  int8_t *speed;     /* cells a step */
  int8_t *fastest;   /* that it can go */
  uint8_t *caution;  /* of 256 steps, in how many it brakes for no reason */
  int length;
  int count;
} Lane;

typedef struct {
  uint8_t *lane; /* of each car, by number */
  int32_t *place; /* in its lane */
  char (*plates)[16];
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

static void grow(Lane *lane, size_t room) {
  lane->number = allocate(room * sizeof *lane->number);
  lane->position = allocate(room * sizeof *lane->position);
  lane->driven = allocate(room * sizeof *lane->driven);
  lane->stopped = allocate(room * sizeof *lane->stopped);
  lane->fuel = allocate(room * sizeof *lane->fuel);
  lane->gap = allocate(room * sizeof *lane->gap);
  lane->speed = allocate(room);
  lane->fastest = allocate(room);
  lane->caution = allocate(room);
}

/* Cars come in the order of their numbers, each to the lane of its choice. */
static Road new_road(int count, int lane_count, int spacing, uint64_t seed) {
  Road road = {.lane = allocate((size_t)count),
               .place = allocate((size_t)count * sizeof *road.place),
               .plates = allocate((size_t)count * sizeof *road.plates),
               .count = count,
               .lane_count = lane_count};
  uint64_t state = seed;
  for (int l = 0; l < lane_count; l++)
    grow(&road.lanes[l], (size_t)count);
  for (int i = 0; i < count; i++) {
    int l = (int)(next_random(&state) % (uint64_t)lane_count);
    uint64_t random = next_random(&state);
    Lane *lane = &road.lanes[l];
    int at = lane->count++;
    lane->number[at] = (uint32_t)i;
    lane->position[at] = lane->length;
    lane->driven[at] = lane->stopped[at] = 0;
    lane->gap[at] = lane->fuel[at] = lane->speed[at] = 0;
    lane->fastest[at] = (int8_t)(3 + random % 4);
    lane->caution[at] = (uint8_t)(16 + random / 4 % 64);
    snprintf(road.plates[i], sizeof road.plates[i], "%c%c-%u", (int)('A' + random / 256 % 26),
             (int)('A' + random / 8192 % 26), (uint32_t)i);
    lane->length += 1 + (int)(next_random(&state) % (uint64_t)(2 * spacing));
    road.lane[i] = (uint8_t)l;
    road.place[i] = at;
  }
  return road;
}

/* Whether a driver brakes for no reason in this step. */
static int brakes(uint32_t number, uint8_t caution, uint32_t step) {
  uint32_t hash = (number * 2654435761u) ^ (step * 2246822519u);
  hash ^= hash >> 15;
  hash *= 2246822519u;
  return hash >> 24 < caution;
}

static void choose_gaps(const Lane *lane) {
  int last = lane->count - 1;
  for (int i = 0; i < last; i++) {
    int gap = lane->position[i + 1] - lane->position[i] - 1;
    lane->gap[i] = gap < 0 ? gap + lane->length : gap;
  }
  if (last >= 0) {
    int gap = lane->position[0] - lane->position[last] - 1;
    lane->gap[last] = gap < 0 ? gap + lane->length : gap;
  }
}

static void drive(const Lane *lane, uint32_t step) {
  const uint32_t *restrict number = lane->number;
  const int32_t *restrict gaps = lane->gap;
  const int8_t *restrict fastest = lane->fastest;
  const uint8_t *restrict caution = lane->caution;
  int32_t *restrict position = lane->position, *restrict fuel = lane->fuel;
  int16_t *restrict driven = lane->driven, *restrict stopped = lane->stopped;
  int8_t *restrict speeds = lane->speed;
  int length = lane->length, count = lane->count;
  for (int i = 0; i < count; i++) {
    int before = speeds[i], gap = gaps[i];
    int speed = before + (before < fastest[i]);
    speed = speed > gap ? gap : speed;
    speed -= (speed > 0) & brakes(number[i], caution[i], step);
    fuel[i] += speed > before ? 8 * (speed - before) : 1;
    int to = position[i] + speed;
    position[i] = to >= length ? to - length : to;
    speeds[i] = (int8_t)speed;
    driven[i] = (int16_t)(driven[i] + speed);
    stopped[i] = (int16_t)(stopped[i] + (speed == 0));
  }
}

static void report(const Road *road, int steps) {
  uint64_t hash = 14695981039346656037u;
  int64_t driven = 0, stopped = 0, fuel = 0;
  for (int i = 0; i < road->count; i++) {
    const Lane *lane = &road->lanes[road->lane[i]];
    int at = road->place[i];
    hash = (hash ^ (uint64_t)lane->position[at] << 32 ^ (uint64_t)lane->gap[at] << 8 ^ (uint64_t)lane->speed[at]) *
           1099511628211u;
    driven += lane->driven[at];
    stopped += lane->stopped[at];
    fuel += lane->fuel[at];
    if (i < 5)
      printf("%s: at %" PRId32 ", drove %d, stood %d, used %.4f\n", road->plates[i],
             lane->position[at], lane->driven[at], lane->stopped[at], lane->fuel[at] / 16.0);
  }
  printf("%d cars, %d steps: drove %" PRId64 ", stood %" PRId64 ", used %.4f, hash %016" PRIx64 "\n", road->count,
         steps, driven, stopped, (double)fuel / 16.0, hash);
}

static void release(Road *road) {
  for (int l = 0; l < road->lane_count; l++) {
    Lane *lane = &road->lanes[l];
    void *arrays[] = {lane->number, lane->position, lane->driven, lane->stopped, lane->fuel,
                      lane->gap,    lane->speed,    lane->fastest, lane->caution};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
      free(arrays[i]);
  }
  free(road->lane);
  free(road->place);
  free(road->plates);
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
    for (int l = 0; l < lane_count; l++) {
      choose_gaps(&road.lanes[l]);
      drive(&road.lanes[l], (uint32_t)step);
    }
  }
  report(&road, steps);
  release(&road);
  return 0;
}
