// A version that never ends, on some input.
#if VERSION == 0
unsigned f(unsigned n) {
  unsigned steps = 0;
  for (unsigned i = n; i > 0; i /= 2)
    steps++;
  return steps;
}
#elif RIGHT == 1
unsigned f(unsigned n) { return n ? 32 - (unsigned)__builtin_clz(n) : 0; }
#elif WRONG == 1
unsigned f(unsigned n) {
  unsigned steps = 0;
  for (unsigned i = n; i > 0; i /= 2)
    steps++;
  while (steps > 4 && (n & 1))
    steps = steps % 16 + 5;
  return steps;
}
#endif
