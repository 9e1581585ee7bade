// A loop that is left early, after effects.
#if VERSION == 0
int f(const char *text, int *count) {
  for (int i = 0; text[i]; i++) {
    if (text[i] == 'x')
      return i;
    ++*count;
  }
  return -1;
}
#elif RIGHT == 1
int f(const char *text, int *count) {
  int i = 0;
  while (text[i] && text[i] != 'x') {
    i++;
    ++*count;
  }
  return text[i] ? i : -1;
}
#elif WRONG == 1
int f(const char *text, int *count) {
  int i = 0;
  while (text[i]) {
    ++*count;
    if (text[i] == 'x')
      return i;
    i++;
  }
  return -1;
}
#elif WRONG == 2
int f(const char *text, int *count) {
  int at = -1, length = 0;
  for (; text[length]; length++)
    if (text[length] == 'x' && at < 0)
      at = length;
  *count += at < 0 ? length : at;
  return at;
}
#endif
