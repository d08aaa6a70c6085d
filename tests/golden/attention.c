/* Forward and backward passes in C: attention.
 *
 * Arrays are contiguous, their rows one after the other; results are written and nothing is allocated. A name
 * that ends with _f takes float, one with _d double. Compile with
 *
 *     cc -std=c99 -O3 -march=native -fno-math-errno -fno-trapping-math -ffp-contract=fast -fopenmp-simd -c
 *         file.c
 *
 * and with -fopenmp in the place of -fopenmp-simd where threads are wanted.
 *
 * attention: scaled dot-product attention
 *     s[n,i,j] = sum(q[n,i,d]*k[n,j,d], d)/sqrt(D)
 *     p[n,i,j] = exp(s[n,i,j])/sum(exp(s[n,i,l]), l)
 *     y[n,i,e] = sum(p[n,i,j]*v[n,j,e], j)
 *     Source: Vaswani et al., Attention is all you need, NeurIPS 2017
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

/* Forward pass of attention.
 *
 * Scaled dot-product attention.
 *
 * s[n,i,j] = sum(q[n,i,d]*k[n,j,d], d)/sqrt(D)
 * p[n,i,j] = exp(s[n,i,j])/sum(exp(s[n,i,l]), l)
 * y[n,i,e] = sum(p[n,i,j]*v[n,j,e], j)
 *
 * n runs over all leading axes, N positions together.
 *
 * Args:
 *     q: (..., I, D)
 *     k: (..., J, D)
 *     v: (..., J, E)
 *
 * Returns:
 *     y: (..., I, E)
 *     p: (..., I, J)
 *
 * work: memory for J numbers.
 */
void attention_forward_f(ptrdiff_t N, ptrdiff_t n_i, ptrdiff_t D, ptrdiff_t J, ptrdiff_t E,
        const float *restrict q, const float *restrict k, const float *restrict v, float *restrict y,
        float *restrict p, float *restrict work)
{
    float *restrict product = work;
    const float root_D = (float)sqrt(D);
    for (ptrdiff_t n = 0; n < N; n++) {
        for (ptrdiff_t i = 0; i < n_i; i++) {
            for (ptrdiff_t j = 0; j < J; j++) {
                float product_sum = 0.0f;
#pragma omp simd reduction(+: product_sum)
                for (ptrdiff_t d = 0; d < D; d++)
                    product_sum += q[(n * n_i + i) * D + d] * k[(n * J + j) * D + d];
                product[j] = product_sum;
            }
            float row_max = -INFINITY;
#pragma omp simd reduction(largest: row_max)
            for (ptrdiff_t j = 0; j < J; j++) {
                const float s = product[j] / root_D;
                row_max = maximum_f(s, row_max);
            }
            float total = 0.0f;
#pragma omp simd reduction(+: total)
            for (ptrdiff_t j = 0; j < J; j++) {
                const float s = product[j] / root_D;
                p[(n * n_i + i) * J + j] = exp_f(s - row_max);
                total += p[(n * n_i + i) * J + j];
            }
#pragma omp simd
            for (ptrdiff_t j = 0; j < J; j++)
                p[(n * n_i + i) * J + j] /= total;
            for (ptrdiff_t e = 0; e < E; e++)
                y[(n * n_i + i) * E + e] = 0.0f;
            for (ptrdiff_t j = 0; j < J; j++) {
#pragma omp simd
                for (ptrdiff_t e = 0; e < E; e++)
                    y[(n * n_i + i) * E + e] += p[(n * n_i + i) * J + j] * v[(n * J + j) * E + e];
            }
        }
    }
}

/* Backward pass of attention.
 *
 * Scaled dot-product attention.
 *
 * s[n,i,j] = sum(q[n,i,d]*k[n,j,d], d)/sqrt(D)
 * p[n,i,j] = exp(s[n,i,j])/sum(exp(s[n,i,l]), l)
 * y[n,i,e] = sum(p[n,i,j]*v[n,j,e], j)
 *
 * n runs over all leading axes, N positions together.
 *
 * Gradients of a loss, given that of the output:
 *
 * dp[n,i,j] = sum(dy[n,i,e]*v[n,j,e], e)
 * ds[n,i,j] = p[n,i,j]*(dp[n,i,j] - sum(dp[n,i,l]*p[n,i,l], l))
 * dq[n,i,d] = sum(ds[n,i,j]*k[n,j,d], j)/sqrt(D)
 * dk[n,j,d] = sum(ds[n,i,j]*q[n,i,d], i)/sqrt(D)
 * dv[n,j,e] = sum(dy[n,i,e]*p[n,i,j], i)
 *
 * Args:
 *     dy: (..., I, E), the gradient of the loss with respect to y
 *     q: (..., I, D)
 *     k: (..., J, D)
 *     v: (..., J, E)
 *     p: (..., I, J)
 *
 * Returns:
 *     dq: (..., I, D)
 *     dk: (..., J, D)
 *     dv: (..., J, E)
 *
 * work: memory for n_i + n_i * J numbers.
 */
