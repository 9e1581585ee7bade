// Memory behind memory.
struct matrix {
  int rows, columns;
  double **row;
};
#if VERSION == 0
double f(const struct matrix *m) {
  double trace = 0;
  for (int i = 0; i < m->rows && i < m->columns; i++)
    trace += m->row[i][i];
  return trace;
}
#elif RIGHT == 1
double f(const struct matrix *m) {
  int n = m->rows < m->columns ? m->rows : m->columns;
  double trace = 0;
  for (int i = 0; i < n; i++)
    trace += *(m->row[i] + i);
  return trace;
}
#elif WRONG == 1
double f(const struct matrix *m) {
  double trace = 0;
  for (int i = 0; i < m->rows; i++)
    trace += m->row[i][i];
  return trace;
}
#elif WRONG == 2
double f(const struct matrix *m) {
  double trace = 0;
  for (int i = 0; i < m->rows && i < m->columns; i++)
    trace += m->row[i][0];
  return trace;
}
#endif
