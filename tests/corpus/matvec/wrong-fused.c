// wrong: fused multiply-add: products are not rounded before they are added,
// which differs when they are not exact.

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_CELLS 16384
#define INPUT_SIZE (1 << 19)

static char input[INPUT_SIZE + 1];

struct problem {
  int rows;
  int columns;
  double *matrix;
  double *vector;
  double *product;
};

static bool read_size(char **cursor, int *size) {
  char *end;
  long value = strtol(*cursor, &end, 10);
  if (end == *cursor || value < 1 || value > MAX_CELLS)
    return false;
  *cursor = end;
  *size = (int)value;
  return true;
}

static bool read_numbers(char **cursor, double *numbers, int count) {
  for (int i = 0; i < count; i++) {
    char *end;
    numbers[i] = strtod(*cursor, &end);
    if (end == *cursor)
      return false;
    *cursor = end;
  }
  return true;
}

static bool read_problem(struct problem *problem, char *cursor) {
  if (!read_size(&cursor, &problem->rows) ||
      !read_size(&cursor, &problem->columns))
    return false;
  if (problem->rows > MAX_CELLS / problem->columns)
    return false;
  int cells = problem->rows * problem->columns;
  problem->matrix = malloc((size_t)cells * sizeof(double));
  problem->vector = malloc((size_t)problem->columns * sizeof(double));
  problem->product = malloc((size_t)problem->rows * sizeof(double));
  return problem->matrix && problem->vector && problem->product &&
         read_numbers(&cursor, problem->matrix, cells) &&
         read_numbers(&cursor, problem->vector, problem->columns);
}

static double dot(const double *a, const double *b, int count) {
  double sum = 0;
  for (int i = 0; i < count; i++)
    sum = fma(a[i], b[i], sum);
  return sum;
}

static void multiply(struct problem *problem) {
  int columns = problem->columns;
  for (int row = 0; row < problem->rows; row++)
    problem->product[row] =
        dot(problem->matrix + row * columns, problem->vector, columns);
}

static void print_value(const char *label, double value) {
  if (isnan(value))
    printf("%s nan\n", label);
  else
    printf("%s %.17g\n", label, value);
}

static void print_product(const struct problem *problem) {
  const double *product = problem->product;
  double largest = product[0];
  for (int row = 0; row < problem->rows; row++) {
    print_value("y", product[row]);
    if (product[row] > largest)
      largest = product[row];
  }
  print_value("largest", largest);
  print_value("length squared", dot(product, product, problem->rows));
}

int main(void) {
  struct problem problem = {0};
  size_t size = fread(input, 1, INPUT_SIZE, stdin);
  input[size] = '\0';
  bool good = read_problem(&problem, input);
  if (good) {
    multiply(&problem);
    print_product(&problem);
  } else {
    puts("bad matrix or vector");
  }
  free(problem.matrix);
  free(problem.vector);
  free(problem.product);
  return good ? 0 : 1;
}
