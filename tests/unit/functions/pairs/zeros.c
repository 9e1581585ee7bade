// Signed zeros.
#if VERSION == 0
double f(double x, double y) { return (x + 0.0) - y; }
#elif RIGHT == 1
double f(double x, double y) { return (0.0 + x) + -y; }
#elif WRONG == 1
double f(double x, double y) { return x - y; }
#elif WRONG == 2
double f(double x, double y) { return -(y - (x + 0.0)); }
#endif
