// Comparisons are false for NaN.
#if VERSION == 0
double f(double x, double low) { return x < low ? low : x * 1.5; }
#elif RIGHT == 1
double f(double x, double low) { return !(x < low) ? 1.5 * x : low; }
#elif WRONG == 1
double f(double x, double low) { return x >= low ? x * 1.5 : low; }
#endif
