/* Forward and backward passes in C: bce-logits.
 *
 * Arrays are contiguous, their rows one after the other; results are written and nothing is allocated. A name
 * that ends with _f takes float, one with _d double. Compile with
 *
 *     cc -std=c99 -O3 -march=native -fno-math-errno -fno-trapping-math -ffp-contract=fast -fopenmp-simd -c
 *         file.c
 *
 * and with -fopenmp in the place of -fopenmp-simd where threads are wanted.
 *
 * bce-logits: binary cross-entropy of logits
 *     p[n,k] = 1/(1 + exp(-z[n,k]))
 *     L = -sum(t[n,k]*log(p[n,k]) + log(1 - p[n,k])*(1 - t[n,k]), n, k)/(N*K)
 *     Source: Bishop, Pattern Recognition and Machine Learning, Springer 2006, section 4.3.2
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

/* log(1 + x) for 0 <= x <= 1: 2 s + s^3 U(s^2) with s = x/(2 + x). */
static inline float log1p_unit_f(float x)
{
    const float s = x / (2.0f + x);
    const float z = s * s;
    float value = 0.23283684f;
    value = value * z + 0.2169502f;
    value = value * z + 0.28593045f;
    value = value * z + 0.39999694f;
    value = value * z + 0.6666667f;
    return 2.0f * s + s * z * value;
}

/* log(1 + exp(-|x|)), what log(1 + exp(x)) is beyond max(x, 0). */
static inline float softplus_tail_f(float x)
{
    return log1p_unit_f(exp_f(-fabsf(x)));
}

/* 1/(1 + exp(-x)); the exponential of a positive number is never taken. */
static inline float sigmoid_f(float x)
{
    const float decay = exp_f(-fabsf(x));
    return (x >= 0 ? 1.0f : decay) / (1.0f + decay);
}

/* Forward pass of bce-logits.
 *
 * Binary cross-entropy of logits.
 *
 * p[n,k] = 1/(1 + exp(-z[n,k]))
 * L = -sum(t[n,k]*log(p[n,k]) + log(1 - p[n,k])*(1 - t[n,k]), n, k)/(N*K)
 *
 * n runs over all leading axes, N positions together.
 *
 * Args:
 *     z: (..., K)
 *     t: (..., K)
 *
 * Returns:
 *     L: ()
 */
void bce_logits_forward_f(ptrdiff_t N, ptrdiff_t K, const float *restrict z, const float *restrict t,
        float *restrict L)
{
    double total_all = 0.0;
#pragma omp parallel for reduction(+: total_all)
    for (ptrdiff_t n = 0; n < N; n++) {
        float total_row = 0.0f;
#pragma omp simd reduction(+: total_row)
        for (ptrdiff_t k = 0; k < K; k++) {
            const float t1 = maximum_f(z[n * K + k], 0.0f) - z[n * K + k] * t[n * K + k]
                + softplus_tail_f(z[n * K + k]);
            total_row += t1;
        }
        total_all += total_row;
    }
    const float total = (float)total_all;
    *L = total / (float)(K * N);
}

/* Backward pass of bce-logits.
 *
 * Binary cross-entropy of logits.
 *
 * p[n,k] = 1/(1 + exp(-z[n,k]))
 * L = -sum(t[n,k]*log(p[n,k]) + log(1 - p[n,k])*(1 - t[n,k]), n, k)/(N*K)
 *
 * n runs over all leading axes, N positions together.
 *
 * Gradients of a loss, given that of the output:
 *
 * dz[n,k] = dL*(p[n,k] - t[n,k])/(N*K)
 *
 * Args:
 *     dL: (), the gradient of the loss with respect to L
 *     t: (..., K)
 *     z: (..., K)
 *
 * Returns:
 *     dz: (..., K)
 */
void bce_logits_backward_f(ptrdiff_t N, ptrdiff_t K, float dL, const float *restrict t,
        const float *restrict z, float *restrict dz)
{
    const float scale = dL / (float)(K * N);
#pragma omp parallel for
    for (ptrdiff_t n = 0; n < N; n++) {
#pragma omp simd
        for (ptrdiff_t k = 0; k < K; k++)
            dz[n * K + k] = scale * (sigmoid_f(z[n * K + k]) - t[n * K + k]);
    }
}

/* The larger of two numbers, NaN if one is. */
static inline double maximum_d(double a, double b)
{
    return a > b || a != a ? a : b;
}

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

/* log(1 + x) for 0 <= x <= 1: 2 s + s^3 U(s^2) with s = x/(2 + x). */
static inline double log1p_unit_d(double x)
{
    const double s = x / (2.0 + x);
    const double z = s * s;
    double value = 0.15334051947503388;
    value = value * z + 0.0627392927134182;
    value = value * z + 0.09957203842424124;
    value = value * z + 0.10478241518510166;
    value = value * z + 0.11768187657425612;
    value = value * z + 0.13333166249794812;
    value = value * z + 0.15384620639509383;
    value = value * z + 0.18181818077374218;
    value = value * z + 0.22222222223444124;
    value = value * z + 0.285714285714212;
    value = value * z + 0.4000000000000002;
    value = value * z + 0.6666666666666666;
    return 2.0 * s + s * z * value;
}

/* log(1 + exp(-|x|)), what log(1 + exp(x)) is beyond max(x, 0). */
static inline double softplus_tail_d(double x)
{
    return log1p_unit_d(exp_d(-fabs(x)));
}

/* 1/(1 + exp(-x)); the exponential of a positive number is never taken. */
static inline double sigmoid_d(double x)
{
    const double decay = exp_d(-fabs(x));
    return (x >= 0 ? 1.0 : decay) / (1.0 + decay);
}

/* bce_logits_forward_f in double. */
void bce_logits_forward_d(ptrdiff_t N, ptrdiff_t K, const double *restrict z, const double *restrict t,
        double *restrict L)
{
    double total_all = 0.0;
#pragma omp parallel for reduction(+: total_all)
    for (ptrdiff_t n = 0; n < N; n++) {
        double total_row = 0.0;
#pragma omp simd reduction(+: total_row)
        for (ptrdiff_t k = 0; k < K; k++) {
            const double t1 = maximum_d(z[n * K + k], 0.0) - z[n * K + k] * t[n * K + k]
                + softplus_tail_d(z[n * K + k]);
            total_row += t1;
        }
        total_all += total_row;
    }
    const double total = total_all;
    *L = total / (double)(K * N);
}

/* bce_logits_backward_f in double. */
void bce_logits_backward_d(ptrdiff_t N, ptrdiff_t K, double dL, const double *restrict t,
        const double *restrict z, double *restrict dz)
{
    const double scale = dL / (double)(K * N);
#pragma omp parallel for
    for (ptrdiff_t n = 0; n < N; n++) {
#pragma omp simd
        for (ptrdiff_t k = 0; k < K; k++)
            dz[n * K + k] = scale * (sigmoid_d(z[n * K + k]) - t[n * K + k]);
    }
}
