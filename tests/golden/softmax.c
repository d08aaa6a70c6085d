/* Forward and backward passes in C: softmax.
 *
 * Arrays are contiguous, their rows one after the other; results are written and nothing is allocated. A name
 * that ends with _f takes float, one with _d double. Compile with
 *
 *     cc -std=c99 -O3 -march=native -fno-math-errno -fno-trapping-math -ffp-contract=fast -fopenmp-simd -c
 *         file.c
 *
 * and with -fopenmp in the place of -fopenmp-simd where threads are wanted.
 *
 * softmax: softmax over the last index
 *     y[n,k] = exp(x[n,k])/sum(exp(x[n,j]), j)
 *     Source: Bridle, Probabilistic interpretation of feedforward classification network outputs, 1990
 */

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The larger of two numbers, NaN if one is. */
static inline float maximum_f(float a, float b)
{
    return a > b || a != a ? a : b;
}

#pragma omp declare reduction(largest : float : omp_out = maximum_f(omp_in, omp_out)) initializer(omp_priv = -INFINITY)

/* The bits of a number, and the number of these bits. */
static inline uint32_t bits_f(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float number_f(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* exp(x) = 2^n (1 + r + r^2 E(r)) with x = n log(2) + r; the last bits of shifted are n. */
static inline float exp_f(float x)
{
    const float clamped = x < -104.0f ? -104.0f : x > 89.0f ? 89.0f : x;
    const float shifted = clamped * 1.44269504f + 12582912.0f;
    const float n = shifted - 12582912.0f;
    const float r = (clamped - n * 0.693359375f) - n * -2.12194440e-4f;
    const uint32_t power = bits_f(shifted) - UINT32_C(0x4B400000) + 300;
    const uint32_t half = power >> 1;
    const float first = number_f((half - 150 + 127) << 23);
    const float second = number_f((power - half - 150 + 127) << 23);
    float value = 0.0013926927f;
    value = value * r + 0.008363774f;
    value = value * r + 0.04166655f;
    value = value * r + 0.16666573f;
    value = value * r + 0.5f;
    return (1.0f + (r + r * r * value)) * first * second;
}

/* Forward pass of softmax.
 *
 * Softmax over the last index.
 *
 * y[n,k] = exp(x[n,k])/sum(exp(x[n,j]), j)
 *
 * n runs over all leading axes, N positions together.
 *
 * Args:
 *     x: (..., K)
 *
 * Returns:
 *     y: (..., K)
 */
void softmax_forward_f(ptrdiff_t N, ptrdiff_t K, const float *restrict x, float *restrict y)
{
#pragma omp parallel for
    for (ptrdiff_t n = 0; n < N; n++) {
        float row_max = -INFINITY;
#pragma omp simd reduction(largest: row_max)
        for (ptrdiff_t k = 0; k < K; k++)
            row_max = maximum_f(x[n * K + k], row_max);
        float total = 0.0f;
#pragma omp simd reduction(+: total)
        for (ptrdiff_t k = 0; k < K; k++) {
            y[n * K + k] = exp_f(x[n * K + k] - row_max);
            total += y[n * K + k];
        }
#pragma omp simd
        for (ptrdiff_t k = 0; k < K; k++)
            y[n * K + k] /= total;
    }
}

/* Backward pass of softmax.
 *
 * Softmax over the last index.
 *
 * y[n,k] = exp(x[n,k])/sum(exp(x[n,j]), j)
 *
 * n runs over all leading axes, N positions together.
 *
 * Gradients of a loss, given that of the output:
 *
 * dx[n,k] = y[n,k]*(dy[n,k] - sum(dy[n,j]*y[n,j], j))
 *
 * Args:
 *     dy: (..., K), the gradient of the loss with respect to y
 *     y: (..., K), the output
 *
 * Returns:
 *     dx: (..., K)
 */
void softmax_backward_f(ptrdiff_t N, ptrdiff_t K, const float *restrict dy, const float *restrict y,
        float *restrict dx)
{
#pragma omp parallel for
    for (ptrdiff_t n = 0; n < N; n++) {
        float dot = 0.0f;
#pragma omp simd reduction(+: dot)
        for (ptrdiff_t j = 0; j < K; j++)
            dot += dy[n * K + j] * y[n * K + j];
#pragma omp simd
        for (ptrdiff_t k = 0; k < K; k++)
            dx[n * K + k] = y[n * K + k] * (dy[n * K + k] - dot);
    }
}

/* The larger of two numbers, NaN if one is. */
static inline double maximum_d(double a, double b)
{
    return a > b || a != a ? a : b;
}

#pragma omp declare reduction(largest : double : omp_out = maximum_d(omp_in, omp_out)) initializer(omp_priv = -INFINITY)

/* The bits of a number, and the number of these bits. */
static inline uint64_t bits_d(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double number_d(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* exp(x) = 2^n (1 + r + r^2 E(r)) with x = n log(2) + r; the last bits of shifted are n. */
static inline double exp_d(double x)
{
    const double clamped = x < -750.0 ? -750.0 : x > 710.0 ? 710.0 : x;
    const double shifted = clamped * 1.4426950408889634 + 6755399441055744.0;
    const double n = shifted - 6755399441055744.0;
    const double r = (clamped - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10;
    const uint64_t power = bits_d(shifted) - UINT64_C(0x4338000000000000) + 2200;
    const uint64_t half = power >> 1;
    const double first = number_d((half - 1100 + 1023) << 52);
    const double second = number_d((power - half - 1100 + 1023) << 52);
    double value = 2.0915442297780116e-09;
    value = value * r + 2.5106274733573296e-08;
    value = value * r + 2.75572718102198e-07;
    value = value * r + 2.755725283351691e-06;
    value = value * r + 2.4801587327007187e-05;
    value = value * r + 0.00019841269876864356;
    value = value * r + 0.0013888888888883327;
    value = value * r + 0.008333333333325544;
    value = value * r + 0.04166666666666667;
    value = value * r + 0.1666666666666667;
    value = value * r + 0.5;
    return (1.0 + (r + r * r * value)) * first * second;
}

/* softmax_forward_f in double. */
void softmax_forward_d(ptrdiff_t N, ptrdiff_t K, const double *restrict x, double *restrict y)
{
#pragma omp parallel for
    for (ptrdiff_t n = 0; n < N; n++) {
        double row_max = -INFINITY;
#pragma omp simd reduction(largest: row_max)
        for (ptrdiff_t k = 0; k < K; k++)
            row_max = maximum_d(x[n * K + k], row_max);
        double total = 0.0;
#pragma omp simd reduction(+: total)
        for (ptrdiff_t k = 0; k < K; k++) {
            y[n * K + k] = exp_d(x[n * K + k] - row_max);
            total += y[n * K + k];
        }
#pragma omp simd
        for (ptrdiff_t k = 0; k < K; k++)
            y[n * K + k] /= total;
    }
}

/* softmax_backward_f in double. */
void softmax_backward_d(ptrdiff_t N, ptrdiff_t K, const double *restrict dy, const double *restrict y,
        double *restrict dx)
{
#pragma omp parallel for
    for (ptrdiff_t n = 0; n < N; n++) {
        double dot = 0.0;
#pragma omp simd reduction(+: dot)
        for (ptrdiff_t j = 0; j < K; j++)
            dot += dy[n * K + j] * y[n * K + j];
#pragma omp simd
        for (ptrdiff_t k = 0; k < K; k++)
            dx[n * K + k] = y[n * K + k] * (dy[n * K + k] - dot);
    }
}
