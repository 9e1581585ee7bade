// wrong: integer overflow: plain decimals are read into 64 bits without
// counting digits, so long numbers wrap or round twice.

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_COLUMNS 32
#define MAX_NAME 40

struct column {
  char name[MAX_NAME];
  long numbers;
  long others;
  double sum;
  double min;
  double max;
};

struct table {
  struct column columns[MAX_COLUMNS];
  int width;
};

static char *next_field(char **rest) {
  char *field = *rest;
  char *comma = strchr(field, ',');
  if (comma)
    *comma = '\0';
  *rest = comma ? comma + 1 : NULL;
  return field;
}

static bool read_header(struct table *table, char *line) {
  for (char *rest = line; rest;) {
    if (table->width == MAX_COLUMNS)
      return false;
    struct column *column = &table->columns[table->width++];
    snprintf(column->name, MAX_NAME, "%s", next_field(&rest));
  }
  return true;
}

static const double powers_of_ten[] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static bool parse_plain(const char *field, double *value) {
  const char *cursor = field + (*field == '-');
  uint64_t digits = 0;
  int length = 0, fraction = 0;
  bool point = false;
  for (; *cursor; cursor++) {
    if (*cursor == '.' && !point) {
      point = true;
      continue;
    }
    if (*cursor < '0' || *cursor > '9')
      return false;
    digits = digits * 10 + (uint64_t)(*cursor - '0');
    length++;
    fraction += point;
  }
  if (length == 0 || fraction > 22)
    return false;
  *value = (double)digits / powers_of_ten[fraction];
  if (*field == '-')
    *value = -*value;
  return true;
}

static bool parse_number(const char *field, double *value) {
  if (parse_plain(field, value))
    return true;
  char *end;
  *value = strtod(field, &end);
  return end != field && *end == '\0';
}

static void add_field(struct column *column, const char *field) {
  double value;
  if (!parse_number(field, &value)) {
    column->others++;
    return;
  }
  if (column->numbers == 0)
    column->min = column->max = value;
  if (value < column->min)
    column->min = value;
  if (value > column->max)
    column->max = value;
  column->sum += value;
  column->numbers++;
}

static bool add_row(struct table *table, char *line) {
  int index = 0;
  for (char *rest = line; rest; index++) {
    if (index == table->width)
      return false;
    add_field(&table->columns[index], next_field(&rest));
  }
  return index == table->width;
}

static void print_value(const char *label, double value) {
  if (isnan(value))
    printf(" %s nan", label);
  else
    printf(" %s %.15g", label, value);
}

static void print_table(const struct table *table) {
  for (int i = 0; i < table->width; i++) {
    const struct column *column = &table->columns[i];
    printf("%s: %ld numbers, %ld others", column->name, column->numbers,
           column->others);
    if (column->numbers > 0) {
      print_value("sum", column->sum);
      print_value("mean", column->sum / column->numbers);
      print_value("min", column->min);
      print_value("max", column->max);
    }
    putchar('\n');
  }
}

static bool add_line(struct table *table, char *line, size_t length,
                     long number) {
  if (length > 0 && line[length - 1] == '\n')
    line[--length] = '\0';
  if (length > 0 && line[length - 1] == '\r')
    line[--length] = '\0';
  if (number == 1)
    return read_header(table, line);
  return length == 0 || add_row(table, line);
}

int main(void) {
  static struct table table;
  char *line = NULL;
  size_t capacity = 0;
  ssize_t length;
  long number = 0;
  bool good = true;
  while (good && (length = getline(&line, &capacity, stdin)) >= 0)
    good = add_line(&table, line, (size_t)length, ++number);
  free(line);
  if (!good || number == 0) {
    printf("line %ld: wrong number of fields\n", number);
    return 1;
  }
  print_table(&table);
  return 0;
}
