// right: columns: products of two digits each are summed in 32 bits, which hold
// all hundred of a column, and carried once

// Computes with natural numbers of up to 200 digits. A line of the input is
// "add A B", "mul A B" or "gcd A B"; one that is not gets an error and counts
// in the exit code, and the next line follows.
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { MAX_DIGITS = 200, MAX_LINE = 512, MAX_LINES = 32 };

// The least significant digit comes first, the last one is not 0; zero has
// none.
typedef struct {
  int length;
  unsigned char digits[2 * MAX_DIGITS + 1];
} Number;

static void trim(Number *number) {
  while (number->length > 0 && number->digits[number->length - 1] == 0)
    number->length--;
}

static int parse(const char *text, Number *number) {
  size_t length = text ? strlen(text) : 0;
  if (length == 0 || length > MAX_DIGITS)
    return 0;
  for (size_t i = 0; i < length; i++) {
    if (!isdigit((unsigned char)text[i]))
      return 0;
    number->digits[length - 1 - i] = (unsigned char)(text[i] - '0');
  }
  number->length = (int)length;
  trim(number);
  return 1;
}

static void add(const Number *a, const Number *b, Number *sum) {
  int carry = 0, length = a->length > b->length ? a->length : b->length;
  for (int i = 0; i < length; i++) {
    carry +=
        (i < a->length ? a->digits[i] : 0) + (i < b->length ? b->digits[i] : 0);
    sum->digits[i] = (unsigned char)(carry % 10);
    carry /= 10;
  }
  sum->digits[length] = (unsigned char)carry;
  sum->length = length + 1;
  trim(sum);
}

static int pair_at(const Number *number, int i) {
  int low = number->digits[2 * i];
  return 2 * i + 1 < number->length ? low + 10 * number->digits[2 * i + 1]
                                    : low;
}

static void multiply(const Number *a, const Number *b, Number *product) {
  uint32_t columns[MAX_DIGITS + 1] = {0};
  int rows = (a->length + 1) / 2, width = (b->length + 1) / 2;
  for (int i = 0; i < rows; i++)
    for (int k = 0; k < width; k++)
      columns[i + k] += (uint32_t)(pair_at(a, i) * pair_at(b, k));
  uint32_t carry = 0;
  for (int i = 0; i < rows + width; i++) {
    carry += columns[i];
    product->digits[2 * i] = (unsigned char)(carry % 10);
    product->digits[2 * i + 1] = (unsigned char)(carry / 10 % 10);
    carry /= 100;
  }
  product->length = 2 * (rows + width);
  trim(product);
}

// Whether a is at least b times 10 to the power of `shift`; b is not zero.
static int at_least(const Number *a, const Number *b, int shift) {
  if (a->length != b->length + shift)
    return a->length > b->length + shift;
  for (int i = b->length - 1; i >= 0; i--)
    if (a->digits[i + shift] != b->digits[i])
      return a->digits[i + shift] > b->digits[i];
  return 1;
}

static void subtract(Number *a, const Number *b, int shift) {
  int borrow = 0;
  for (int i = 0; i + shift < a->length; i++) {
    int digit =
        a->digits[i + shift] - (i < b->length ? b->digits[i] : 0) - borrow;
    borrow = digit < 0;
    a->digits[i + shift] = (unsigned char)(digit + 10 * borrow);
  }
  trim(a);
}

static void gcd(const Number *a, const Number *b, Number *divisor) {
  Number rest = *b;
  *divisor = *a;
  while (rest.length > 0) {
    for (int shift = divisor->length - rest.length; shift >= 0; shift--)
      while (at_least(divisor, &rest, shift))
        subtract(divisor, &rest, shift);
    Number next = *divisor;
    *divisor = rest;
    rest = next;
  }
}

static void print(const Number *number) {
  char text[2 * MAX_DIGITS + 2] = "0";
  for (int i = 0; i < number->length; i++)
    text[i] = (char)('0' + number->digits[number->length - 1 - i]);
  puts(text);
}

static int compute(char *line) {
  static Number a, b, result;
  const char *operation = strtok(line, " \n");
  int valid = parse(strtok(NULL, " \n"), &a) &&
              parse(strtok(NULL, " \n"), &b) && !strtok(NULL, " \n");
  if (valid && strcmp(operation, "add") == 0)
    add(&a, &b, &result);
  else if (valid && strcmp(operation, "mul") == 0)
    multiply(&a, &b, &result);
  else if (valid && strcmp(operation, "gcd") == 0)
    gcd(&a, &b, &result);
  else
    return 0;
  print(&result);
  return 1;
}

int main(void) {
  char line[MAX_LINE];
  int errors = 0;
  for (int i = 0; i < MAX_LINES && fgets(line, MAX_LINE, stdin); i++) {
    if (compute(line))
      continue;
    printf("error in line %d\n", i + 1);
    errors++;
  }
  return errors;
}
