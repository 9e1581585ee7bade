// wrong: sign: values are sorted as the integers that their bits are, in which
// negative ones come in the opposite order

// Prints mean, variance, median, least and greatest of the numbers on standard
// input. NaN stands for a missing number; -0 comes before 0.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VALUES = 10000, MAX_TOKEN = 63 };

typedef struct {
  double values[MAX_VALUES];
  size_t count, missing, bad;
} Data;

static int parse(const char *token, double *value) {
  char *end;
  *value = strtod(token, &end);
  return end != token && *end == '\0';
}

static void read_values(Data *data) {
  char token[MAX_TOKEN + 1];
  double value;
  while (data->count < MAX_VALUES && scanf("%63s", token) == 1) {
    if (!parse(token, &value))
      data->bad++;
    else if (isnan(value))
      data->missing++;
    else
      data->values[data->count++] = value;
  }
}

static double mean_of(const Data *data) {
  double sum = 0;
  for (size_t i = 0; i < data->count; i++)
    sum += data->values[i];
  return sum / (double)data->count;
}

static double variance_of(const Data *data, double mean) {
  double sum = 0;
  for (size_t i = 0; i < data->count; i++) {
    double distance = data->values[i] - mean;
    sum += distance * distance;
  }
  return sum / (double)data->count;
}

static int by_bits(const void *left, const void *right) {
  int64_t a, b;
  memcpy(&a, left, sizeof a);
  memcpy(&b, right, sizeof b);
  return (a > b) - (a < b);
}

static void sort_values(Data *data) {
  qsort(data->values, data->count, sizeof *data->values, by_bits);
}

static double median_of(const Data *sorted) {
  size_t middle = sorted->count / 2;
  if (sorted->count % 2 == 1)
    return sorted->values[middle];
  return (sorted->values[middle - 1] + sorted->values[middle]) / 2;
}

static void print(const char *name, double value) {
  if (isnan(value))
    printf("%s nan\n", name);
  else
    printf("%s %.12g\n", name, value);
}

int main(void) {
  static Data data;
  read_values(&data);
  printf("count %zu, missing %zu, bad %zu\n", data.count, data.missing,
         data.bad);
  if (data.count == 0)
    return 2;
  double mean = mean_of(&data);
  print("mean", mean);
  print("variance", variance_of(&data, mean));
  sort_values(&data);
  print("median", median_of(&data));
  print("least", data.values[0]);
  print("greatest", data.values[data.count - 1]);
  return data.bad > 0;
}
