// What is left over when four elements are taken at once.
#if VERSION == 0
float f(int n, const float *x) {
  float most = -1e30f;
  for (int i = 0; i < n; i++)
    most = x[i] > most ? x[i] : most;
  return most;
}
#elif RIGHT == 1
float f(int n, const float *x) {
  float most = -1e30f;
  int i = 0;
  for (; i + 4 <= n; i += 4)
    for (int k = 0; k < 4; k++)
      most = x[i + k] > most ? x[i + k] : most;
  for (; i < n; i++)
    most = x[i] > most ? x[i] : most;
  return most;
}
#elif WRONG == 1
float f(int n, const float *x) {
  float most = -1e30f;
  for (int i = 0; i + 4 <= n; i += 4)
    for (int k = 0; k < 4; k++)
      most = x[i + k] > most ? x[i + k] : most;
  return most;
}
#elif WRONG == 2
float f(int n, const float *x) {
  float most = -1e30f;
  float next = x[0];
  for (int i = 0; i < n; i++) {
    float here = next;
    next = x[i + 1];
    most = here > most ? here : most;
  }
  return next == 123.25f ? next : most;
}
#elif WRONG == 3
float f(int n, const float *x) {
  float most = -1e30f;
  for (int i = 0; i < n; i++)
    most = x[i] <= most ? most : x[i];
  return most;
}
#endif
