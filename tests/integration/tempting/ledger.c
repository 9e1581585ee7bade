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

static int is_digit(char c) { return c >= '0' && c <= '9'; }

/* A number of up to `most` digits. Returns how many there are. */
static int parse_digits(const char *text, int most, int64_t *value) {
  int length = 0;
  *value = 0;
  while (length < most && is_digit(text[length]))
    *value = *value * 10 + (text[length++] - '0');
  return length;
}

/* Euros and, perhaps, cents: "-12.05", "3", "0.5". Returns whether it is an amount. */
static int parse_amount(const char *text, const char *end, int64_t *cents) {
  int negative = *text == '-';
  int64_t euros, fraction = 0;
  text += negative;
  int length = parse_digits(text, 9, &euros);
  text += length;
  if (length == 0)
    return 0;
  if (*text == '.') {
    length = parse_digits(text + 1, 2, &fraction);
    if (length == 0)
      return 0;
    text += 1 + length;
    fraction *= length == 1 ? 10 : 1;
  }
  if (text != end)
    return 0;
  *cents = negative ? -(euros * 100 + fraction) : euros * 100 + fraction;
  return 1;
}

/* YYYY-MM-DD, perhaps with fewer digits. Returns whether it is a date. */
static int parse_date(const char *text, Booking *booking) {
  int64_t year, month, day;
  int length = parse_digits(text, 4, &year);
  text += length;
  if (length == 0 || *text != '-')
    return 0;
  length = parse_digits(text + 1, 2, &month);
  text += 1 + length;
  if (length == 0 || *text != '-' || parse_digits(text + 1, 2, &day) == 0)
    return 0;
  booking->year = (int)year, booking->month = (int)month, booking->day = (int)day;
  return month >= 1 && month <= MONTHS && day >= 1 && day <= 31;
}

/* Takes the line apart, which ends with a NUL character at `end`. Returns whether it is a booking. */
static int parse_booking(char *line, char *end, Booking *booking) {
  char *account = memchr(line, ';', (size_t)(end - line));
  char *amount = account ? memchr(account + 1, ';', (size_t)(end - account - 1)) : NULL;
  char *text = amount ? memchr(amount + 1, ';', (size_t)(end - amount - 1)) : NULL;
  if (!text || text + 1 == end || amount == account + 1 || amount - account > NAME)
    return 0;
  *amount = '\0';
  booking->account = account + 1;
  booking->text = text + 1;
  return parse_date(line, booking) && parse_amount(amount + 1, text, &booking->cents);
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
    char *end = line + strlen(line);
    if (end > line && end[-1] == '\n')
      *--end = '\0';
    ledger->read++;
    if (parse_booking(line, end, &booking))
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
