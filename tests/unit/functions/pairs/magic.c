// A value that chance does not find.
#if VERSION == 0
unsigned f(unsigned x) { return x == 0xcafe1234u ? 7 : x * 3; }
#elif RIGHT == 1
unsigned f(unsigned x) { return x != 0xcafe1234u ? x + x + x : 7; }
#elif WRONG == 1
unsigned f(unsigned x) { return x * 3; }
#elif WRONG == 2
unsigned f(unsigned x) {
  return x == 0xcafe1234u ? 7 : x == 0xbeef ? 8 : x * 3;
}
#endif
