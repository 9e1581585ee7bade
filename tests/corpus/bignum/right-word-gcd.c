// right: fast path: numbers of up to 19 digits fit into 64-bit words; others
// take the original's way

// Computes with natural numbers of up to 200 digits. A line of the input is
// "add A B", "mul A B" or "gcd A B"; one that is not gets an error and counts
// in the exit code, and the next line follows.
#include <ctype.h>
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

static void multiply(const Number *a, const Number *b, Number *product) {
  product->length = a->length + b->length;
  memset(product->digits, 0, sizeof product->digits);
  for (int i = 0; i < a->length; i++) {
    int carry = 0;
    for (int k = 0; k < b->length; k++) {
      carry += product->digits[i + k] + a->digits[i] * b->digits[k];
      product->digits[i + k] = (unsigned char)(carry % 10);
      carry /= 10;
    }
    product->digits[i + b->length] = (unsigned char)carry;
  }
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

static unsigned long to_word(const Number *number) {
  unsigned long word = 0;
  for (int i = number->length - 1; i >= 0; i--)
    word = 10 * word + number->digits[i];
  return word;
}

static void gcd_words(unsigned long a, unsigned long b, Number *divisor) {
  while (b != 0) {
    unsigned long rest = a % b;
    a = b;
    b = rest;
  }
  divisor->length = 0;
  for (; a != 0; a /= 10)
    divisor->digits[divisor->length++] = (unsigned char)(a % 10);
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
    a.length <= 19 && b.length <= 19
        ? gcd_words(to_word(&a), to_word(&b), &result)
        : gcd(&a, &b, &result);
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