void attention_backward_f(ptrdiff_t N, ptrdiff_t n_i, ptrdiff_t D, ptrdiff_t J, ptrdiff_t E,
        const float *restrict dy, const float *restrict q, const float *restrict k, const float *restrict v,
        const float *restrict p, float *restrict dq, float *restrict dk, float *restrict dv,
        float *restrict work)
{
    float *restrict dp = work;
    float *restrict dot = work + n_i * J;
    const float root_D = (float)sqrt(D);
    for (ptrdiff_t n = 0; n < N; n++) {
        for (ptrdiff_t i = 0; i < n_i; i++) {
            for (ptrdiff_t j = 0; j < J; j++) {
                float dp_sum = 0.0f;
#pragma omp simd reduction(+: dp_sum)
                for (ptrdiff_t e = 0; e < E; e++)
                    dp_sum += dy[(n * n_i + i) * E + e] * v[(n * J + j) * E + e];
                dp[i * J + j] = dp_sum;
            }
            float dot_sum = 0.0f;
#pragma omp simd reduction(+: dot_sum)
            for (ptrdiff_t l = 0; l < J; l++)
                dot_sum += p[(n * n_i + i) * J + l] * dp[i * J + l];
            dot[i] = dot_sum;
            for (ptrdiff_t d = 0; d < D; d++)
                dq[(n * n_i + i) * D + d] = 0.0f;
            for (ptrdiff_t j = 0; j < J; j++) {
                const float ds = p[(n * n_i + i) * J + j] * (dp[i * J + j] - dot_sum);
#pragma omp simd
                for (ptrdiff_t d = 0; d < D; d++)
                    dq[(n * n_i + i) * D + d] += ds * k[(n * J + j) * D + d];
            }
#pragma omp simd
            for (ptrdiff_t d = 0; d < D; d++)
                dq[(n * n_i + i) * D + d] /= root_D;
        }
        for (ptrdiff_t j = 0; j < J; j++) {
            for (ptrdiff_t e = 0; e < E; e++)
                dv[(n * J + j) * E + e] = 0.0f;
            for (ptrdiff_t i = 0; i < n_i; i++) {
#pragma omp simd
                for (ptrdiff_t e = 0; e < E; e++)
                    dv[(n * J + j) * E + e] += p[(n * n_i + i) * J + j] * dy[(n * n_i + i) * E + e];
            }
            for (ptrdiff_t d = 0; d < D; d++)
                dk[(n * J + j) * D + d] = 0.0f;
            for (ptrdiff_t i = 0; i < n_i; i++) {
                const float ds = p[(n * n_i + i) * J + j] * (dp[i * J + j] - dot[i]);
#pragma omp simd
                for (ptrdiff_t d = 0; d < D; d++)
                    dk[(n * J + j) * D + d] += ds * q[(n * n_i + i) * D + d];
            }
#pragma omp simd
            for (ptrdiff_t d = 0; d < D; d++)
                dk[(n * J + j) * D + d] /= root_D;
        }
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

/* attention_forward_f in double. */
void attention_forward_d(ptrdiff_t N, ptrdiff_t n_i, ptrdiff_t D, ptrdiff_t J, ptrdiff_t E,
        const double *restrict q, const double *restrict k, const double *restrict v, double *restrict y,
        double *restrict p, double *restrict work)
{
    double *restrict product = work;
    const double root_D = (double)sqrt(D);
    for (ptrdiff_t n = 0; n < N; n++) {
        for (ptrdiff_t i = 0; i < n_i; i++) {
            for (ptrdiff_t j = 0; j < J; j++) {
                double product_sum = 0.0;
#pragma omp simd reduction(+: product_sum)
                for (ptrdiff_t d = 0; d < D; d++)
                    product_sum += q[(n * n_i + i) * D + d] * k[(n * J + j) * D + d];
                product[j] = product_sum;
            }
            double row_max = -INFINITY;
#pragma omp simd reduction(largest: row_max)
            for (ptrdiff_t j = 0; j < J; j++) {
                const double s = product[j] / root_D;
                row_max = maximum_d(s, row_max);
            }
            double total = 0.0;
#pragma omp simd reduction(+: total)
            for (ptrdiff_t j = 0; j < J; j++) {
                const double s = product[j] / root_D;
                p[(n * n_i + i) * J + j] = exp_d(s - row_max);
                total += p[(n * n_i + i) * J + j];
            }
#pragma omp simd
            for (ptrdiff_t j = 0; j < J; j++)
                p[(n * n_i + i) * J + j] /= total;
            for (ptrdiff_t e = 0; e < E; e++)
                y[(n * n_i + i) * E + e] = 0.0;
            for (ptrdiff_t j = 0; j < J; j++) {
#pragma omp simd
                for (ptrdiff_t e = 0; e < E; e++)
                    y[(n * n_i + i) * E + e] += p[(n * n_i + i) * J + j] * v[(n * J + j) * E + e];
            }
        }
    }
}

/* attention_backward_f in double. */
void attention_backward_d(ptrdiff_t N, ptrdiff_t n_i, ptrdiff_t D, ptrdiff_t J, ptrdiff_t E,
        const double *restrict dy, const double *restrict q, const double *restrict k,
        const double *restrict v, const double *restrict p, double *restrict dq, double *restrict dk,
        double *restrict dv, double *restrict work)
{
    double *restrict dp = work;
    double *restrict dot = work + n_i * J;
    const double root_D = (double)sqrt(D);
    for (ptrdiff_t n = 0; n < N; n++) {
        for (ptrdiff_t i = 0; i < n_i; i++) {
            for (ptrdiff_t j = 0; j < J; j++) {
                double dp_sum = 0.0;
#pragma omp simd reduction(+: dp_sum)
                for (ptrdiff_t e = 0; e < E; e++)
                    dp_sum += dy[(n * n_i + i) * E + e] * v[(n * J + j) * E + e];
                dp[i * J + j] = dp_sum;
            }
            double dot_sum = 0.0;
#pragma omp simd reduction(+: dot_sum)
            for (ptrdiff_t l = 0; l < J; l++)
                dot_sum += p[(n * n_i + i) * J + l] * dp[i * J + l];
            dot[i] = dot_sum;
            for (ptrdiff_t d = 0; d < D; d++)
                dq[(n * n_i + i) * D + d] = 0.0;
            for (ptrdiff_t j = 0; j < J; j++) {
                const double ds = p[(n * n_i + i) * J + j] * (dp[i * J + j] - dot_sum);
#pragma omp simd
                for (ptrdiff_t d = 0; d < D; d++)
                    dq[(n * n_i + i) * D + d] += ds * k[(n * J + j) * D + d];
            }
#pragma omp simd
            for (ptrdiff_t d = 0; d < D; d++)
                dq[(n * n_i + i) * D + d] /= root_D;
        }
        for (ptrdiff_t j = 0; j < J; j++) {
            for (ptrdiff_t e = 0; e < E; e++)
                dv[(n * J + j) * E + e] = 0.0;
            for (ptrdiff_t i = 0; i < n_i; i++) {
#pragma omp simd
                for (ptrdiff_t e = 0; e < E; e++)
                    dv[(n * J + j) * E + e] += p[(n * n_i + i) * J + j] * dy[(n * n_i + i) * E + e];
            }
            for (ptrdiff_t d = 0; d < D; d++)
                dk[(n * J + j) * D + d] = 0.0;
            for (ptrdiff_t i = 0; i < n_i; i++) {
                const double ds = p[(n * n_i + i) * J + j] * (dp[i * J + j] - dot[i]);
#pragma omp simd
                for (ptrdiff_t d = 0; d < D; d++)
                    dk[(n * J + j) * D + d] += ds * q[(n * n_i + i) * D + d];
            }
#pragma omp simd
            for (ptrdiff_t d = 0; d < D; d++)
                dk[(n * J + j) * D + d] /= root_D;
        }
    }
}
