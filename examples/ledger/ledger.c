/* Adds up bookings by account and month. They come as lines of DATE;ACCOUNT;AMOUNT;TEXT from standard input, such as
 * 2024-03-31;rent;-1250.00;March, or `ledger -g LINES SEED` writes made-up ones to a temporary file and reads them
 * back. Prints a statement for each account, the totals, and how many lines could not be read.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 256, NAME = 24, MOST_ACCOUNTS = 512, MONTHS = 12 };

typedef struct {
  char name[NAME];
  int64_t cents[MONTHS];
  uint32_t bookings;
  int64_t largest; /* of the amounts, in cents and without the sign */
  char largest_text[LINE];
} Account;

typedef struct {
  Account *accounts; /* in the order of their names */
  int count;
  uint64_t read, rejected;
} Ledger;

typedef struct {
  int year, month, day;
  char *account;
  int64_t cents;
  char *text;
} Booking;

static uint64_t next_random(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return *state >> 33;
}

static void write_bookings(FILE *file, long lines, uint64_t seed) {
  static const char *const kinds[8] = {"rent", "salary", "food", "travel", "energy", "books", "repairs", "taxes"};
  static const char *const texts[4] = {"standing order", "invoice, paid late", "by card", "reference"};
  uint64_t state = seed;
  for (long i = 0; i < lines; i++) {
    int day = (int)(i * 336 / lines);
    uint64_t kind = next_random(&state), amount = next_random(&state), text = next_random(&state);
    fprintf(file, "2024-%02d-%02d;%s-%03d;%s%d.%02d;%s %d\n", 1 + day / 28, 1 + day % 28, kinds[kind % 8],
            (int)(kind / 8 % 40), amount % 3 ? "-" : "", (int)(amount / 4 % 9000), (int)(amount / 65536 % 100),
            texts[text % 4], (int)(text / 4 % 100000));
  }
}

/* Euros and, perhaps, cents: "-12.05", "3", "0.5". Returns whether it is an amount. */
static int parse_amount(const char *text, int64_t *cents) {
  int negative = *text == '-', length = 0;
  long euros;
  char fraction[4] = "";
  if (sscanf(text + negative, "%9ld%n", &euros, &length) != 1 || !isdigit((unsigned char)text[negative]))
    return 0;
  const char *rest = text + negative + length;
  if (*rest == '.') {
    if (sscanf(rest, ".%2[0-9]%n", fraction, &length) != 1)
      return 0;
    rest += length;
  }
  if (*rest)
    return 0;
  *cents = euros * 100 + atol(fraction) * (strlen(fraction) == 1 ? 10 : 1);
  if (negative)
    *cents = -*cents;
  return 1;
}

/* Takes the line apart. Returns whether it is a booking. */
static int parse_booking(char *line, Booking *booking) {
  char *date = strtok(line, ";\n"), *amount;
  booking->account = strtok(NULL, ";\n");
  amount = strtok(NULL, ";\n");
  booking->text = strtok(NULL, "\n");
  if (!date || !booking->account || !amount || !booking->text || strlen(booking->account) >= NAME)
    return 0;
  if (sscanf(date, "%4d-%2d-%2d", &booking->year, &booking->month, &booking->day) != 3)
    return 0;
  if (booking->month < 1 || booking->month > MONTHS || booking->day < 1 || booking->day > 31)
    return 0;
  return parse_amount(amount, &booking->cents);
}

static Account *find_account(Ledger *ledger, const char *name) {
  int low = 0, high = ledger->count;
  while (low < high) {
    int middle = (low + high) / 2, order = strcmp(name, ledger->accounts[middle].name);
    if (order == 0)
      return &ledger->accounts[middle];
    if (order < 0)
      high = middle;
    else
      low = middle + 1;
  }
  if (ledger->count == MOST_ACCOUNTS)
    return NULL;
  Account *account = &ledger->accounts[low];
  memmove(account + 1, account, (size_t)(ledger->count++ - low) * sizeof *account);
  memset(account, 0, sizeof *account);
  strcpy(account->name, name);
  return account;
}

static void enter(Ledger *ledger, const Booking *booking) {
  Account *account = find_account(ledger, booking->account);
  if (!account) {
    ledger->rejected++;
    return;
  }
  int64_t size = booking->cents < 0 ? -booking->cents : booking->cents;
  account->cents[booking->month - 1] += booking->cents;
  account->bookings++;
  if (size > account->largest) {
    account->largest = size;
    snprintf(account->largest_text, LINE, "%04d-%02d-%02d %s", booking->year, booking->month, booking->day,
             booking->text);
  }
}

static void read_bookings(Ledger *ledger, FILE *file) {
  char line[LINE];
  Booking booking;
  while (fgets(line, sizeof line, file)) {
    ledger->read++;
    if (parse_booking(line, &booking))
      enter(ledger, &booking);
    else
      ledger->rejected++;
  }
}

static void print_amount(int64_t cents) {
  printf(" %s%" PRId64 ".%02d", cents < 0 ? "-" : "", (cents < 0 ? -cents : cents) / 100,
         (int)((cents < 0 ? -cents : cents) % 100));
}

static void report(const Ledger *ledger) {
  int64_t total = 0;
  for (int a = 0; a < ledger->count; a++) {
    const Account *account = &ledger->accounts[a];
    int64_t sum = 0;
    printf("%-16s %" PRIu32 ":", account->name, account->bookings);
    for (int month = 0; month < MONTHS; month++) {
      print_amount(account->cents[month]);
      sum += account->cents[month];
    }
    printf(" =");
    print_amount(sum);
    printf(" (%s)\n", account->largest_text);
    total += sum;
  }
  printf("%d accounts, %" PRIu64 " lines, %" PRIu64 " rejected, total", ledger->count, ledger->read, ledger->rejected);
  print_amount(total);
  printf("\n");
}

int main(int argc, char **argv) {
  int generate = argc == 4 && strcmp(argv[1], "-g") == 0;
  long lines = generate ? strtol(argv[2], NULL, 10) : 0;
  if ((argc != 1 && !generate) || lines < 0 || lines > 10000000) {
    fprintf(stderr, "usage: ledger [-g LINES SEED] < bookings\n");
    return 2;
  }
  FILE *file = generate ? tmpfile() : stdin;
  Ledger ledger = {calloc(MOST_ACCOUNTS + 1, sizeof(Account)), 0, 0, 0};
  if (!file || !ledger.accounts) {
    fprintf(stderr, "ledger: no temporary file or no memory\n");
    return 1;
  }
  if (generate) {
    write_bookings(file, lines, strtoull(argv[3], NULL, 10));
    rewind(file);
  }
  read_bookings(&ledger, file);
  report(&ledger);
  fclose(file);
  free(ledger.accounts);
  return 0;
}
