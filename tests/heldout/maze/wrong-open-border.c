// wrong: flat grid: neighbours are found by an offset without a bounds check,
// which needs a wall all around

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
  const int step[4] = {-m->cols, -1, 1, m->cols};
  int next = cell + step[direction];
  return m->cost[next] > 0 ? next : -1;
}

struct entry {
  int distance;
  int cell;
};

static struct entry heap[4 * MAX_CELLS + 1];
static int heap_size;

static void push(int distance, int cell) {
  int i = heap_size++;
  for (; i > 0 && heap[(i - 1) / 2].distance > distance; i = (i - 1) / 2)
    heap[i] = heap[(i - 1) / 2];
  heap[i] = (struct entry){distance, cell};
}

static struct entry pop(void) {
  struct entry top = heap[0];
  struct entry last = heap[--heap_size];
  int i = 0;
  for (int child; (child = 2 * i + 1) < heap_size; i = child) {
    if (child + 1 < heap_size &&
        heap[child + 1].distance < heap[child].distance)
      child++;
    if (heap[child].distance >= last.distance)
      break;
    heap[i] = heap[child];
  }
  heap[i] = last;
  return top;
}

static int search(struct maze *m) {
  int reached = 0;
  for (int cell = 0; cell < m->rows * m->cols; cell++)
    m->distance[cell] = UNREACHED;
  m->distance[m->start] = 0;
  push(0, m->start);
  while (heap_size > 0) {
    struct entry top = pop();
    if (top.distance > m->distance[top.cell])
      continue;
    reached++;
    for (int direction = 0; direction < 4; direction++) {
      int next = neighbour(m, top.cell, direction);
      if (next < 0 || top.distance + m->cost[next] >= m->distance[next])
        continue;
      m->distance[next] = top.distance + m->cost[next];
      push(m->distance[next], next);
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
