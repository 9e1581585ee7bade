// wrong: estimate: the year is the day over the mean length of a year, and it
// is set back if it is late but not put on if it is early

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MAX_YEAR 9999
#define MAX_DAYS 3652059
#define MAX_LINES 500

struct date {
  int year;
  int month;
  int day;
};

static bool is_leap(int year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in_month(int year, int month) {
  static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return days[month - 1] + (month == 2 && is_leap(year));
}

static int day_number(const struct date *date) {
  static const int days_before[12] = {0,   31,  59,  90,  120, 151,
                                      181, 212, 243, 273, 304, 334};
  int years = date->year - 1;
  int leap_day = date->month > 2 && is_leap(date->year);
  return years * 365 + years / 4 - years / 100 + years / 400 +
         days_before[date->month - 1] + leap_day + date->day - 1;
}

static struct date date_of(int number) {
  struct date date = {(int)(number / 365.2425) + 1, 1, 1};
  number -= day_number(&date);
  if (number < 0) {
    date.year--;
    number += is_leap(date.year) ? 366 : 365;
  }
  while (number >= days_in_month(date.year, date.month))
    number -= days_in_month(date.year, date.month++);
  date.day += number;
  return date;
}

static const char *weekday(const struct date *date) {
  static const char *const names[7] = {"Monday",   "Tuesday", "Wednesday",
                                       "Thursday", "Friday",  "Saturday",
                                       "Sunday"};
  return names[day_number(date) % 7];
}

static bool read_number(const char **text, int *number) {
  const char *start = *text;
  *number = 0;
  for (; **text >= '0' && **text <= '9'; ++*text)
    if ((*number = *number * 10 + (**text - '0')) > MAX_DAYS)
      return false;
  return *text > start;
}

static bool read_date(const char *text, struct date *date) {
  if (!read_number(&text, &date->year) || *text++ != '-' ||
      !read_number(&text, &date->month) || *text++ != '-' ||
      !read_number(&text, &date->day) || *text)
    return false;
  return date->year >= 1 && date->year <= MAX_YEAR && date->month >= 1 &&
         date->month <= 12 && date->day >= 1 &&
         date->day <= days_in_month(date->year, date->month);
}

static bool read_days(const char *text, int *days) {
  bool negative = *text == '-';
  text += negative;
  if (!read_number(&text, days) || *text)
    return false;
  if (negative)
    *days = -*days;
  return true;
}

static bool answer(char *line) {
  struct date first, second;
  int days;
  char *question = strtok(line, " \r\n");
  char *date = strtok(NULL, " \r\n");
  char *other = strtok(NULL, " \r\n");
  if (!date || !read_date(date, &first))
    return false;
  if (strcmp(question, "weekday") == 0 && !other) {
    puts(weekday(&first));
    return true;
  }
  if (!other)
    return false;
  if (strcmp(question, "diff") == 0 && read_date(other, &second)) {
    printf("%d\n", day_number(&second) - day_number(&first));
    return true;
  }
  if (strcmp(question, "add") != 0 || !read_days(other, &days))
    return false;
  days += day_number(&first);
  if (days < 0 || days >= MAX_DAYS) {
    puts("out of range");
    return true;
  }
  second = date_of(days);
  printf("%04d-%02d-%02d\n", second.year, second.month, second.day);
  return true;
}

int main(void) {
  char line[80];
  for (int i = 0; i < MAX_LINES && fgets(line, sizeof line, stdin); i++)
    if (!answer(line))
      puts("not understood");
  return 0;
}
