// Unsigned arithmetic wraps, signed arithmetic may be taken not to.
#if VERSION == 0
unsigned f(unsigned a, unsigned b, int c) { return (a + b) / 2 + (c + 1 > c); }
#elif RIGHT == 1
unsigned f(unsigned a, unsigned b, int c) { return ((a + b) >> 1) + 1; }
#elif WRONG == 1
unsigned f(unsigned a, unsigned b, int c) {
  return (a & b) + ((a ^ b) >> 1) + 1;
}
#elif WRONG == 2
unsigned f(unsigned a, unsigned b, int c) {
  return (unsigned)((int)(a + b) / 2) + 1;
}
#endif
