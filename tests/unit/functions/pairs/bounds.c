// One byte too far.
#if VERSION == 0
void f(unsigned n, unsigned char *to) {
  for (unsigned i = 0; i < n; i++)
    to[i] = (unsigned char)i;
}
#elif RIGHT == 1
void f(unsigned n, unsigned char *to) {
  for (unsigned i = n; i > 0; i--)
    to[i - 1] = (unsigned char)(i - 1);
}
#elif WRONG == 1
void f(unsigned n, unsigned char *to) {
  for (unsigned i = 0; i < n; i++)
    to[i] = (unsigned char)i;
  if (n > 20)
    to[n] = (unsigned char)n;
}
#elif WRONG == 2
void f(unsigned n, unsigned char *to) {
  for (unsigned i = 0; i <= n; i++)
    to[i] = (unsigned char)i;
}
#elif WRONG == 3
void f(unsigned n, unsigned char *to) {
  for (unsigned i = 0; i < n; i++)
    to[i] = (unsigned char)i;
  to[-1] = 0;
}
#endif
