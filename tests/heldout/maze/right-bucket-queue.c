// right: bucket queue: 64 buckets in a ring are more than the dearest cell
// costs, so every cell has its turn in order of distance

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SIDE 64
#define MAX_CELLS (MAX_SIDE * MAX_SIDE)
#define UNREACHED 1000000000

struct maze {
  int rows;
  int cols;
  int start;
  int end;
  char cells[MAX_CELLS];
  int cost[MAX_CELLS];
  int distance[MAX_CELLS];
};

static const int step_row[4] = {-1, 0, 0, 1};
static const int step_col[4] = {0, -1, 1, 0};

static struct maze maze;

static int cost_of(char cell) {
  if (cell == '#')
    return 0;
  if (cell >= '1' && cell <= '9')
    return cell - '0';
  if (cell >= 'a' && cell <= 'z')
    return cell - 'a' + 10;
  return cell == '.' || cell == '0' || cell == 'S' || cell == 'E' ? 1 : -1;
}

static bool add_row(struct maze *m, const char *line, int length) {
  if (m->rows == MAX_SIDE || (m->rows > 0 && length != m->cols))
    return false;
  m->cols = length;
  for (int col = 0; col < length; col++) {
    int cell = m->rows * m->cols + col;
    m->cells[cell] = line[col];
    m->cost[cell] = cost_of(line[col]);
    if (m->cost[cell] < 0 || (line[col] == 'S' && m->start >= 0) ||
        (line[col] == 'E' && m->end >= 0))
      return false;
    if (line[col] == 'S')
      m->start = cell;
    if (line[col] == 'E')
      m->end = cell;
  }
  m->rows++;
  return true;
}

static bool read_maze(struct maze *m) {
  char line[MAX_SIDE + 3];
  m->start = m->end = -1;
  while (fgets(line, sizeof line, stdin)) {
    size_t length = strcspn(line, "\r\n");
    if (length == 0 || length > MAX_SIDE || !add_row(m, line, (int)length))
      return false;
  }
  return m->start >= 0 && m->end >= 0;
}

static int neighbour(const struct maze *m, int cell, int direction) {
  int row = cell / m->cols + step_row[direction];
  int col = cell % m->cols + step_col[direction];
  if (row < 0 || row >= m->rows || col < 0 || col >= m->cols)
    return -1;
  int next = row * m->cols + col;
  return m->cost[next] > 0 ? next : -1;
}

#define BUCKETS 64

static int head[BUCKETS];
static int following[4 * MAX_CELLS];
static int queued[4 * MAX_CELLS];
static int queue_size;

static void push(int distance, int cell) {
  int entry = queue_size++;
  queued[entry] = cell;
  following[entry] = head[distance & (BUCKETS - 1)];
  head[distance & (BUCKETS - 1)] = entry;
}

static int search(struct maze *m) {
  static bool done[MAX_CELLS];
  int reached = 0;
  for (int cell = 0; cell < m->rows * m->cols; cell++)
    m->distance[cell] = UNREACHED;
  m->distance[m->start] = 0;
  for (int i = 0; i < BUCKETS; i++)
    head[i] = -1;
  push(0, m->start);
  for (int now = 0, empty = 0; empty < BUCKETS; now++, empty++) {
    for (int entry; (entry = head[now & (BUCKETS - 1)]) >= 0; empty = 0) {
      head[now & (BUCKETS - 1)] = following[entry];
      int cell = queued[entry];
      reached += !done[cell];
      for (int direction = 0; !done[cell] && direction < 4; direction++) {
        int next = neighbour(m, cell, direction);
        int distance = m->distance[cell] + (next < 0 ? 0 : m->cost[next]);
        if (next < 0 || done[next] || distance >= m->distance[next])
          continue;
        m->distance[next] = distance;
        push(distance, next);
      }
      done[cell] = true;
    }
  }
  return reached;
}

static void mark_path(struct maze *m) {
  int cell = m->end;
  while (cell != m->start) {
    int direction = 0;
    for (; direction < 4; direction++) {
      int from = neighbour(m, cell, direction);
      if (from >= 0 && m->distance[from] + m->cost[cell] == m->distance[cell])
        break;
    }
    cell = neighbour(m, cell, direction);
    if (cell != m->start)
      m->cells[cell] = '*';
  }
}

int main(void) {
  if (!read_maze(&maze)) {
    puts("not a maze");
    return 1;
  }
  printf("reached %d\n", search(&maze));
  if (maze.distance[maze.end] == UNREACHED) {
    puts("no way");
    return 0;
  }
  printf("cost %d\n", maze.distance[maze.end]);
  mark_path(&maze);
  for (int row = 0; row < maze.rows; row++)
    printf("%.*s\n", maze.cols, maze.cells + row * maze.cols);
  return 0;
}
