/* Floating point: reductions, a stencil, structs by value, math calls. */
#include <math.h>
#include <stdio.h>

typedef struct {
  double x, y, z;
  int weight;
} Point;

static double dot(const double *a, const double *b, int n) {
  double sum = 0;
  for (int i = 0; i < n; i++)
    sum += a[i] * b[i];
  return sum;
}

void smooth(float *restrict out, const float *restrict in, int n) {
  for (int i = 1; i < n - 1; i++)
    out[i] = 0.25f * in[i - 1] + 0.5f * in[i] + 0.25f * in[i + 1];
}

Point center(const Point *points, int n) {
  Point c = {0, 0, 0, 0};
  for (int i = 0; i < n; i++) {
    c.x += points[i].x * points[i].weight;
    c.y += points[i].y * points[i].weight;
    c.z += sqrt(fabs(points[i].z));
    c.weight += points[i].weight;
  }
  return c;
}

int main(void) {
  double a[200], b[200];
  float in[300], out[300] = {0};
  Point points[40];
  for (int i = 0; i < 200; i++) {
    a[i] = 1.0 / (i + 3);
    b[i] = i * 0.37;
  }
  for (int i = 0; i < 300; i++)
    in[i] = (float)(i % 17) / 7;
  for (int i = 0; i < 40; i++)
    points[i] = (Point){i * 0.1, i * 0.2, i * -0.3, i % 5};
  smooth(out, in, 300);
  Point c = center(points, 40);
  float total = 0;
  for (int i = 0; i < 300; i++)
    total += out[i];
  printf("%a %a %a %a %a %d\n", dot(a, b, 200), total, c.x, c.y, c.z, c.weight);
  return 0;
}
