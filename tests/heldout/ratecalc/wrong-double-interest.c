// wrong: rounding: interest is the balance times a factor in floating point
// plus a half, which falls on the wrong side where the exact product is half a
// cent

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define MAX_CENTS 10000000000
#define MAX_RATE 500000
#define MAX_MONTHS 480
#define MAX_LINES 100
#define SCALE 12000000

struct plan {
  int64_t cents;
  int64_t rate;
  int months;
};

static bool read_fixed(const char *text, int places, int64_t limit,
                       int64_t *value) {
  int64_t number = 0;
  int fraction = -1;
  for (; *text; text++) {
    if (*text == '.' && fraction < 0) {
      fraction = 0;
      continue;
    }
    if (*text < '0' || *text > '9' || fraction == places)
      return false;
    number = number * 10 + (*text - '0');
    fraction += fraction >= 0;
    if (number > limit)
      return false;
  }
  for (int i = fraction < 0 ? 0 : fraction; i < places; i++)
    number *= 10;
  *value = number;
  return number <= limit;
}

static int64_t interest(int64_t balance, int64_t rate) {
  double factor = (double)rate * 1e-6 * (1.0 / 12);
  return (int64_t)((double)balance * factor + 0.5);
}

static bool pays_off(const struct plan *plan, int64_t payment) {
  int64_t balance = plan->cents;
  for (int month = 0; month < plan->months; month++) {
    int64_t due = interest(balance, plan->rate);
    if (payment <= due && balance > 0)
      return false;
    balance += due - payment;
    if (balance < 0)
      balance = 0;
  }
  return balance == 0;
}

static int64_t find_payment(const struct plan *plan) {
  int64_t low = 1;
  int64_t high = plan->cents + interest(plan->cents, plan->rate) + 1;
  while (low < high) {
    int64_t middle = low + (high - low) / 2;
    if (pays_off(plan, middle))
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

static void print_cents(const char *label, int64_t cents) {
  printf("%s %" PRId64 ".%02d", label, cents / 100, (int)(cents % 100));
}

static void print_loan(const struct plan *plan) {
  int64_t payment = find_payment(plan);
  int64_t balance = plan->cents;
  int64_t total = 0;
  print_cents("payment", payment);
  for (int month = 1; month <= plan->months; month++) {
    int64_t due = interest(balance, plan->rate);
    int64_t paid = payment < balance + due ? payment : balance + due;
    total += due;
    balance += due - paid;
    if (month % 12 == 0)
      print_cents(month % 60 == 0 ? "\n " : "", balance);
  }
  print_cents("\ninterest", total);
  putchar('\n');
}

static void print_savings(const struct plan *plan) {
  int64_t balance = 0;
  for (int month = 1; month <= plan->months; month++) {
    balance += plan->cents;
    balance += interest(balance, plan->rate);
    if (balance > 10 * MAX_CENTS) {
      printf("over the limit in month %d\n", month);
      return;
    }
    if (month % 12 == 0)
      print_cents(month % 60 == 0 ? "\n " : "", balance);
  }
  print_cents("\nsaved", balance);
  putchar('\n');
}

static bool answer(char *line) {
  struct plan plan;
  int64_t months;
  char *kind = strtok(line, " \t\r\n");
  char *cents = strtok(NULL, " \t\r\n");
  char *rate = strtok(NULL, " \t\r\n");
  char *term = strtok(NULL, " \t\r\n");
  if (!term || strtok(NULL, " \t\r\n") ||
      !read_fixed(cents, 2, MAX_CENTS, &plan.cents) ||
      !read_fixed(rate, 4, MAX_RATE, &plan.rate) ||
      !read_fixed(term, 0, MAX_MONTHS, &months) || months == 0)
    return false;
  plan.months = (int)months;
  bool loan = strcmp(kind, "loan") == 0;
  if (!loan && strcmp(kind, "save") != 0)
    return false;
  if (loan)
    print_loan(&plan);
  else
    print_savings(&plan);
  return true;
}

int main(void) {
  char line[80];
  for (int number = 1; fgets(line, sizeof line, stdin); number++) {
    if (number > MAX_LINES || !answer(line)) {
      printf("line %d: not understood\n", number);
      return 1;
    }
  }
  return 0;
}
