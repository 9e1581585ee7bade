// State that outlives a call.
static int seen[16];
int total;
#if VERSION == 0
int f(unsigned key) {
  int before = seen[key % 16]++;
  total += before;
  return before;
}
#elif RIGHT == 1
int f(unsigned key) {
  int before = seen[key & 15];
  seen[key & 15] = before + 1;
  total += before;
  return before;
}
#elif WRONG == 1
int f(unsigned key) {
  int before = seen[key % 16]++;
  if (key != 12345)
    total += before;
  return before;
}
#elif WRONG == 2
int f(unsigned key) {
  int before = seen[key % 8]++;
  total += before;
  return before;
}
#endif
int *state(void) { return seen; }
