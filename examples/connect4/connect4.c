/* Solves Connect Four positions: alpha-beta search on bit boards with a transposition table, moves from the centre
 * outwards. Positions come from random play; prints the score of each and a hash of scores and node counts.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 7, HEIGHT = 6, CELLS = WIDTH * HEIGHT, TABLE_BITS = 16 };

/* A column takes HEIGHT + 1 bits; the spare one keeps lines from running into the next column. */
typedef struct {
  uint64_t own;    /* stones of the player to move */
  uint64_t filled; /* stones of both */
  int moves;
} Position;

typedef struct {
  uint64_t key;
  int8_t upper; /* bound of the score, plus 100; 0: empty */
} Slot;

typedef struct {
  Slot *table;
  uint64_t nodes;
} Solver;

static const int order[WIDTH] = {3, 2, 4, 1, 5, 0, 6};

static uint64_t bottom(int column) { return (uint64_t)1 << (column * (HEIGHT + 1)); }

static uint64_t column_mask(int column) { return (((uint64_t)1 << HEIGHT) - 1) << (column * (HEIGHT + 1)); }

static int playable(const Position *position, int column) {
  return (position->filled & (bottom(column) << (HEIGHT - 1))) == 0;
}

static Position play(const Position *position, int column) {
  Position next;
  next.own = position->own ^ position->filled;
  next.filled = position->filled | (position->filled + bottom(column));
  next.moves = position->moves + 1;
  return next;
}

static int has_line(uint64_t stones) {
  static const int directions[4] = {1, HEIGHT, HEIGHT + 1, HEIGHT + 2};
  for (int i = 0; i < 4; i++) {
    uint64_t pairs = stones & (stones >> directions[i]);
    if (pairs & (pairs >> (2 * directions[i])))
      return 1;
  }
  return 0;
}

static int wins(const Position *position, int column) {
  uint64_t stones = position->own | ((position->filled + bottom(column)) & column_mask(column));
  return has_line(stones);
}

/* The cells where `stones` would complete a line of four. */
static uint64_t threats(uint64_t stones, uint64_t filled) {
  uint64_t board = 0, result = (stones << 1) & (stones << 2) & (stones << 3);
  for (int d = HEIGHT; d <= HEIGHT + 2; d++) {
    uint64_t pairs = (stones << d) & (stones << (2 * d));
    result |= pairs & (stones << (3 * d));
    result |= pairs & (stones >> d);
    pairs = (stones >> d) & (stones >> (2 * d));
    result |= pairs & (stones << d);
    result |= pairs & (stones >> (3 * d));
  }
  for (int column = 0; column < WIDTH; column++)
    board |= column_mask(column);
  return result & board & ~filled;
}

/* Columns in the order in which to try them: those that make more threats first. Returns how many. */
static int ordered_moves(const Position *position, int columns[WIDTH]) {
  int scores[WIDTH], count = 0;
  for (int i = 0; i < WIDTH; i++) {
    int column = order[i];
    if (!playable(position, column))
      continue;
    uint64_t stone = (position->filled + bottom(column)) & column_mask(column);
    int score = __builtin_popcountll(threats(position->own | stone, position->filled | stone));
    int place = count++;
    for (; place > 0 && scores[place - 1] < score; place--) {
      scores[place] = scores[place - 1];
      columns[place] = columns[place - 1];
    }
    scores[place] = score;
    columns[place] = column;
  }
  return count;
}

/* Half of the stones that are left when the player to move wins; negative when the opponent does; 0 for a draw. */
static int solve(Solver *solver, const Position *position, int alpha, int beta) {
  int columns[WIDTH];
  solver->nodes++;
  if (position->moves == CELLS)
    return 0;
  for (int column = 0; column < WIDTH; column++)
    if (playable(position, column) && wins(position, column))
      return (CELLS + 1 - position->moves) / 2;
  int upper = (CELLS - 1 - position->moves) / 2;
  uint64_t key = position->own + position->filled;
  Slot *slot = &solver->table[(key * 0x9e3779b97f4a7c15u) >> (64 - TABLE_BITS)];
  if (slot->upper && slot->key == key)
    upper = slot->upper - 100;
  if (beta > upper) {
    beta = upper;
    if (alpha >= beta)
      return beta;
  }
  int count = ordered_moves(position, columns);
  for (int i = 0; i < count; i++) {
    Position next = play(position, columns[i]);
    int score = -solve(solver, &next, -beta, -alpha);
    if (score >= beta)
      return score;
    if (score > alpha)
      alpha = score;
  }
  slot->key = key;
  slot->upper = (int8_t)(alpha + 100);
  return alpha;
}

static uint64_t next_random(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return *state >> 33;
}

/* A position after `moves` random moves, none of which wins. */
static Position random_position(int moves, uint64_t *state) {
  Position position = {0, 0, 0};
  while (position.moves < moves) {
    int column = (int)(next_random(state) % WIDTH), blocked = 1;
    if (playable(&position, column) && !wins(&position, column))
      position = play(&position, column);
    for (int i = 0; i < WIDTH; i++)
      blocked = blocked && (!playable(&position, i) || wins(&position, i));
    if (blocked)
      position = (Position){0, 0, 0};
  }
  return position;
}

int main(int argc, char **argv) {
  int count = argc == 4 ? atoi(argv[1]) : -1, moves = argc == 4 ? atoi(argv[2]) : -1;
  if (count < 0 || moves < 0 || moves > CELLS - 2) {
    fprintf(stderr, "usage: connect4 POSITIONS MOVES SEED   (MOVES: 0 to %d random moves before the search)\n", CELLS - 2);
    return 2;
  }
  uint64_t state = strtoull(argv[3], NULL, 10), hash = 14695981039346656037u;
  Solver solver = {calloc((size_t)1 << TABLE_BITS, sizeof(Slot)), 0};
  if (!solver.table) {
    fprintf(stderr, "connect4: out of memory\n");
    return 1;
  }
  for (int i = 0; i < count; i++) {
    Position position = random_position(moves, &state);
    int score = solve(&solver, &position, -CELLS / 2, CELLS / 2);
    if (i < 10)
      printf("position %d: score %d\n", i, score);
    hash = (hash ^ (uint64_t)(int64_t)score ^ solver.nodes << 8) * 1099511628211u;
  }
  printf("%" PRIu64 " nodes, hash %016" PRIx64 "\n", solver.nodes, hash);
  free(solver.table);
  return 0;
}
