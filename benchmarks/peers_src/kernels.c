/* The workloads of cases.py in C, loop by loop: the limit that compiled Python is held against. Built strictly (no contraction, no fast math). */
#include <complex.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

double sum_array(const double *x, int64_t n) {
  double total = 0;
  for (int64_t i = 0; i < n; i++) total += x[i];
  return total;
}

double pi_series(int64_t n) {
  double total = 0;
  for (int64_t k = 0; k < n; k++) total += (k % 2 == 0 ? 1.0 : -1.0) / (double)(2 * k + 1);
  return 4.0 * total;
}

double dot_loop(const double *x, const double *y, int64_t n) {
  double total = 0;
  for (int64_t i = 0; i < n; i++) total += x[i] * y[i];
  return total;
}

void julia(const double *points, double cr, double ci, int64_t limit, int64_t *counts, int64_t size) {
  for (int64_t i = 0; i < size; i++) {
    double re = points[2 * i], im = points[2 * i + 1];
    int64_t n = 0;
    while (n < limit && hypot(re, im) <= 2.0) {
      double next = re * re - im * im + cr;
      im = re * im + im * re + ci;
      re = next;
      n++;
    }
    counts[i] = n;
  }
}

void julia_square(const double *points, double cr, double ci, int64_t limit, int64_t *counts, int64_t size) {
  for (int64_t i = 0; i < size; i++) {
    double re = points[2 * i], im = points[2 * i + 1];
    int64_t n = 0;
    while (n < limit && re * re + im * im <= 4.0) {
      double next = re * re - im * im + cr;
      im = re * im + im * re + ci;
      re = next;
      n++;
    }
    counts[i] = n;
  }
}

int64_t mandelbrot(int64_t n, int64_t limit) {
  int64_t total = 0;
  for (int64_t row = 0; row < n; row++)
    for (int64_t column = 0; column < n; column++) {
      double cr = 3.0 * (double)column / (double)n - 2.0, ci = 2.0 * (double)row / (double)n - 1.0, re = 0, im = 0;
      int64_t count = 0;
      while (count < limit && re * re + im * im < 4.0) {
        double next = re * re - im * im + cr;
        im = 2.0 * re * im + ci;
        re = next;
        count++;
      }
      total += count;
    }
  return total;
}

int64_t pair_distances(const double *a, int64_t na, const double *b, int64_t nb) {
  int64_t total = 0;
  for (int64_t i = 0; i < na; i++)
    for (int64_t j = 0; j < nb; j++)
      if (a[i] < b[j]) {
        int64_t d = (int64_t)rint(sqrt(a[i] * a[i] + b[j] * b[j]));
        if (d > 5) total += d;
      }
  return total;
}

int64_t primes(int64_t n) {
  int64_t count = 0;
  for (int64_t k = 2; k < n; k++) {
    int64_t d = 2;
    for (; d * d <= k; d++)
      if (k % d == 0) break;
    if (d * d > k) count++;
  }
  return count;
}

int64_t list_append(int64_t n) {
  int64_t *squares = NULL, size = 0, room = 0, total = 0;
  for (int64_t k = 0; k < n; k++) {
    if (size == room) squares = realloc(squares, (size_t)(room = room ? 2 * room : 8) * sizeof *squares);
    squares[size++] = k * k % 1000;
  }
  for (int64_t i = 0; i < size; i++) total += squares[i];
  free(squares);
  return total;
}

int64_t sum_list(const int64_t *values, int64_t n) {
  int64_t total = 0;
  for (int64_t i = 0; i < n; i++) total += values[i];
  return total;
}

void heat_inside(double *a, double *b, int64_t n, int64_t steps) {
  for (int64_t s = 0; s < steps; s++) {
    double *restrict to = s % 2 ? a : b;
    const double *restrict from = s % 2 ? b : a;
    for (int64_t i = 1; i < n - 1; i++)
      for (int64_t j = 1; j < n - 1; j++)
        to[i * n + j] = from[i * n + j] + 0.2 * (from[(i - 1) * n + j] + from[(i + 1) * n + j] + from[i * n + j - 1] + from[i * n + j + 1]
                                                 - 4.0 * from[i * n + j]);
  }
}

