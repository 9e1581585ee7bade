// Floating-point addition is not associative.
#if VERSION == 0
double f(const double x[8]) {
  double sum = 0;
  for (int i = 0; i < 8; i++)
    sum += x[i];
  return sum;
}
#elif RIGHT == 1
double f(const double x[8]) {
  return 0 + x[0] + x[1] + x[2] + x[3] + x[4] + x[5] + x[6] + x[7];
}
#elif WRONG == 1
double f(const double x[8]) {
  return (0 + x[0] + x[2] + x[4] + x[6]) + (x[1] + x[3] + x[5] + x[7]);
}
#endif
