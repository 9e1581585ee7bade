// A trap where there was none.
#if VERSION == 0
int f(int n, int d, const int *x) {
  int sum = 0;
  for (int i = 0; i < n; i++)
    sum += x[i] / d;
  return sum;
}
#elif RIGHT == 1
int f(int n, int d, const int *x) {
  unsigned sum = 0;
  for (int i = n - 1; i >= 0; i--)
    sum += (unsigned)(x[i] / d);
  return (int)sum;
}
#elif WRONG == 1
int f(int n, int d, const int *x) {
  if (d == 0)
    __builtin_trap();
  int sum = 0;
  for (int i = 0; i < n; i++)
    sum += x[i] / d;
  return sum;
}
#endif