/* The wrap-around peeled by hand, as one would in C. */
void heat_torus(double *a, double *b, int64_t n, int64_t steps) {
  for (int64_t s = 0; s < steps; s++) {
    double *restrict to = s % 2 ? a : b;
    const double *restrict from = s % 2 ? b : a;
    for (int64_t i = 0; i < n; i++) {
      const double *up = from + (i ? i - 1 : n - 1) * n, *here = from + i * n, *down = from + (i + 1 < n ? i + 1 : 0) * n;
      double *out = to + i * n;
      out[0] = here[0] + 0.2 * (up[0] + down[0] + here[n - 1] + here[1] - 4.0 * here[0]);
      for (int64_t j = 1; j < n - 1; j++) out[j] = here[j] + 0.2 * (up[j] + down[j] + here[j - 1] + here[j + 1] - 4.0 * here[j]);
      out[n - 1] = here[n - 1] + 0.2 * (up[n - 1] + down[n - 1] + here[n - 2] + here[0] - 4.0 * here[n - 1]);
    }
  }
}

void scale(const double *a, double k, double *out, int64_t size) {
  for (int64_t i = 0; i < size; i++) out[i] = a[i] * k;
}

void matmul(const double *restrict a, const double *restrict b, double *restrict out, int64_t n) {
  for (int64_t i = 0; i < n * n; i++) out[i] = 0;
  for (int64_t i = 0; i < n; i++)
    for (int64_t k = 0; k < n; k++) {
      double x = a[i * n + k];
      for (int64_t j = 0; j < n; j++) out[i * n + j] += x * b[k * n + j];
    }
}

void wave(const double *restrict x, double *restrict out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = sin(x[i]) * exp(-x[i] * x[i]) + sqrt(x[i]);
}

void blur_cube(float *a, float *b, int64_t n, int64_t steps) {
  for (int64_t s = 0; s < steps; s++) {
    const float *restrict from = s % 2 ? b : a;
    float *restrict to = s % 2 ? a : b;
    for (int64_t i = 1; i < n - 1; i++)
      for (int64_t j = 1; j < n - 1; j++)
        for (int64_t k = 1; k < n - 1; k++) {
          const float *x = from + (i * n + j) * n + k;
          to[(i * n + j) * n + k] = 0.125f * (x[-n * n] + x[n * n] + x[-n] + x[n] + x[-1] + x[1] + x[0] + x[0]);
        }
  }
}

void ring_blur(const double *restrict x, double *restrict out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = 0.25 * x[i ? i - 1 : n - 1] + 0.5 * x[i] + 0.25 * x[i + 1 < n ? i + 1 : 0];
}

void prefix_sums(const double *restrict x, double *restrict out, int64_t n) {
  double total = 0;
  for (int64_t i = 0; i < n; i++) out[i] = total += x[i];
}

void histogram(const double *restrict x, int64_t n, int64_t bins, int64_t *restrict counts) {
  for (int64_t i = 0; i < bins; i++) counts[i] = 0;
  for (int64_t i = 0; i < n; i++) {
    int64_t k = (int64_t)(x[i] * (double)bins);
    if (k >= 0 && k < bins) counts[k]++;
  }
}

/* The width of a row is a parameter, as it is of an array. */
void bodies(double *restrict x, double *restrict v, const double *restrict m, int64_t n, int64_t w, int64_t steps) {
  for (int64_t s = 0; s < steps; s++) {
    for (int64_t i = 0; i < n; i++) {
      double ax = 0, ay = 0, az = 0;
      for (int64_t j = 0; j < n; j++) {
        double dx = x[w * j] - x[w * i], dy = x[w * j + 1] - x[w * i + 1], dz = x[w * j + 2] - x[w * i + 2];
        double d = dx * dx + dy * dy + dz * dz + 1e-3, f = m[j] / (d * sqrt(d));
        ax += f * dx;
        ay += f * dy;
        az += f * dz;
      }
      v[w * i] += 1e-4 * ax;
      v[w * i + 1] += 1e-4 * ay;
      v[w * i + 2] += 1e-4 * az;
    }
    for (int64_t i = 0; i < n; i++)
      for (int64_t c = 0; c < 3; c++) x[w * i + c] += 1e-4 * v[w * i + c];
  }
}

int64_t sieve(int64_t n) {
  char *composite = calloc((size_t)n + 1, 1);
  int64_t count = 0;
  for (int64_t k = 2; k <= n; k++) {
    if (composite[k]) continue;
    count++;
    for (int64_t m = k * k; m <= n; m += k) composite[m] = 1;
  }
  free(composite);
  return count;
}
