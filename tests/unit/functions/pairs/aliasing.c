// The output may overlap the input.
#if VERSION == 0
void f(int n, const int *in, int *out) {
  for (int i = 1; i < n; i++)
    out[i] = in[i] + in[i - 1];
}
#elif RIGHT == 1
void f(int n, const int *in, int *out) {
  for (int i = 1; i < n; i++) {
    int before = in[i - 1];
    out[i] = before + in[i];
  }
}
#elif WRONG == 1
void f(int n, const int *in, int *out) {
  int before = n > 1 ? in[0] : 0;
  for (int i = 1; i < n; i++) {
    int here = in[i];
    out[i] = here + before;
    before = here;
  }
}
#elif WRONG == 2
void f(int n, const int *restrict in, int *restrict out) {
  for (int i = 1; i < n; i++)
    out[i] = in[i] + in[i - 1];
}
#endif
